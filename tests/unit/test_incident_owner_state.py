"""What the owner of incidents remembers beside them: commands, stops, healings, files, lost words."""

from typing import Any

import pytest

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalRequested,
    ConfigChanged,
    EventQuarantined,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixesExhausted,
    FixFailed,
    FixStarted,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    OperatorCommanded,
    ServiceStopped,
    Tick,
)
from tests.fixtures.incident_owner import Desk, down, healthy, kinds, unhealthy

LATE = 1_000_000.0
SERVICES = ("shop", "model")


def troubled(**options: Any) -> Desk:
    desk = Desk(**options)
    desk.tell(unhealthy("shop", id="i"), LATE)
    return desk


# --- commands and stops ---


def test_what_an_operator_stopped_is_quiet_from_the_command_on_whatever_else_is_said() -> None:
    desk = Desk()
    desk.tell(OperatorCommanded(command="stop", service="shop"))
    desk.tell(OperatorCommanded(command="pause", service="shop"))
    assert desk.tell(down("shop")) == []
    assert kinds(desk.tell(down("model"))) == [IncidentOpened]


def test_only_the_words_of_people_are_counted() -> None:
    desk = Desk()
    desk.tell(ConfigChanged(digest="d", services=SERVICES))
    assert desk.state.counts == {"commands": 0}
    for command in ("stop", "start", "pause"):
        desk.tell(OperatorCommanded(command=command, service="shop"))  # type: ignore[arg-type]
    desk.tell(OperatorCommanded(command="shutdown"))
    desk.tell(ConfigChanged(digest="d", services=SERVICES))
    assert desk.state.counts == {"commands": 3}


def test_a_shutdown_lasts_until_a_start_and_not_until_a_reload() -> None:
    desk = Desk()
    desk.tell(OperatorCommanded(command="shutdown"))
    desk.tell(ConfigChanged(digest="d", why="reload", services=SERVICES))
    assert desk.tell(down("shop")) == []


def test_a_service_that_was_stopped_for_a_start_has_incidents_again() -> None:
    desk = Desk()
    desk.tell(ServiceStopped(service="shop", why="changed"))
    assert kinds(desk.tell(down("shop"))) == [IncidentOpened]


def test_a_stop_is_told_in_the_incidents_that_it_concerns() -> None:
    desk = troubled()
    desk.tell(unhealthy("model", id="m"))
    before = desk.incident("i")
    desk.tell(ServiceStopped(service="model", why="changed"))
    assert desk.incident("i") == before
    assert "model was stopped" in desk.incident("m").message
    desk.start_act("i", "kill_restart", target="model", culprit="model")
    desk.tell(ServiceStopped(service="model", why="changed"))
    assert "model was stopped" in desk.incident("i").message
    desk.start_act("m", "kill_restart", target="model", culprit="model")
    before = desk.incident("m")
    desk.tell(ServiceStopped(service="shop", why="changed"))
    assert desk.incident("m") == before


def test_nothing_is_remembered_of_a_removed_service() -> None:
    desk = troubled()
    desk.tell(FileDamaged(service="shop", path="a", problem="cut"))
    desk.tell(ConfigChanged(digest="d", why="reload", services=("model",), removed=("shop",)))
    desk.tell(ConfigChanged(digest="d", why="reload", services=SERVICES, added=("shop",), removed=("shop",)))
    state = desk.state
    assert state.health == state.damaged == state.healed == state.settled == state.by_service == {}


# --- healings and relapses ---


def restored(desk: Desk, incident: str) -> int:
    """How many good probes it takes to verify that a file was restored."""
    desk.tell(FileDamaged(service="shop", path="a", problem="cut", id=incident), desk.at + 10)
    desk.act(incident, "restore_file")
    desk.tell(FileRepaired(service="shop", path="a"))
    return next(n for n in range(1, 20) if desk.probe("shop"))


def test_a_file_that_is_damaged_again_within_a_minute_is_a_relapse_though_nothing_is_known_of_health() -> (
    None
):
    desk = Desk()
    assert [restored(desk, "i"), restored(desk, "j")] == [5, 6]  # the first had to last, too


