"""The owner of incidents: when a fix counts as having helped, and when as having failed."""

import pytest
from msgspec.structs import replace

from agents.events import (
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixFailed,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    ObservationResumed,
    ProbeObserved,
    ServiceStopped,
    Tick,
)
from config.model import HttpProbe
from platforms.probing.rounds import FROZEN
from tests.fixtures.incident_owner import Desk, down, healthy, kinds, unhealthy

HEALED = [FixVerified, IncidentClosed]


def hung(**options: object) -> Desk:
    desk = Desk(**options)
    desk.tell(unhealthy("shop", id="i"), 0.0)
    return desk


def test_three_good_probes_of_the_new_incarnation_verify_the_fix() -> None:
    desk = hung()
    assert desk.act("i", "kill_restart", incarnation="new") == []
    assert desk.incident("i").status == "verifying"
    assert desk.probe("shop", incarnation="old") == []
    for _ in range(2):
        assert desk.probe("shop", incarnation="new") == []
    results = desk.probe("shop", incarnation="new")
    assert kinds(results) == HEALED
    assert results[1].outcome == "healed"
    assert desk.incident("i").acts[0].outcome == "verified"
    assert (desk.incident("i").status, desk.incident("i").closed_at) == ("closed", 4.0)


def test_probes_from_before_the_act_do_not_count() -> None:
    desk = hung()
    started = desk.start_act("i", "kill_restart")
    for _ in range(5):
        desk.probe("shop", incarnation="")
    assert desk.incident("i").acts[0].id == started
    assert desk.incident("i").status == "recovering"
    desk.act("i", "kill_restart")
    assert desk.probe("shop") == []


def test_unknown_probes_count_as_nothing_and_a_bad_one_starts_the_row_anew() -> None:
    desk = hung()
    desk.act("i", "kill_restart")
    desk.probe("shop")
    desk.probe("shop")
    assert desk.probe("shop", ok=None) == []
    assert desk.probe("shop", ok=False) == [], "one alone may be noise"
    assert desk.probe("shop") == desk.probe("shop") == []
    assert kinds(desk.probe("shop")) == HEALED


def test_two_bad_probes_in_a_row_fail_the_fix() -> None:
    desk = hung()
    desk.act("i", "kill_restart", incarnation="new")
    assert (
        desk.probe("shop", ok=False, incarnation="old")
        == desk.probe("shop", ok=False, incarnation="old")
        == []
    )
    desk.probe("shop", ok=False, incarnation="new")
    assert kinds(desk.probe("shop", ok=False, incarnation="new")) == [FixFailed]
    assert desk.incident("i").status == "open"


@pytest.mark.parametrize(("incarnation", "fails"), [("new", True), ("old", False), ("", True)])
def test_bad_health_of_the_new_incarnation_fails_the_fix(incarnation: str, *, fails: bool) -> None:
    desk = hung()
    desk.act("i", "kill_restart", incarnation="new")
    assert bool(desk.tell(down("shop", incarnation=incarnation))) is fails


def test_a_fix_that_could_not_be_applied_failed_at_once() -> None:
    assert kinds(hung().act("i", "kill_restart", outcome="failed")) == [FixFailed]


def test_the_deadline_fails_a_fix_without_success() -> None:
    desk = hung(start_timeout_s=10.0)
    desk.act("i", "kill_restart")
    deadline_s = 10 + 3 * 1.5 * 2 + 5
    assert desk.tell(Tick(), deadline_s - 0.1) == []
    assert kinds(desk.tell(Tick(), deadline_s)) == [FixFailed]


def test_a_deadline_fails_nothing_that_is_healthy_now() -> None:
    desk = hung(start_timeout_s=10.0)
    desk.act("i", "kill_restart")
    desk.probe("shop", at=100.0)
    assert desk.tell(Tick(), 100.2) == []


def test_a_deadline_judges_only_time_that_we_watched() -> None:
    desk = hung(start_timeout_s=10.0)
    desk.act("i", "kill_restart")
    desk.tell(ObservationResumed(gap_s=3600.0), 3600.0)
    assert desk.tell(Tick(), 3600.2) == []
    assert kinds(desk.tell(Tick(), 3624.0)) == [FixFailed]


def test_a_gap_starts_the_row_of_good_probes_anew() -> None:
    desk = hung()
    desk.act("i", "kill_restart")
    desk.probe("shop")
    desk.probe("shop")
    desk.tell(ObservationResumed(gap_s=30.0))
    assert desk.probe("shop") == []


def test_without_a_probe_three_seconds_alive_verify() -> None:
    desk = Desk(probe=None)
    desk.tell(down("shop", id="i"), 0.0)
    desk.act("i", "respawn", incarnation="new")
    assert desk.tell(Tick(), 2.9) == []
    assert kinds(desk.tell(Tick(), 3.0)) == HEALED


