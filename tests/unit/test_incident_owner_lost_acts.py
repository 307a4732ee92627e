"""The owner of incidents: acts of which nothing is heard, or what is heard cannot be taken in."""

import pytest

from agents.events import (
    EventQuarantined,
    FixFailed,
    FixVerified,
    IncidentClosed,
    ObservationResumed,
    Tick,
)
from tests.fixtures.incident_owner import Desk, down, healthy, kinds, unhealthy

HEALED = [FixVerified, IncidentClosed]
HANDS_END_S = 3 * 60.0 + 60.0  # three tries of 60 s each, and some grace


def hung() -> Desk:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"), 0.0)
    return desk


def test_an_act_of_which_nothing_is_heard_fails_once_its_hands_must_have_ended() -> None:
    desk = hung()
    desk.start_act("i", "kill_restart")
    assert desk.tell(Tick(), HANDS_END_S - 0.1) == []
    [failed] = desk.tell(Tick(), HANDS_END_S + 0.1)
    assert (type(failed), failed.reason) == (FixFailed, "nothing was heard of it for 240 s")
    assert desk.incident("i").status == "open"


def test_an_act_of_which_nothing_is_heard_has_helped_where_the_symptom_is_gone() -> None:
    desk = hung()
    desk.start_act("i", "kill_restart")
    for n in range(3):
        assert desk.probe("shop", at=HANDS_END_S + n) == []
        judged = desk.tell(Tick(), HANDS_END_S + 0.1 + n)
        assert kinds(judged) == (HEALED if n == 2 else [])


@pytest.mark.parametrize("well", [False, True])
def test_where_no_probe_can_tell_the_last_word_on_health_does(*, well: bool) -> None:
    desk = Desk(probe=None)
    desk.tell(down("shop", id="i"), 0.0)
    desk.start_act("i", "respawn")
    if well:
        desk.tell(healthy("shop"))
    assert kinds(desk.tell(Tick(), HANDS_END_S + 0.1)) == (HEALED if well else [FixFailed])


def test_only_time_that_we_watched_takes_an_act_from_its_hands() -> None:
    desk = hung()
    desk.start_act("i", "kill_restart")
    desk.tell(ObservationResumed(gap_s=200.0), 200.0)
    assert desk.tell(Tick(), 200.0 + HANDS_END_S - 0.1) == []
    assert kinds(desk.tell(Tick(), 200.0 + HANDS_END_S + 0.1)) == [FixFailed]


def test_what_we_fail_to_hear_of_an_act_counts_as_done_and_is_verified() -> None:
    desk = hung()
    desk.start_act("i", "kill_restart")
    desk.tell(
        EventQuarantined(
            agent=desk.agent.name,
            event="x",
            error="e",
            kind="FixApplied",
            incident="i",
            service="shop",
        )
    )
    assert desk.incident("i").status == "verifying"
    assert kinds([*desk.probe("shop"), *desk.probe("shop"), *desk.probe("shop")]) == HEALED


@pytest.mark.parametrize(("agent", "kind"), [("act_gate", "FixApplied"), ("", "StartRetried")])
def test_what_others_fail_on_leaves_the_act_in_its_hands(agent: str, kind: str) -> None:
    desk = hung()
    desk.start_act("i", "kill_restart")
    who = agent or desk.agent.name
    desk.tell(EventQuarantined(agent=who, event="x", error="e", kind=kind, incident="i", service="shop"))
    assert desk.incident("i").acts[0].outcome == "started"