def test_what_passed_by_itself_was_healed_by_nobody_and_cannot_relapse() -> None:
    desk = troubled()
    desk.tell(healthy("shop"), LATE + 1)
    desk.tell(unhealthy("shop", id="j"), LATE + 2)
    desk.act("j", "kill_restart")
    assert [bool(desk.probe("shop")) for _ in range(3)] == [False, False, True]


def test_the_end_of_an_incident_that_is_not_known_is_no_trouble() -> None:
    desk = troubled()
    desk.tell(IncidentClosed(incident="gone", service="shop", outcome="healed"))
    assert desk.incident("i").status == "open"


def test_of_the_closed_ones_those_are_kept_that_were_closed_last() -> None:
    desk = Desk()
    desk.tell(unhealthy("model", id="long"), LATE)
    for n in range(1000):
        desk.tell(down("shop", id=f"i{n}"), LATE + n)
        desk.tell(healthy("shop"))
    desk.tell(healthy("model"))
    assert "long" in desk.state.incidents
    assert "i0" not in desk.state.incidents


def test_of_the_synthetic_incident_nothing_is_kept_once_it_is_over() -> None:
    desk = Desk()
    about = {"incident": "canary1", "service": "nightwarden:canary"}
    desk.agent.apply(IncidentOpened(**about, symptom="exit", reason="r", at=LATE))
    assert desk.state.by_service == {"nightwarden:canary": "canary1"}
    desk.agent.apply(IncidentClosed(**about, outcome="healed", at=LATE + 9))
    assert desk.state.incidents == desk.state.by_service == {}


# --- a word that we ourselves could not take in ---


def lost(kind: str = "FixApplied", incident: str = "i") -> EventQuarantined:
    return EventQuarantined(
        agent="render_self_healing_agent",
        event="x",
        kind=kind,
        error="boom",
        incident=incident,
        service="shop",
    )


def test_the_lost_word_of_the_hands_counts_as_done_from_then_on() -> None:
    desk = troubled()
    started = desk.start_act("i", "kill_restart")
    desk.tell(lost(), LATE + 9)
    act = desk.incident("i").acts[0]
    assert (act.id, act.outcome, act.how, act.applied_at) == (started, "applied", "done", LATE + 9)
    assert "as far as can be told" in desk.incident("i").message


@pytest.mark.parametrize("event", [lost("CauseFound"), lost(incident="gone")])
def test_other_lost_words_tell_nothing_of_an_act(event: EventQuarantined) -> None:
    desk = troubled()
    desk.start_act("i", "kill_restart")
    desk.tell(event)
    assert desk.incident("i").acts[0].outcome == "started"


@pytest.mark.parametrize("outcome", ["done", "failed", ""])
def test_a_lost_word_about_what_is_known_already_or_never_began_changes_nothing(outcome: str) -> None:
    desk = troubled()
    if outcome:
        desk.act("i", "kill_restart", outcome=outcome)
    before = desk.incident("i").acts
    desk.tell(lost(), LATE + 9)
    assert desk.incident("i").acts == before


# --- what is asked, and what is taken back ---


def question(**more: Any) -> ApprovalRequested:
    about = {
        "incident": "i",
        "service": "shop",
        "fix": "bold",
        "plan": "p",
        "what": "bold for shop",
        "why": "w",
    }
    rest = {"probability": 0.5, "risk": "risky", "cause_name": "hang", "culprit": "shop", "expires_at": 9e9}
    return ApprovalRequested(id="q", **about, **rest, **more)


def test_an_open_question_is_what_an_incident_waits_for_while_nothing_is_in_hand() -> None:
    desk = troubled()
    assert desk.incident("i").shown_status == "open"
    desk.tell(question())
    found = desk.incident("i")
    assert (found.shown_status, found.question, found.asks_for) == ("waiting_approval", "q", "bold for shop")
    desk.start_act("i", "kill_restart")
    assert desk.incident("i").shown_status == "recovering"
    desk.tell(FixesExhausted(incident="i", service="shop", reason="r"))
    desk.tell(OperatorCommanded(command="stop", service="shop"))
    assert desk.incident("i").shown_status == "withdrawn"