def test_without_a_probe_an_exit_fails_the_fix() -> None:
    desk = Desk(probe=None)
    desk.tell(down("shop", id="i"), 0.0)
    desk.act("i", "respawn", incarnation="new")
    assert kinds(desk.tell(down("shop", incarnation="new"), 1.0)) == [FixFailed]


def test_a_damaged_file_has_to_be_repaired_too() -> None:
    desk = Desk()
    desk.tell(FileDamaged(service="shop", path="a.json", problem="cut", id="i"))
    desk.act("i", "restore_file")
    for _ in range(5):
        assert desk.probe("shop") == []
    desk.tell(FileRepaired(service="shop", path="a.json"))
    assert kinds(desk.probe("shop")) == HEALED


def test_damage_seen_during_verification_fails_the_fix() -> None:
    desk = hung()
    desk.act("i", "kill_restart")
    assert kinds(desk.tell(FileDamaged(service="shop", path="a.json", problem="cut"))) == [FixFailed]


def test_the_life_that_was_about_to_fail_proves_nothing() -> None:
    desk = Desk()
    desk.tell(
        FailurePredicted(
            service="shop", failure="memory_leak", metric="rss_mib", value=1.0, limit=2.0, lead_time_s=9.0,
            confidence=0.9, incarnation="old", id="i",
        )
    )  # fmt: skip
    desk.act("i", "restart")
    for _ in range(5):
        assert desk.probe("shop", incarnation="old") == []
    for _ in range(2):
        desk.probe("shop", incarnation="new")
    assert kinds(desk.probe("shop", incarnation="new")) == HEALED


def test_waiting_is_patient_with_bad_probes_until_its_time_is_over() -> None:
    desk = hung(passive_wait_s=10.0)
    desk.act("i", "wait")
    for _ in range(9):
        assert desk.probe("shop", ok=False) == []
    assert desk.tell(unhealthy("shop")) == []
    assert kinds(desk.tell(Tick(), 10.0)) == [FixFailed]


def test_waiting_ends_when_the_process_does() -> None:
    desk = hung()
    desk.act("i", "wait")
    assert kinds(desk.tell(down("shop"))) == [FixFailed]


def test_who_waits_for_a_culprit_waits_until_the_culprit_is_healed_and_a_window_longer() -> None:
    desk = hung(passive_wait_s=10.0)
    desk.tell(unhealthy("model", id="m"), 0.0)
    desk.act("i", "wait", culprit="model")
    assert desk.tell(Tick(), 50.0) == []
    desk.act("m", "kill_restart", target="model", culprit="model")
    for _ in range(3):
        desk.probe("model")
    assert desk.incident("m").status == "closed"
    healed_at = desk.at
    assert desk.tell(Tick(), healed_at + 9.0) == []
    desk.probe("shop")
    desk.probe("shop")
    assert kinds(desk.probe("shop")) == HEALED


def test_who_waits_for_a_healthy_culprit_fails_in_the_end() -> None:
    desk = hung(passive_wait_s=10.0)
    desk.tell(unhealthy("model", id="m"), 0.0)
    desk.act("i", "wait", culprit="model")
    desk.tell(healthy("model"), 20.0)
    assert desk.tell(Tick(), 29.0) == []
    assert kinds(desk.tell(Tick(), 30.0)) == [FixFailed]


def test_who_has_reason_for_haste_waits_no_longer_than_told() -> None:
    desk = hung(passive_wait_s=30.0)
    desk.act("i", "wait", culprit="model", patience_s=6.0)
    assert desk.tell(Tick(), desk.at + 5.9) == []
    assert kinds(desk.tell(Tick(), desk.at + 0.1)) == [FixFailed]


def test_a_wait_is_long_enough_for_two_close_looks_however_seldom_it_is_probed_in_peace() -> None:
    probe = HttpProbe(url="http://127.0.0.1:1/health", interval_s=60.0, timeout_s=5.0)
    desk = hung(passive_wait_s=10.0, probe=probe)
    desk.act("i", "wait", culprit="model")
    assert desk.tell(Tick(), desk.at + 11.9) == []
    assert kinds(desk.tell(Tick(), desk.at + 0.1)) == [FixFailed]


def test_who_waits_for_a_culprit_that_is_being_restarted_goes_on_waiting() -> None:
    desk = hung(passive_wait_s=10.0)
    desk.act("i", "wait", culprit="model")
    desk.tell(HealthChanged(service="model", health="starting", incarnation="new"), desk.at + 5.0)
    assert desk.tell(Tick(), desk.at + 15.0) == []
    desk.tell(healthy("model", incarnation="new"), desk.at + 1.0)
    assert desk.tell(Tick(), desk.at + 9.0) == []
    assert kinds(desk.tell(Tick(), desk.at + 1.0)) == [FixFailed]


