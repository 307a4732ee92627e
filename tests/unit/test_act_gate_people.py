"""What the act gate asks of people, and what it makes of their words."""

from typing import Any

import pytest

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CommandAnswered,
    FixRefused,
    FixStarted,
    HealthChanged,
    IncidentClosed,
    OperatorCommanded,
    ServiceStarted,
)
from config.model import Approvals, Approver
from tests.fixtures.gate import Gate, extra_fix

BOLD, DROP = extra_fix("bold", risk="risky"), extra_fix("drop", risk="destructive")
ANN, BEN = Approver(name="ann", telegram_id=1), Approver(name="ben", telegram_id=2)


def desk(*approvers: Approver, **options: Any) -> Gate:
    gate = Gate(fixes=(BOLD, DROP), **options)
    config = gate.world.config
    gate.world.config = type(config)(
        services=config.services, windows=config.windows, approvals=Approvals(approvers=approvers)
    )
    gate.world.unix = lambda at: at
    return gate


def asks(gate: Gate, fix: str = "bold", at: float = 0.0) -> ApprovalRequested:
    """An ill service, a choice that needs a word, and the question."""
    gate.tell(HealthChanged(service="s0", health="unhealthy", symptom="timeout", incarnation="s0-1"), at)
    gate.ask("s0", fix, at)
    [question] = gate.asked
    assert isinstance(question, ApprovalRequested)
    return question


def says(gate: Gate, word: Any, about: str, at: float, by: str = "telegram:ann", **more: Any) -> list[Any]:
    return gate.tell(OperatorCommanded(command=word, about=about, by=by, **more), at)


def answer(events: list[Any]) -> CommandAnswered:
    assert isinstance(events[-1], CommandAnswered)
    assert sum(isinstance(event, CommandAnswered) for event in events) == 1
    return events[-1]


def acts(events: list[Any]) -> list[str]:
    return [event.fix for event in events if isinstance(event, FixStarted)]


# --- asking ---


def test_a_risky_fix_is_asked_about_and_another_fix_may_go_on_meanwhile() -> None:
    gate = desk()
    question = asks(gate)
    assert (question.fix, question.persons, question.typed, question.expires_at) == ("bold", 1, "", 600.0)
    assert gate.pending() == [], "the choice was refused for good, so that the next one is chosen"
    act = gate.choose("i1", "s0", "kill_restart")
    assert isinstance(act, FixStarted)


def test_where_every_fix_needs_a_word_the_choice_waits_for_it() -> None:
    gate = desk(autonomy="suggest")
    question = asks(gate, "kill_restart")
    assert gate.pending() == ["kill_restart"]
    assert acts(says(gate, "approve", question.id, 1.0)) == ["kill_restart"]
    assert gate.pending() == []


def test_one_incident_is_asked_about_once_at_a_time() -> None:
    gate = desk()
    asks(gate)
    refused = gate.choose("i1", "s0", "drop")
    assert isinstance(refused, FixRefused)
    assert gate.asked == []


def test_nobody_is_asked_for_what_another_limit_holds_back() -> None:
    gate = desk()
    gate.tell(OperatorCommanded(command="pause", by="ann"))
    gate.ask("s0", "bold")
    assert gate.asked == []


# --- words ---


def test_a_yes_starts_the_act_once_and_a_second_yes_hears_who_was_first() -> None:
    gate = desk(ANN, BEN)
    question = asks(gate)
    first = says(gate, "approve", question.id, 5.0)
    assert [type(event) for event in first] == [ApprovalGiven, FixStarted, CommandAnswered]
    assert first[1].approval == question.id
    assert answer(first).accepted
    second = says(gate, "approve", question.id, 6.0, by="telegram:ben")
    assert acts(second) == []
    assert answer(second).answer == "telegram:ann agreed before you, and bold of s0 was started"


def test_the_incident_names_its_open_question_too() -> None:
    gate = desk()
    question = asks(gate)
    assert acts(says(gate, "approve", question.incident, 5.0)) == ["bold"]


def test_whoever_is_not_named_decides_nothing() -> None:
    gate = desk(ANN)
    question = asks(gate)
    refused = says(gate, "approve", question.id, 1.0, by="telegram:eve")
    assert len(refused) == 1
    assert not answer(refused).accepted
    assert acts(says(gate, "approve", question.id, 1.0, by="command line")) == ["bold"]


def test_a_no_ends_the_question_and_the_fix_is_not_asked_about_again_in_this_incident() -> None:
    gate = desk(autonomy="suggest")
    question = asks(gate, "kill_restart")
    events = says(gate, "deny", question.id, 1.0)
    assert [type(event) for event in events] == [ApprovalDenied, FixRefused, CommandAnswered]
    assert (events[1].limit, events[1].final) == ("denied", True)
    again = gate.choose(question.incident, "s0", "kill_restart", 2.0)
    assert (again.limit, again.final, gate.asked) == ("denied", True, [])
    assert "said no" in answer(says(gate, "approve", question.id, 3.0)).answer


def test_a_question_that_is_put_off_comes_back_when_it_was_said() -> None:
    gate = desk(autonomy="suggest")
    question = asks(gate, "kill_restart")
    assert answer(says(gate, "snooze", question.id, 1.0, for_s=100.0)).accepted
    assert gate.tick(100.0) == []
    [again] = gate.tick(101.5)
    assert isinstance(again, ApprovalRequested)
    assert again.id != question.id


