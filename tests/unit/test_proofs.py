"""Which changes a service has stood: by whose good probes, and what that says of the next life."""

import pytest

from agents.causes.memory import Notes, relapsed
from agents.causes.proofs import IN_A_ROW, ROLLED_OUT_S, Proofs
from agents.events import FixVerified, HealthChanged, ProbeObserved
from analysis.evidence import Change, Scene, View
from analysis.root_cause import rank

OLD, NEW = "old life", "new life"


class Ear:
    def __init__(self) -> None:
        self.proofs = Proofs()
        self.at = 0.0

    def hear(self, looks: str, life: str = OLD) -> None:
        """A plus is a good probe, a minus a bad one."""
        for look in looks:
            self.at += 1.0
            self.proofs.hear(ProbeObserved(service="shop", ok=look == "+", incarnation=life, at=self.at))

    def stood(self, changed_at: float, failing: str, sign: str = "s", kind: str = "release") -> bool:
        return self.proofs.stood("shop", kind, changed_at, failing, sign)


def test_a_life_begun_after_the_change_stands_it_by_as_many_good_probes_as_verify_a_restart() -> None:
    ear = Ear()
    ear.hear("+++")
    ear.hear("+" * (IN_A_ROW - 1), life=NEW)
    assert not ear.stood(3.5, NEW)
    ear.hear("+--", life=NEW)
    assert ear.stood(3.5, NEW)
    assert ear.stood(3.5, "the next life")
    assert not ear.stood(4.5, "the next life"), "changed after its first good probe"


def test_good_probes_with_a_bad_one_between_prove_nothing() -> None:
    ear = Ear()
    ear.hear("++-++-")
    assert not ear.stood(0.5, OLD)


def test_a_life_from_before_the_change_proves_nothing_for_the_next_which_loads_it() -> None:
    ear = Ear()
    ear.hear("+" * 9)
    assert not ear.stood(3.5, NEW)


def test_a_life_from_before_the_change_that_fails_itself_has_nothing_to_do_with_it() -> None:
    ear = Ear()
    ear.hear("+" * 9 + "-")
    assert ear.stood(3.5, OLD, "hangs")
    assert ear.stood(3.5, NEW, "hangs"), "and the next life fails in the same way"
    assert not ear.stood(3.5, NEW, "cannot boot"), "that is new"


def test_a_platform_goes_on_answering_from_the_release_before_for_a_while() -> None:
    ear = Ear()
    ear.hear("+" * 60)
    assert not ear.stood(3.5, OLD, kind="deploy")
    ear.hear("+" * int(ROLLED_OUT_S))
    assert ear.stood(3.5, OLD, kind="deploy")


def test_nothing_is_proven_of_who_was_never_probed() -> None:
    assert not Ear().stood(0.0, "")


# --- what that is worth ---


def released(**told: object) -> Change:
    return Change("release", "current", "v1", "v2", 100.0, **told)  # type: ignore[arg-type]


def best(change: Change, confirmed: int = 0) -> str:
    view = View(name="shop", health="unhealthy", symptom="timeout", changes=(change,))
    known = {("hang", "shop"): confirmed} if confirmed else {}
    scene = Scene(
        now=130.0, service="shop", opened_by="timeout", views={"shop": view}, suspect_s=900.0, confirmed=known
    )
    return rank(scene)[0].cause


def test_what_stood_is_suspect_again_only_once_restarts_help_for_a_while_only() -> None:
    assert best(released()) == "bad_deploy"
    assert best(released(stood=True)) == "hang"
    assert best(released(stood=True, relapses=1), confirmed=1) == "bad_deploy"


def test_what_failed_so_before_the_release_is_not_of_its_making() -> None:
    assert best(released(stood=True, relapses=1), confirmed=2) == "hang"


@pytest.mark.parametrize(
    ("fix", "culprit", "trouble", "times"),
    [
        ("kill_restart", "shop", {"symptom": "timeout"}, 1),
        ("respawn", "shop", {"symptom": "exit", "exit_code": 3}, 1),
        ("respawn", "shop", {"symptom": "exit", "signal": 11}, 1),
        ("respawn", "shop", {"symptom": "exit", "signal": 9}, 0),  # somebody sent it
        (
            "respawn",
            "shop",
            {"symptom": "exit", "exit_code": 0},
            0,
        ),  # it was told to end, as for a deployment
        ("respawn", "shop", {"symptom": "exit", "exit_code": 143}, 0),
        ("kill_restart", "stock", {"symptom": "timeout"}, 0),
        ("restore_file", "shop", {"symptom": "bad_status"}, 0),
    ],
)
def test_a_relapse_is_a_failure_of_its_own_that_a_mere_restart_ended(
    fix: str, culprit: str, trouble: dict[str, object], times: int
) -> None:
    heard = HealthChanged(service="shop", health="down", reason="r", **trouble)  # type: ignore[arg-type]
    notes = Notes(trouble=heard, changes=(released(),))
    verified = FixVerified(service="shop", fix=fix, cause_name="c", culprit=culprit, seconds=1.0)
    assert relapsed(notes, verified).changes[0].relapses == times