def test_a_fix_of_the_culprit_is_judged_by_the_caller() -> None:
    desk = hung()
    desk.act("i", "kill_restart", target="model", culprit="model", incarnation="new")
    for _ in range(4):
        assert desk.probe("shop", ok=False, incarnation="s") == [], "callers need a moment"
    for _ in range(2):
        desk.probe("shop", incarnation="s")
    verified, closed = desk.probe("shop", incarnation="s")
    assert (verified.service, closed.service) == ("model", "shop")


def relapse(desk: Desk, at: float) -> int:
    """Opens, fixes and heals an incident; how many good probes it took."""
    [opened] = [e for e in desk.tell(down("shop"), at) if isinstance(e, IncidentOpened)]
    desk.act(opened.incident, "respawn")
    needed = 1
    while not desk.probe("shop"):
        needed += 1
    return needed


def test_a_relapse_doubles_the_verification_and_a_good_hour_forgets_it() -> None:
    desk = Desk()
    assert relapse(desk, 0.0) == 3
    assert relapse(desk, desk.at + 10.0) == 6
    assert relapse(desk, desk.at + 10.0) == 12
    assert relapse(desk, desk.at + 10.0) == 12, "no longer than four times"
    assert relapse(desk, desk.at + 600.0) == 12
    assert relapse(desk, desk.at + 3601.0) == 3


@pytest.mark.parametrize("fault", [down("shop", signal=9), unhealthy("shop", process_state="T")])
def test_a_signal_from_outside_is_no_relapse(fault: HealthChanged) -> None:
    desk = Desk()
    for _ in range(3):
        said = desk.tell(replace(fault), desk.at + 10.0)
        [opened] = [event for event in said if isinstance(event, IncidentOpened)]
        desk.act(opened.incident, "respawn")
        assert [bool(desk.probe("shop")) for _ in range(3)] == [False, False, True]


def test_another_symptom_is_no_relapse() -> None:
    desk = Desk()
    relapse(desk, 0.0)
    desk.tell(unhealthy("shop", id="j"), desk.at + 1.0)
    desk.act("j", "kill_restart")
    assert [bool(desk.probe("shop")) for _ in range(3)] == [False, False, True]


def test_a_life_that_the_daemon_started_anew_is_as_good_as_that_of_the_act() -> None:
    desk = hung()
    desk.act("i", "kill_restart", incarnation="new")
    desk.tell(ServiceStopped(service="shop", why="shutdown"))
    for _ in range(2):
        desk.probe("shop", incarnation="started later")
    assert kinds(desk.probe("shop", incarnation="started later")) == HEALED


@pytest.mark.parametrize(
    ("fault", "lived_s", "outcome", "interrupted"),
    [
        (down("shop", signal=9, incarnation="new"), 2.0, "done", True),
        (down("shop", signal=15, incarnation="new"), 2.0, "found_done", True),
        (unhealthy("shop", process_state="T", incarnation="new"), 2.0, "done", True),
        (down("shop", signal=11, incarnation="new"), 2.0, "done", False),
        (down("shop", exit_code=1, incarnation="new"), 2.0, "done", False),
        (unhealthy("shop", process_state="S", incarnation="new"), 2.0, "done", False),
        (down("shop", signal=9, incarnation="new"), 0.9, "done", False),
        (down("shop", signal=9, incarnation="new"), 2.0, "symptom_gone", False),
    ],
)
def test_who_is_struck_before_the_verdict_has_met_a_new_fault(
    fault: HealthChanged, lived_s: float, outcome: str, *, interrupted: bool
) -> None:
    desk = hung()
    desk.act("i", "kill_restart", outcome, incarnation="new")
    [failed] = desk.tell(replace(fault), desk.at + lived_s)
    assert isinstance(failed, FixFailed)
    assert failed.interrupted is interrupted
    assert desk.incident("i").acts[-1].outcome == ("interrupted" if interrupted else "failed")
    assert len(desk.incident("i").faults) == 1 + interrupted


def test_probes_that_fail_because_somebody_froze_it_tell_of_a_new_fault_too() -> None:
    desk = hung()
    desk.act("i", "kill_restart", incarnation="new")
    frozen = ProbeObserved(service="shop", ok=False, incarnation="new", reason=FROZEN.reason)
    desk.tell(frozen, desk.at + 1.0)
    [failed] = desk.tell(replace(frozen, id="again"), desk.at + 1.0)
    assert failed.interrupted
