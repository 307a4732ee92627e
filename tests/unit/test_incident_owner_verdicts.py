"""The verdicts of the owner of incidents at their edges, late on the clock."""

from typing import Any

import pytest

from agents.events import (
    EventQuarantined,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixFailed,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    Tick,
)
from tests.fixtures.incident_owner import Desk, down, healthy, kinds, unhealthy

LATE = 1_000_000.0
HEALED = [FixVerified, IncidentClosed]


def troubled(**options: Any) -> Desk:
    desk = Desk(**options)
    desk.tell(unhealthy("shop", id="i"), LATE)
    return desk


def lost(agent: str, event: str, incident: str = "i") -> EventQuarantined:
    return EventQuarantined(agent=agent, event=event, error="boom", incident=incident, service="shop")


def test_a_late_word_about_a_failed_act_is_none_about_the_next_one_of_the_same_fix() -> None:
    desk = troubled()
    first = desk.start_act("i", "kill_restart")
    [failed] = desk.tell(lost("application_recovery", first))
    assert kinds([failed]) == [FixFailed]
    second = desk.start_act("i", "kill_restart")
    about = {"incident": "i", "service": "shop", "fix": "kill_restart"}
    assert desk.tell(FixApplied(**about, outcome="failed", detail="taken over", cause=first)) == []
    assert [(act.id, act.outcome) for act in desk.incident("i").acts] == [
        (first, "failed"),
        (second, "started"),
    ]


def test_an_unknown_probe_verifies_nothing_that_only_now_could_be() -> None:
    desk = Desk()
    desk.tell(FileDamaged(service="shop", path="a", problem="cut", id="i"), LATE)
    desk.act("i", "restore_file")
    for _ in range(3):
        desk.probe("shop")
    desk.tell(FileRepaired(service="shop", path="a"))
    assert desk.probe("shop", ok=None) == []
    assert kinds(desk.probe("shop")) == HEALED


# --- what fails an act ---


def test_damage_that_is_seen_while_the_hands_are_at_work_decides_nothing() -> None:
    desk = troubled()
    desk.start_act("i", "kill_restart")
    assert desk.tell(FileDamaged(service="shop", path="a", problem="cut")) == []


def test_hands_that_fail_on_something_else_or_too_late_fail_no_act() -> None:
    desk = troubled()
    started = desk.start_act("i", "kill_restart")
    assert desk.tell(lost("application_recovery", "another")) == []
    desk.tell(FixApplied(incident="i", service="shop", fix="kill_restart", outcome="done", cause=started))
    assert desk.tell(lost("application_recovery", started)) == []


def test_an_incident_is_escalated_once_for_a_thinker_that_fails_and_never_for_others() -> None:
    desk = troubled()
    assert desk.tell(lost("notifier", "x")) == []
    assert desk.tell(lost("act_gate", "x", "unknown incident")) == []
    assert kinds(desk.tell(lost("act_gate", "x"))) == [IncidentEscalated]
    assert desk.tell(lost("act_gate", "y")) == []


@pytest.mark.parametrize("trouble", ["the old life answers", "the file is still damaged"])
def test_the_deadline_fails_a_fix_whose_success_is_another_matter(trouble: str) -> None:
    desk = Desk(start_timeout_s=10.0)
    if "file" in trouble:
        desk.tell(FileDamaged(service="shop", path="a", problem="cut", id="i"), LATE)
    else:
        desk.tell(unhealthy("shop", id="i"), LATE)
    desk.act("i", "kill_restart", incarnation="new")
    desk.probe("shop", incarnation="old" if "old" in trouble else "new", at=LATE + 23)
    assert desk.tell(Tick(), LATE + 23.9) == []
    assert kinds(desk.tell(Tick(), LATE + 24)) == [FixFailed]


@pytest.mark.parametrize("culprit_heals", [False, True])
def test_a_fix_of_a_culprit_has_its_deadline_however_the_culprit_does(*, culprit_heals: bool) -> None:
    desk = troubled(start_timeout_s=10.0)
    desk.tell(unhealthy("model", id="m"))
    desk.act("i", "kill_restart", target="model", culprit="model")
    if culprit_heals:
        desk.tell(healthy("model"), LATE + 20)
    assert desk.tell(Tick(), LATE + 23.9) == []
    assert kinds(desk.tell(Tick(), LATE + 24)) == [FixFailed]


# --- waiting for a culprit ---


def waiting(**options: Any) -> Desk:
    desk = troubled(passive_wait_s=10.0, **options)
    desk.act("i", "wait", culprit="model")
    return desk


