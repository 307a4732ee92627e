"""What was agreed to, said twice, or put off: the words themselves, and what ends a question for good."""

import pytest

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    FixStarted,
    HealthChanged,
    OperatorCommanded,
)
from tests.fixtures.gate import Gate
from tests.unit.test_act_gate_people import ANN, BEN, answer, asks, desk, says


def paused(gate: Gate, at: float = 1.0) -> None:
    gate.tell(OperatorCommanded(command="pause", by="ann"), at)


def resumed(gate: Gate, at: float) -> list[FixStarted | ApprovalExpired]:
    gate.tell(OperatorCommanded(command="resume", by="ann"), at)
    return gate.tick(at + 1.0)


def test_an_agreed_act_that_started_late_ends_its_question() -> None:
    gate = desk()
    question = asks(gate)
    paused(gate)
    says(gate, "approve", question.id, 2.0)
    [started] = resumed(gate, 3.0)
    assert isinstance(started, FixStarted)
    assert started.approval == question.id
    assert gate.state.asked == {}
    assert "agreed before you" in answer(says(gate, "approve", question.id, 5.0)).answer


def test_who_agrees_again_hears_who_did_and_what_it_waits_for() -> None:
    gate = desk(ANN, BEN)
    question = asks(gate)
    paused(gate)
    says(gate, "approve", question.id, 2.0)
    second = says(gate, "approve", question.id, 3.0, by="telegram:ben")
    assert len(second) == 1
    assert (answer(second).accepted, answer(second).answer) == (
        False,
        "telegram:ann agreed already, and waits: paused by ann",
    )


def test_an_agreed_act_is_over_when_it_may_not_be_done_any_more() -> None:
    gate = desk()
    question = asks(gate)
    paused(gate)
    says(gate, "approve", question.id, 2.0)
    gate.tell(OperatorCommanded(command="stop", service="s0"), 3.0)
    [ended] = [event for event in gate.tick(4.0) if isinstance(event, ApprovalExpired)]
    assert (ended.why, ended.service) == ("over", "s0")
    assert ended.reason == "s0 was stopped on purpose (operator)"


def test_a_yes_to_what_may_not_be_done_any_more_starts_nothing_and_says_why() -> None:
    gate = desk()
    question = asks(gate)
    gate.tell(OperatorCommanded(command="stop", service="s0"), 1.0)
    ended, heard = says(gate, "approve", question.id, 2.0)[-2:]
    assert isinstance(ended, ApprovalExpired)
    assert (ended.why, ended.reason) == ("over", "s0 was stopped on purpose (operator)")
    assert (heard.accepted, heard.answer) == (False, "not done: s0 was stopped on purpose (operator)")
    assert gate.state.asked == {}


def test_what_is_put_off_without_a_time_comes_back_in_half_an_hour() -> None:
    gate = desk()
    question = asks(gate)
    ended, heard = says(gate, "snooze", question.id, 10.0)
    assert isinstance(ended, ApprovalExpired)
    assert (ended.why, ended.again_at) == ("snoozed", 1810.0)
    assert heard.answer == "asked again in 30 minutes if it still stands"


@pytest.mark.parametrize("persons", [1, 2])
def test_each_word_says_what_is_missing_yet(persons: int) -> None:
    gate = desk(*(ANN, BEN)[:persons])
    question = asks(gate, "drop")
    given, heard = says(gate, "approve", question.id, 1.0)
    assert isinstance(given, ApprovalGiven)
    assert (given.service, given.approval, given.missing) == ("s0", question.id, 1)
    assert given.typed == ("s0" if persons == 1 else "")
    by = "telegram:ann" if persons == 1 else "telegram:ben"
    last, started, done = says(gate, "approve", question.id, 62.0, by=by, typed="s0")
    assert (last.missing, last.typed, started.fix, done.answer) == (0, "", "drop", "drop of s0 started")
    assert heard.answer == (
        "it cannot be undone: confirm after 60 s by typing s0"
        if persons == 1
        else "one more person has to agree"
    )


def test_a_single_person_is_told_how_long_to_think_and_what_to_type() -> None:
    gate = desk(ANN)
    question = asks(gate, "drop")
    says(gate, "approve", question.id, 1.0)
    soon = answer(says(gate, "approve", question.id, 11.0, typed="s0")).answer
    assert soon == "it cannot be undone, so think again: confirm in 50 s by typing s0"
    assert answer(says(gate, "approve", question.id, 61.0, typed="no")).answer == "confirm it by typing s0"
    assert answer(says(gate, "approve", question.id, 61.0, typed="s0")).accepted, (
        "after a minute to the second"
    )


def test_a_no_names_the_service_and_refuses_only_a_choice_that_waits_for_it() -> None:
    gate = desk()
    question = asks(gate)
    events = says(gate, "deny", question.id, 1.0)
    assert [type(event) for event in events[:-1]] == [ApprovalDenied], (
        "that choice was refused for good before"
    )
    assert (events[0].service, events[0].by, events[0].approval) == ("s0", "telegram:ann", question.id)
    gate = desk(autonomy="suggest")
    question = asks(gate, "kill_restart")
    gate.choose(question.incident, "s0", "restart")
    assert [type(event) for event in says(gate, "deny", question.id, 1.0)[:-1]] == [ApprovalDenied]


def test_a_question_names_the_life_the_cause_and_both_its_ends() -> None:
    gate = desk()
    gate.world.unix = lambda at: at + 5000.0
    question = asks(gate, at=100.0)
    assert (question.incarnation, question.cause_name, question.culprit) == ("s0-1", "hang", "s0")
    assert (question.expires_at, question.expires_wall, question.risk) == (700.0, 5700.0, "risky")
    assert (question.probability, question.what) == (0.8, "bold (bold for s0)")


def test_what_was_asked_anew_is_asked_for_the_life_that_is_there() -> None:
    gate = desk()
    question = asks(gate)
    gate.tell(HealthChanged(service="s0", health="unhealthy", incarnation="s0-2", symptom="timeout"), 1.0)
    ended, fresh, _ = says(gate, "approve", question.id, 2.0)
    assert (ended.why, fresh.incarnation) == ("target_changed", "s0-2")
    assert fresh.why == "asked anew, as the fault still stands"