def test_an_agreed_act_waits_for_other_limits_and_starts_when_they_are_gone() -> None:
    gate = desk()
    question = asks(gate)
    gate.tell(OperatorCommanded(command="pause", by="ann"), 1.0)
    waits = says(gate, "approve", question.id, 2.0)
    assert acts(waits) == []
    assert "paused by ann" in answer(waits).answer
    assert gate.tick(3.0) == []
    gate.tell(OperatorCommanded(command="resume", by="ann"), 4.0)
    assert acts(gate.tick(5.0)) == ["bold"]
    assert acts(gate.tick(6.0)) == []


def test_an_agreed_act_that_waits_too_long_is_agreed_no_more() -> None:
    gate = desk()
    question = asks(gate)
    gate.tell(OperatorCommanded(command="pause", by="ann"), 1.0)
    says(gate, "approve", question.id, 2.0)
    gate.tell(OperatorCommanded(command="resume", by="ann"), 700.0)
    ended = gate.tick(701.0)
    assert [event.why for event in ended if isinstance(event, ApprovalExpired)] == ["time"]
    assert acts(ended) == []


# --- late words ---


def test_a_late_yes_starts_nothing_and_asks_afresh_while_the_fault_stands() -> None:
    gate = desk()
    question = asks(gate)
    late = says(gate, "approve", question.id, 601.0)
    assert [type(event) for event in late] == [ApprovalExpired, ApprovalRequested, CommandAnswered]
    assert not answer(late).accepted
    assert "still stands" in answer(late).answer
    assert acts(says(gate, "approve", late[1].id, 602.0)) == ["bold"]


def test_a_late_yes_to_a_question_that_ended_before_asks_afresh_too() -> None:
    gate = desk()
    question = asks(gate)
    assert [event.why for event in gate.tick(600.0)] == ["time"]
    late = says(gate, "approve", question.id, 700.0)
    assert [type(event) for event in late] == [ApprovalRequested, CommandAnswered]


def test_a_late_yes_hears_that_the_service_is_well_again() -> None:
    gate = desk()
    question = asks(gate)
    gate.tell(HealthChanged(service="s0", health="healthy", incarnation="s0-1"), 600.5)
    late = says(gate, "approve", question.id, 601.0)
    assert [type(event) for event in late] == [ApprovalExpired, CommandAnswered]
    assert "healthy again" in answer(late).answer


def test_time_in_which_the_daemon_was_away_counts_by_the_wall_clock() -> None:
    gate = desk()
    question = asks(gate)
    gate.world.unix = lambda at: at + 10_000.0
    assert acts(says(gate, "approve", question.id, 5.0)) == []


@pytest.mark.parametrize("why", ["target_changed", "plan_changed"])
def test_a_word_holds_for_exactly_what_was_asked(why: str) -> None:
    gate = desk()
    question = asks(gate)
    if why == "target_changed":
        gate.tell(ServiceStarted(service="s0", incarnation="s0-2", pid=1), 1.0)
    else:
        gate.world.fixes = {**gate.world.fixes, "bold": extra_fix("bold", risk="risky", steps=("kill",))}
    events = says(gate, "approve", question.id, 2.0)
    assert (events[0].why, acts(events)) == (why, [])


def test_the_end_of_an_incident_ends_its_question() -> None:
    gate = desk()
    question = asks(gate)
    [ended] = gate.tell(IncidentClosed(incident=question.incident, service="s0", outcome="passed_by_itself"))
    assert (ended.approval, ended.why) == (question.id, "over")
    late = says(gate, "approve", question.id, 2.0)
    assert len(late) == 1
    assert "its incident is over" in answer(late).answer


def test_a_word_about_nothing_known_is_answered_honestly() -> None:
    gate = desk()
    assert answer(says(gate, "approve", "nothing", 1.0)).answer == "no question is known by 'nothing'"


def test_after_a_question_that_nobody_answered_people_are_left_alone_longer_each_time() -> None:
    gate = desk(autonomy="suggest")
    asks(gate, "kill_restart")
    asked_at = []
    for second in range(0, 30_000, 10):
        asked_at += [second for event in gate.tick(float(second)) if isinstance(event, ApprovalRequested)]
    assert [round(at / 3600, 1) for at in asked_at] == [1.2, 3.3, 7.5]


# --- what cannot be undone ---


def test_two_people_have_to_agree_where_there_are_two() -> None:
    gate = desk(ANN, BEN)
    question = asks(gate, "drop")
    assert (question.persons, question.typed) == (2, "")
    first = says(gate, "approve", question.id, 1.0)
    assert [type(event) for event in first] == [ApprovalGiven, CommandAnswered]
    assert first[0].missing == 1
    assert "a second person" in answer(says(gate, "approve", question.id, 2.0)).answer
    assert acts(says(gate, "approve", question.id, 3.0, by="telegram:ben")) == ["drop"]


def test_a_single_person_confirms_after_a_minute_by_typing() -> None:
    gate = desk(ANN)
    question = asks(gate, "drop")
    assert (question.persons, question.typed) == (1, "s0")
    assert says(gate, "approve", question.id, 1.0)[0].missing == 1
    for at, typed in ((2.0, "s0"), (60.9, "s0"), (61.1, ""), (61.2, "s1")):
        assert not answer(says(gate, "approve", question.id, at, typed=typed)).accepted
    assert acts(says(gate, "approve", question.id, 61.3, typed="s0")) == ["drop"]


def test_questions_survive_a_restart_of_the_daemon() -> None:
    gate = desk()
    question = asks(gate)
    gate.agent.state = gate.reloaded()
    assert acts(says(gate, "approve", question.id, 5.0)) == ["bold"]
