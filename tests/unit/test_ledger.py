"""The book of outcomes: what heals by itself is no skill, and what is not true any more is let go."""

from collections.abc import Mapping

import pytest

from analysis.bandit import Outcomes, believe
from analysis.ledger import WAIT, by_itself, entered, passes, seen
from analysis.rates import told

KINDS = {"shop": "process", "worker": "process", "site": "render"}


def book(
    *lines: tuple[str, str], service: str = "shop", rates: Mapping[str, Outcomes] | None = None
) -> dict[str, Outcomes]:
    """Each line is a fix and its outcomes: a plus for well afterwards."""
    after = dict(rates or {})
    for fix, outcomes in lines:
        for outcome in outcomes:
            after = entered(after, "slow", fix, service, healed=outcome == "+")
    return after


def helps(rates: Mapping[str, Outcomes], fix: str = "restart", service: str = "shop") -> float:
    record = rates.get(f"slow/{fix}", Outcomes())
    return believe(record, (1, 1), service, alike={"shop", "worker"}).mean


def test_what_passes_by_itself_counts_less_for_who_was_there_when_it_did() -> None:
    trap = book((WAIT, "++++++++"), ("restart", "+++"))
    assert helps(trap) < helps(book((WAIT, "--------"), ("restart", "+++")))
    assert trap["slow/restart"].counts == {"shop": (3, 3)}, "it was well, whoever did it"
    credited = trap["slow/restart"].by_service["shop"]
    assert credited.successes + credited.failures == pytest.approx(3.0)
    assert credited.successes < 2.9


def test_nothing_passes_by_itself_before_it_was_seen_to() -> None:
    assert passes(book(("restart", "--")), "slow", "shop", alike=()) == 0.0
    assert passes(book((WAIT, "+")), "slow", "shop", alike=()) > 0.3


def test_an_act_that_does_not_help_also_tells_that_it_did_not_pass_meanwhile() -> None:
    waited = book((WAIT, "++"))
    assert passes(book(("restart", "----"), rates=waited), "slow", "shop", alike=()) < passes(
        waited, "slow", "shop", alike=()
    )


def test_the_longer_an_act_lasts_the_more_passes_meanwhile() -> None:
    rates = book((WAIT, "+++-"))
    short, usual, whole = (
        by_itself(rates, "slow", "shop", alike=(), lasts=lasts) for lasts in (0.1, 0.25, 1.0)
    )
    assert 0 < short < usual < whole == passes(rates, "slow", "shop", alike=())


def test_a_fix_that_helps_no_more_is_doubted_within_a_few_outcomes() -> None:
    worked = book(("restart", "+" * 30))
    assert helps(worked) > 0.9
    assert helps(book(("restart", "-" * 5), rates=worked)) < 0.5


def test_a_fix_that_helps_at_last_is_believed_within_a_few_outcomes() -> None:
    failed = book(("restart", "-" * 30))
    assert helps(failed) < 0.1
    assert helps(book(("restart", "+" * 5), rates=failed)) > 0.5


def test_that_it_does_worse_at_one_service_leaves_what_is_known_of_others() -> None:
    rates = book(("restart", "-" * 10), service="site", rates=book(("restart", "+" * 10)))
    assert rates["slow/restart"].by_service["shop"].successes == 10.0


def test_a_rate_between_is_no_change_of_the_world() -> None:
    rates = book(("restart", "+-++" * 10))
    assert rates["slow/restart"].by_service["shop"].successes == 30.0


def test_who_is_hardly_known_is_hoped_to_be_better_once_others_were_tried() -> None:
    record = book(("restart", "-"))["slow/restart"]
    belief = believe(record, (1, 1), "shop", alike=())
    assert belief.hoped(0) == belief.mean
    assert belief.mean < belief.hoped(3) < belief.hoped(300) <= 1.0
    known = believe(book(("restart", "-++-" * 20))["slow/restart"], (1, 1), "shop", alike=())
    assert known.hoped(300) - known.mean < belief.hoped(300) - belief.mean


def test_outcomes_of_one_cause_are_counted_over_its_fixes() -> None:
    rates = book(("restart", "+-"), ("scale", "-"))
    assert seen(rates, "slow") == 3, "what each failure says of waiting is no outcome"
    assert seen(rates, "hang") == 0


def test_people_read_rates_by_class_and_service_beside_what_passes() -> None:
    rates = book(("restart", "++-"), rates=book((WAIT, "+++")))
    rates = book(("restart", "-"), service="site", rates=rates)
    item = next(item for item in told(rates, KINDS, lambda _: (8, 2)) if item["fix"] == "restart")
    assert (item["key"], item["well"], item["times"]) == ("slow/restart", 2, 4)
    assert 0 < item["passes"] < 1
    assert {kind: line["times"] for kind, line in item["by_class"].items()} == {"process": 3, "render": 1}
    assert item["by_service"]["shop"]["well"] == 2
    assert item["by_service"]["shop"]["helps"] > item["by_service"]["site"]["helps"]
