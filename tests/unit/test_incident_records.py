"""What an incident remembers of each fact: symptoms, acts, reasons to wait, lines for people."""

from typing import Any

import pytest

from agents.events import (
    Cause,
    CauseFound,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixVerified,
    HealthChanged,
    OperatorCommanded,
    ServiceStopped,
)
from agents.incident.records import TIMELINE_LINES, Act, Incident
from agents.incident.transitions import last_act
from tests.fixtures.incident_owner import Desk, down, healthy, unhealthy

LATE = 1_000_000.0


def troubled(**more: Any) -> Desk:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i", **more), LATE)
    return desk


def predicted(incarnation: str = "old", **more: Any) -> FailurePredicted:
    return FailurePredicted(
        service="shop", failure="memory_leak", metric="rss_mib", value=200.0, limit=256.0, lead_time_s=100.0,
        confidence=0.9, incarnation=incarnation, **more,
    )  # fmt: skip


# --- symptoms ---


def test_a_symptom_is_kept_once_and_a_new_one_is_added() -> None:
    desk = troubled()
    assert desk.incident("i").symptoms == ("timeout: no answer",)
    desk.tell(unhealthy("shop"))
    desk.tell(down("shop", incarnation="life"))
    found = desk.incident("i")
    assert found.symptoms == ("timeout: no answer", "exit: signal 9")
    assert (found.kind, found.incarnation) == ("exit", "life")
    desk.tell(unhealthy("shop"))
    assert desk.incident("i").incarnation == "life", "bad news without a life leaves the known one"


def test_bad_health_without_a_symptom_is_its_own_symptom() -> None:
    desk = Desk()
    [opened] = desk.tell(HealthChanged(service="shop", health="unhealthy", id="i"), LATE)
    assert opened.symptom == "unhealthy"
    assert (opened.first_sign_at, desk.incident("i").first_sign_at) == (0.0, LATE), "no bad probe was seen"


def test_a_start_and_what_nobody_knows_are_no_news_of_an_incident() -> None:
    desk = troubled()
    before = desk.incident("i")
    desk.tell(HealthChanged(service="shop", health="starting"), LATE + 1)
    desk.tell(HealthChanged(service="shop", health="unknown"), LATE + 2)
    assert desk.incident("i") == before
    desk.act("i", "kill_restart")
    desk.tell(healthy("shop"))
    assert desk.incident("i").message == "shop is healthy"
    assert desk.incident("i").symptoms == before.symptoms


def test_a_prediction_that_comes_true_is_healed_by_the_health_of_the_same_life() -> None:
    desk = Desk()
    desk.tell(predicted(id="i"))
    desk.tell(unhealthy("shop", incarnation="old"))
    assert desk.incident("i").kind == "probe"
    [closed] = desk.tell(healthy("shop", incarnation="old"))
    assert closed.outcome == "passed_by_itself"


def test_a_prediction_that_ends_in_an_exit_is_about_an_exit() -> None:
    desk = Desk()
    desk.tell(predicted(id="i"))
    desk.tell(down("shop", incarnation="old"))
    assert desk.incident("i").kind == "exit"


def test_a_prediction_said_again_is_remembered_and_not_retold() -> None:
    desk = Desk()
    desk.tell(predicted(id="i"), LATE)
    assert desk.tell(predicted(), LATE + 10) == []
    once = desk.incident("i")
    assert once.symptoms[-1] == "failure_predicted: memory_leak (rss_mib)"
    desk.tell(predicted(), LATE + 20)
    again = desk.incident("i")
    assert (again.symptoms, again.timeline) == (once.symptoms, once.timeline)
    assert again.sign_at == LATE + 20