def test_waiting_goes_on_while_the_culprit_is_down_even_without_an_incident_of_its_own() -> None:
    desk = waiting(restart="never")
    desk.tell(down("model"))
    assert desk.state.open_of("model") is None
    assert desk.tell(Tick(), LATE + 50) == []
    desk.tell(healthy("model"), LATE + 60)
    assert desk.tell(Tick(), LATE + 69.9) == []
    assert kinds(desk.tell(Tick(), LATE + 70)) == [FixFailed]


def test_waiting_goes_on_while_the_culprit_has_an_incident_though_it_answers() -> None:
    desk = waiting()
    desk.tell(FileDamaged(service="model", path="a", problem="cut"))
    assert desk.tell(Tick(), LATE + 50) == []
    desk.tell(FileRepaired(service="model", path="a"), LATE + 60)
    assert desk.tell(Tick(), LATE + 69.9) == [], "a window after the incident ended"
    assert kinds(desk.tell(Tick(), LATE + 70)) == [FixFailed]


def test_waiting_for_a_culprit_that_nobody_complains_of_ends_with_the_window() -> None:
    desk = waiting()
    assert desk.tell(Tick(), LATE + 9.9) == []
    assert kinds(desk.tell(Tick(), LATE + 10)) == [FixFailed]


# --- acts of which nothing was heard ---


def test_an_unheard_act_did_not_help_while_the_file_is_still_damaged() -> None:
    desk = Desk()
    desk.tell(FileDamaged(service="shop", path="a", problem="cut", id="i"), LATE)
    desk.start_act("i", "restore_file")
    for _ in range(3):
        desk.probe("shop", at=LATE + 1000)
    assert kinds(desk.tell(Tick(), LATE + 1001)) == [FixFailed]


def leaking() -> Desk:
    desk = Desk(probe=None)
    told = FailurePredicted(
        service="shop", failure="memory_leak", metric="rss_mib", value=1.0, limit=2.0, lead_time_s=9.0,
        confidence=0.9, id="i",
    )  # fmt: skip
    desk.tell(told, LATE)
    return desk


def test_where_nothing_is_known_of_a_life_no_unheard_act_has_cured_it() -> None:
    desk = leaking()
    desk.start_act("i", "restart")
    assert kinds(desk.tell(Tick(), LATE + 1000)) == [FixFailed]


# --- services without a probe ---


def test_without_a_probe_and_a_word_of_its_health_three_seconds_verify() -> None:
    desk = leaking()
    desk.act("i", "restart")
    assert kinds(desk.tell(Tick(), LATE + 3)) == HEALED


def ended(**options: Any) -> Desk:
    desk = Desk(probe=None, **options)
    desk.tell(down("shop", id="i"), LATE)
    return desk


def test_without_a_probe_only_a_life_that_goes_on_verifies() -> None:
    desk = ended()
    desk.act("i", "respawn", incarnation="new")
    desk.tell(HealthChanged(service="shop", health="starting", incarnation="new"), LATE + 1)
    assert kinds(desk.tell(Tick(), LATE + 3)) == HEALED


def test_without_a_probe_a_late_word_of_an_end_verifies_nothing() -> None:
    desk = ended()
    desk.act("i", "respawn", incarnation="new")
    assert desk.tell(down("shop", incarnation="old"), LATE + 1) == []
    assert desk.tell(Tick(), LATE + 3) == []


def test_without_a_probe_neither_waiting_nor_a_damaged_file_is_verified_by_living() -> None:
    desk = ended()
    desk.act("i", "wait")
    assert desk.tell(Tick(), LATE + 3) == []
    desk = Desk(probe=None)
    desk.tell(FileDamaged(service="shop", path="a", problem="cut", id="i"), LATE)
    desk.act("i", "restore_file")
    assert desk.tell(Tick(), LATE + 3) == []


def test_without_a_probe_a_relapse_doubles_the_time_to_live_too() -> None:
    desk = ended()
    desk.act("i", "respawn")
    assert kinds(desk.tell(Tick(), LATE + 3)) == HEALED
    desk.tell(down("shop", id="j"), LATE + 10)
    desk.act("j", "respawn")
    assert desk.tell(Tick(), LATE + 15.9) == []
    assert kinds(desk.tell(Tick(), LATE + 16)) == HEALED


def healed_once(again_after_s: float) -> int:
    """How many good probes the second of two healings took."""
    desk = troubled()
    desk.act("i", "kill_restart")
    for _ in range(3):
        desk.probe("shop")
    healed_at = desk.at
    desk.tell(unhealthy("shop", id="j"), healed_at + again_after_s)
    desk.act("j", "kill_restart")
    return next(n for n in range(1, 20) if desk.probe("shop"))


@pytest.mark.parametrize(("after_s", "probes"), [(60.0, 6), (60.1, 3)])
def test_a_relapse_comes_within_a_minute_of_the_healing(after_s: float, probes: int) -> None:
    assert healed_once(after_s) == probes
