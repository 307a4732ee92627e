"""Templates of log lines, new errors, and past incidents that look the same but for a word."""

from typing import Any

from agents.events import CauseFound, ChangeObserved, FixVerified, HealthChanged
from agents.rca_engine import RcaEngine
from analysis.drain import MOST_TEMPLATES, Templates, alike
from analysis.errors import new_error, with_errors
from tests.fixtures.chain import Chain, only, world_of


def test_lines_of_one_shape_become_one_template_and_others_stay_apart() -> None:
    templates = Templates()
    for n in range(50):
        templates.learn(f"INFO order {n} of user u{n} paid in {n * 3} ms")
        templates.learn(f"ERROR cannot reach stock at 10.0.0.{n}:80 after {n} s")
    templates.learn("INFO listening")
    assert set(templates) == {
        "INFO order <*> of user <*> paid in <*> ms", "ERROR cannot reach stock at <*> after <*> s", "INFO listening",
    }  # fmt: skip


def test_templates_that_were_kept_as_text_find_their_lines_again() -> None:
    first = Templates()
    first.learn("ERROR cannot pay order 17 of shop one")
    again = Templates(tuple(first))
    assert again.find("ERROR cannot pay order 99 of shop two") == "ERROR cannot pay order <*> of shop one"
    assert again.find("ERROR cannot ship order 99 from here on") == ""


def test_templates_are_bounded_and_the_oldest_is_forgotten() -> None:
    templates = Templates()
    for n in range(MOST_TEMPLATES + 50):
        templates.learn("word" + "x" * n)
    kept = list(templates)
    assert len(kept) == MOST_TEMPLATES
    assert "word" not in kept
    assert kept[-1] == "word" + "x" * (MOST_TEMPLATES + 49)


def test_an_error_is_new_only_against_earlier_troubles() -> None:
    known = with_errors((), "ERROR cannot pay order 17\nall is well")
    assert new_error("ERROR cannot pay order 18", known) == ""
    assert new_error("ERROR cannot pay order 18\nERROR field price is missing in 3", known) == (
        "ERROR field price is missing in 3"
    )
    assert new_error("ERROR anything at all", ()) == ""


def test_messages_of_other_words_are_not_alike() -> None:
    assert alike("ValueError: cannot parse 'a' in row 4", "ValueError: cannot parse 'b' in row 7")
    assert not alike("ValueError: bad price", "ValueError: no stock left")
    assert not alike("", "KeyError")


def chain() -> Chain:
    made = Chain(
        RcaEngine(world_of({"name": "shop", "probe": {"type": "http", "url": "http://127.0.0.1:9001/"}}))
    )
    made.tell(HealthChanged(service="shop", health="healthy", incarnation="one"))
    return made


def opened(made: Chain, output: str, **told: Any) -> CauseFound:
    trouble: dict[str, Any] = {
        "symptom": "bad_status",
        "status": 500,
        "health": "unhealthy",
        "incarnation": "one",
    }
    sign = HealthChanged(service="shop", output=output, **(trouble | told))
    return only(made.open(sign), CauseFound)


def test_an_error_that_earlier_troubles_did_not_have_is_evidence() -> None:
    made = chain()
    assert not any("never said" in line for line in opened(made, "ERROR cannot pay order 17").best.evidence)
    made.tell(HealthChanged(service="shop", health="healthy", incarnation="one"))
    said = opened(made, "ERROR field price is missing").best.evidence
    assert any(
        line == "it never said this in earlier troubles: ERROR field price is missing" for line in said
    )


def test_with_a_change_at_hand_a_new_error_makes_the_change_more_suspect() -> None:
    def sure(second: str) -> float:
        made = chain()
        opened(made, "ERROR cannot pay order 17")
        made.tell(HealthChanged(service="shop", health="healthy", incarnation="one"))
        made.tell(
            ChangeObserved(service="shop", kind="config", what="shop.toml", before="a", after="b"),
            after_s=400.0,
        )
        best = opened(made, second, incarnation="two").best
        assert best.name == "config_error"
        return best.confidence

    assert sure("ERROR no such shelf") > sure("ERROR cannot pay order 18")


def test_a_past_incident_counts_where_only_a_name_in_the_exception_differs() -> None:
    made = chain()
    before = opened(made, "KeyError: 'blue-shoe'", status=None, exit_code=1, symptom="exit", health="down")
    verified = FixVerified(service="shop", fix="restart", cause_name="crash", culprit="shop", seconds=1.0)
    made.tell(verified, incident=before.incident)
    again = opened(made, "KeyError: 'red-hat'", status=None, exit_code=1, symptom="exit", health="down")
    known = [cause for cause in (again.best, *again.rivals) if cause.name == "crash"]
    assert any("past incidents that looked the same" in line for line in known[0].evidence)