def test_files_are_damaged_until_each_is_repaired_whatever_was_open_then() -> None:
    desk = Desk()
    for path in ("a", "b", "a"):
        desk.tell(FileDamaged(service="shop", path=path, problem="cut"))
    desk.tell(OperatorCommanded(command="stop", service="shop"))
    desk.tell(FileRepaired(service="shop", path="b"))
    desk.tell(OperatorCommanded(command="start", service="shop"))
    desk.tell(unhealthy("shop", id="later"))
    assert desk.incident("later").damaged == ("a",)
    desk.tell(FileRepaired(service="shop", path="a"))
    assert desk.incident("later").damaged == ()
    assert desk.state.damaged == {}


# --- acts ---


def an_act(act_id: str, fix: str, outcome: Any = "started") -> Act:
    return Act(act_id, fix, "shop", "application", "hang", "shop", 0.0, outcome=outcome)


def test_the_word_of_the_hands_belongs_to_the_act_it_names_or_to_the_open_one_of_its_fix() -> None:
    acts = (an_act("1", "restart", "failed"), an_act("2", "respawn", "failed"), an_act("3", "restart"))
    incident = Incident("i", "shop", 0.0, 0.0, "timeout", "probe", acts=acts)
    assert last_act(incident, "1", "restart") == acts[0], (
        "a late word about one that was judged is no word about the next"
    )
    assert last_act(incident, "2") == acts[1]
    assert last_act(incident, "gone", "restart") == acts[2]
    assert last_act(incident, "gone", "respawn") is None
    assert last_act(incident, "gone") is None


def test_an_act_that_was_applied_says_how_when_and_what_would_undo_it() -> None:
    desk = troubled()
    started = desk.start_act("i", "restart")
    applied = FixApplied(
        incident="i", service="shop", fix="restart", outcome="found_done", cause=started, undo="start it"
    )
    desk.tell(applied, LATE + 4)
    act = desk.incident("i").acts[0]
    assert (act.how, act.applied_at, act.seconds, act.undo) == ("found_done", LATE + 4, 4.0, "start it")
    assert act.deadline_s == 60.0


def test_what_the_hands_measured_counts_before_our_own_clock() -> None:
    desk = troubled()
    started = desk.start_act("i", "restart")
    about = {"incident": "i", "service": "shop", "fix": "restart", "cause": started}
    desk.tell(FixApplied(**about, outcome="done", seconds=1.5), LATE + 4)
    assert desk.incident("i").acts[0].seconds == 1.5


def test_a_late_word_of_the_hands_is_only_noted() -> None:
    desk = troubled()
    started = desk.start_act("i", "restart")
    about = {"incident": "i", "service": "shop", "fix": "restart"}
    [failed] = desk.tell(FixApplied(**about, outcome="failed", cause=started))
    assert failed.reason == "it could not be applied"
    again = desk.start_act("i", "kill_restart")
    [refused] = desk.tell(
        FixApplied(**{**about, "fix": "kill_restart"}, outcome="failed", detail="no", cause=again)
    )
    assert refused.reason == "no"
    for cause in (started, "another"):
        assert desk.tell(FixApplied(**about, outcome="failed", detail="no", cause=cause)) == []
    assert [act.outcome for act in desk.incident("i").acts] == ["failed", "failed"]
    assert desk.incident("i").status == "open"
    assert "could not be applied: no" in desk.incident("i").message


def test_a_failed_act_says_why_and_how_long_it_took() -> None:
    desk = troubled()
    desk.start_act("i", "restart")
    desk.at += 7
    about = {"incident": "i", "service": "shop", "fix": "restart", "cause_name": "hang", "culprit": "shop"}
    failed = FixFailed(**about, reason="still silent")
    desk.tell(failed)
    act = desk.incident("i").acts[0]
    assert (act.outcome, act.reason, act.seconds) == ("failed", "still silent", 7.0)
    before = desk.incident("i")
    desk.tell(FixVerified(**about, seconds=9.0))
    assert desk.incident("i").acts == before.acts, "a verdict without an open act judges none"