def test_an_answer_ends_what_is_waited_for() -> None:
    about = {"incident": "i", "service": "shop", "fix": "bold", "approval": "q"}
    for end in (ApprovalDenied(**about, by="ann"), ApprovalExpired(**about, why="time")):
        desk = troubled()
        desk.tell(question())
        desk.tell(end)
        found = desk.incident("i")
        assert (found.shown_status, found.question, found.asks_for) == ("open", "", "")


@pytest.mark.parametrize(("outcome", "undone"), [("done", True), ("failed", False)])
def test_an_act_that_is_taken_back_after_the_end_is_still_told_there(outcome: Any, *, undone: bool) -> None:
    desk = troubled()
    desk.act("i", "kill_restart")
    desk.tell(OperatorCommanded(command="stop", service="shop"))
    before = desk.incident("i")
    act = before.acts[0]
    about = {"service": "shop", "fix": "kill_restart", "outcome": outcome}
    desk.tell(FixApplied(incident="i", **about, cause=act.id))
    assert desk.incident("i") == before, "any other late word is not"
    desk.tell(FixApplied(incident="i", **about, cause="undo", undo_of=act.id))
    assert desk.incident("i").acts[0].undone is undone
    desk.tell(FixApplied(incident="gone", **about, cause="undo", undo_of=act.id))


def started(**more: Any) -> FixStarted:
    about = {"incident": "i", "service": "shop", "fix": "bold", "agent": "application_recovery"}
    return FixStarted(**about, cause_name="hang", culprit="shop", deadline_s=9.0, **more)


def test_only_the_act_that_was_asked_about_ends_the_question() -> None:
    desk = troubled()
    desk.tell(question())
    desk.tell(started())
    assert desk.incident("i").question == "q"
    desk.tell(started(approval="q"))
    assert (desk.incident("i").question, desk.incident("i").asks_for) == ("", "")


def test_taking_back_is_told_and_is_no_act_of_its_own() -> None:
    desk = troubled()
    desk.act("i", "kill_restart", outcome="failed")
    before = desk.incident("i")
    desk.tell(started(undo_of=before.acts[0].id))
    found = desk.incident("i")
    assert (found.acts, found.status, len(found.timeline)) == (before.acts, "open", len(before.timeline) + 1)
    desk.tell(FixApplied(incident="i", service="shop", fix="bold", outcome="done", cause="u", undo_of="gone"))
    assert desk.incident("i").acts == before.acts


# --- what its words carry, where no event brings it along ---


def test_every_verdict_names_its_incident_its_target_and_its_time() -> None:
    desk = troubled(start_timeout_s=10.0, slow_probe_s=60.0)
    desk.act("i", "kill_restart", target="model", culprit="model")
    [failed] = desk.tell(Tick(), LATE + 24)
    assert isinstance(failed, FixFailed)
    assert (failed.incident, failed.service, failed.culprit) == ("i", "model", "model")
    [escalated] = desk.tell(Tick(), LATE + 84)
    assert isinstance(escalated, IncidentEscalated)
    assert (escalated.incident, escalated.service, escalated.round) == ("i", "shop", 0)
    [retried] = desk.tell(Tick(), LATE + 144)
    assert isinstance(retried, IncidentRetried)
    assert (retried.incident, retried.service, retried.round) == ("i", "shop", 1)


def test_a_healing_says_how_long_it_took_and_what_did_it() -> None:
    desk = troubled()
    desk.at += 1.0
    desk.start_act("i", "kill_restart")
    desk.act("i", "kill_restart")
    for _ in range(2):
        desk.probe("shop")
    verified, closed = desk.probe("shop", at=LATE + 8.2504)
    assert (verified.service, verified.seconds) == ("shop", 7.25)
    assert (closed.message, closed.seconds) == ("kill_restart of shop", 8.25)