def test_a_good_act_says_how_long_it_took() -> None:
    desk = troubled()
    desk.act("i", "restart")
    about = {"incident": "i", "service": "shop", "fix": "restart", "cause_name": "hang", "culprit": "shop"}
    desk.tell(FixVerified(**about, seconds=9.0))
    act = desk.incident("i").acts[0]
    assert (act.outcome, act.reason, act.seconds) == ("verified", "", 9.0)


def test_an_act_whose_incident_ends_first_is_dropped() -> None:
    desk = troubled()
    desk.start_act("i", "restart")
    desk.tell(OperatorCommanded(command="stop", service="shop"))
    found = desk.incident("i")
    assert (found.status, found.outcome, found.acts[0].outcome) == ("withdrawn", "withdrawn", "dropped")


def test_a_stop_frees_only_the_act_on_that_service_from_the_life_it_made() -> None:
    desk = troubled()
    desk.act("i", "restart", outcome="failed", incarnation="first")
    desk.act("i", "kill_restart", target="model", culprit="model", incarnation="second")
    desk.tell(ServiceStopped(service="shop", why="changed"))
    assert [act.after for act in desk.incident("i").acts] == ["first", "second"]
    desk.tell(ServiceStopped(service="model", why="changed"))
    assert [act.after for act in desk.incident("i").acts] == ["first", ""]


# --- what it waits for, and what people read ---


def refused(limit: str, *, final: bool = False) -> FixRefused:
    return FixRefused(incident="i", service="shop", fix="restart", limit=limit, reason="r", final=final)


def test_an_incident_waits_for_a_limit_until_another_word_is_said() -> None:
    desk = troubled()
    desk.tell(refused("approval"))
    assert (desk.incident("i").status, desk.incident("i").waits_for) == ("waiting_approval", "approval")
    desk.tell(refused("paused"))
    assert (desk.incident("i").status, desk.incident("i").waits_for) == ("open", "paused")
    desk.tell(refused("breaker", final=True))
    assert (desk.incident("i").status, desk.incident("i").waits_for) == ("open", "")
    desk.tell(refused("paused"))
    desk.tell(FixesExhausted(incident="i", service="shop", reason="none left"))
    assert (desk.incident("i").status, desk.incident("i").waits_for) == ("escalated", "")
    desk.tell(refused("paused"))
    desk.start_act("i", "restart")
    assert desk.incident("i").waits_for == ""


@pytest.mark.parametrize("final", [True, False])
def test_a_refusal_that_comes_while_an_act_is_in_hand_is_only_noted(*, final: bool) -> None:
    desk = troubled()
    desk.start_act("i", "restart")
    desk.tell(refused("open_act", final=final))
    assert (desk.incident("i").status, desk.incident("i").waits_for) == ("recovering", "")


def test_the_cause_and_its_rivals_are_kept_and_the_last_line_is_the_message() -> None:
    desk = troubled()
    best, rival = Cause("hang", "shop", 0.9), Cause("crash", "shop", 0.1)
    desk.tell(CauseFound(incident="i", service="shop", best=best, rivals=(rival,)), LATE + 3)
    found = desk.incident("i")
    assert (found.cause, found.rivals, found.touched_at) == (best, (rival,), LATE + 3)
    assert found.message == found.timeline[-1].text == "cause: hang of shop 90% (rivals: crash of shop 10%)"


def test_of_a_long_story_the_beginning_and_the_end_are_kept() -> None:
    desk = troubled()
    for n in range(2 * TIMELINE_LINES):
        chosen = FixChosen(
            incident="i", service="shop", fix=f"fix{n}", cause_name="hang", culprit="shop", probability=0.5,
            why="w",
        )  # fmt: skip
        desk.tell(chosen)
    texts = [line.text for line in desk.incident("i").timeline]
    assert len(texts) == TIMELINE_LINES
    assert texts[0].startswith("shop has a problem")
    assert texts[-1].startswith(f"chose fix{2 * TIMELINE_LINES - 1} ")
    assert texts[1].startswith("chose fix0 ")
