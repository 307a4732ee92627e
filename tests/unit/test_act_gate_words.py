"""Words that come late or to another place, and acts that are no fixes: what they may not change."""

from typing import Any

import pytest

from agents.events import (
    ActProposed,
    ApprovalExpired,
    ApprovalRequested,
    CommandAnswered,
    EventQuarantined,
    FixApplied,
    FixChosen,
    FixFailed,
    FixStarted,
    HealthChanged,
    IncidentClosed,
    ObservationResumed,
    OperatorCommanded,
    ServiceStarted,
)
from agents.gate.books import Trust
from tests.fixtures.gate import Gate, extra_fix, limit

BOLD = extra_fix("bold", risk="risky")
COOL = extra_fix("cool", cooldown_s=50.0)
TURN = extra_fix("turn", auto_undo=True, steps=("kill",))
LATE = 1_000_000.0


def desk(*fixes: Any, count: int = 10) -> Gate:
    gate = Gate(count, fixes=(BOLD, COOL, TURN))
    gate.world.unix = lambda at: at
    gate.at = LATE
    return gate


def says(gate: Gate, word: Any, about: str, **more: Any) -> Any:
    """What the person hears."""
    said = gate.tell(OperatorCommanded(command=word, about=about, by="command line", **more))
    assert isinstance(said[-1], CommandAnswered)
    return said[-1]


def asked(gate: Gate, incident: str = "i", name: str = "s0", symptom: str = "timeout") -> ApprovalRequested:
    """A question about a risky fix."""
    gate.open(incident, name, symptom)
    gate.choose(incident, name, "bold")
    [question] = gate.asked
    assert isinstance(question, ApprovalRequested)
    return question


def ill(gate: Gate, name: str = "s0", health: Any = "unhealthy") -> None:
    gate.tell(HealthChanged(service=name, health=health, symptom="timeout"))


# --- late words ---


def test_a_word_about_an_incident_finds_the_question_that_ended_last() -> None:
    gate = desk()
    ill(gate)
    says(gate, "deny", asked(gate).id)
    ill(gate, "s1")
    says(gate, "snooze", asked(gate, "j", "s1").id)
    assert says(gate, "deny", "i").answer == "command line said no to bold of s0"
    assert says(gate, "deny", "j").answer == "too late: it was put off"
    assert "no question is known" in says(gate, "deny", "k").answer


def test_a_word_for_an_old_question_is_none_for_the_newer_one() -> None:
    gate = desk()
    ill(gate)
    old = asked(gate)
    says(gate, "snooze", old.id, for_s=10.0)
    gate.at += 11.0
    newer = gate.choose("i", "s0", "bold")
    assert newer.limit == "approval"
    heard = says(gate, "approve", old.id)
    assert (heard.accepted, heard.answer) == (False, "too late: it was put off; a newer question stands")


@pytest.mark.parametrize(
    ("symptom", "ill_one", "again"),
    [
        ("timeout", "s0", True),
        ("timeout", "", False),
        ("file_damaged", "", True),
        ("failure_predicted", "", True),
    ],
)
def test_a_late_yes_asks_anew_only_while_the_fault_still_stands(
    symptom: Any, ill_one: str, *, again: bool
) -> None:
    gate = desk()
    question = asked(gate, symptom=symptom)
    says(gate, "snooze", question.id)
    if ill_one:
        ill(gate, ill_one)
    gate.at += 10.0
    heard = gate.tell(OperatorCommanded(command="approve", about=question.id, by="command line"))
    assert any(isinstance(event, ApprovalRequested) for event in heard) is again
    assert not any(isinstance(event, FixStarted) for event in heard)
    assert ("healthy again" in heard[-1].answer) is not again


@pytest.mark.parametrize(("ill_one", "again"), [("s0", True), ("s1", True), ("s2", False)])
def test_the_fault_still_stands_while_the_service_or_its_culprit_is_ill(ill_one: str, *, again: bool) -> None:
    gate = desk()
    gate.open("i", "s0")
    choice = FixChosen(
        incident="i", service="s0", fix="bold", cause_name="hang", culprit="s1", probability=0.5, why="w"
    )
    [_, question] = gate.tell(choice)
    says(gate, "snooze", question.id)
    ill(gate, ill_one)
    assert ("fresh question" in says(gate, "approve", question.id).answer) is again


def test_a_question_ends_with_the_words_that_ended_its_incident() -> None:
    for message, told in (("s0 is healthy", "s0 is healthy"), ("", "passed_by_itself")):
        gate = desk()
        asked(gate)
        closed = IncidentClosed(incident="i", service="s0", outcome="passed_by_itself", message=message)
        [expired] = gate.tell(closed)
        assert isinstance(expired, ApprovalExpired)
        assert (expired.why, expired.reason) == ("over", told)


def test_what_is_agreed_to_leaves_another_choice_of_the_incident_waiting() -> None:
    gate = desk()
    gate.whole(gate.ask("s0", "cool"), good=True)
    question = asked(gate)
    assert limit(gate.choose("i", "s0", "cool")) == "cooldown"
    assert says(gate, "approve", question.id).accepted
    assert [pending.choice.fix for pending in gate.agent.waiting()] == ["cool"]


# --- acts that are no fixes ---


def proposes(gate: Gate, name: str = "s0", kind: Any = "chaos") -> Any:
    proposed = ActProposed(
        service=name, kind=kind, what="fault kill", agent="chaos_controller", why="w", deadline_s=60.0
    )
    return gate.tell(proposed)[0]


def applied(gate: Gate, act: FixStarted, **more: Any) -> None:
    about = {"incident": act.incident, "service": act.service, "fix": act.fix}
    gate.tell(FixApplied(**about, outcome="done", cause=act.id, **more))


def test_a_planned_act_is_for_the_life_that_is_there() -> None:
    gate = desk()
    gate.tell(ServiceStarted(service="s0", incarnation="life", pid=1))
    assert proposes(gate).incarnation == "life"


def test_nothing_is_planned_while_we_doubt_ourselves_and_anything_after_a_gap() -> None:
    gate = desk()
    for n in range(1, 6):
        gate.probe(f"s{n}", ok=False)
    assert proposes(gate).limit == "suspicion"
    gate = desk()
    gate.tell(ObservationResumed(gap_s=9.0))
    gate.at += 1.0
    assert limit(proposes(gate)) == ""


def test_a_planned_act_is_in_flight_like_others_and_ends_with_its_own_hands_only() -> None:
    gate = desk(count=4)
    act = proposes(gate, kind="maintenance")
    assert limit(gate.ask("s1")) == "disruption"
    gate.tell(EventQuarantined(agent="notifier", event=act.id, error="e"))
    assert list(gate.state.open_acts) == ["s0"]
    gate.tell(EventQuarantined(agent="chaos_controller", event=act.id, error="e"))
    assert gate.state.open_acts == {}


def heal(gate: Gate, name: str = "s0") -> Trust:
    """What one success of a safe fix earns."""
    gate.state.trust.clear()
    gate.whole(gate.ask(name), good=True)
    return gate.state.trust["hang kill_restart"]


def test_what_heals_a_drill_counts_one_third_and_only_while_it_is_under_way() -> None:
    gate = desk()
    drill = proposes(gate)
    assert heal(gate) == Trust(pytest.approx(1 / 3), 0, 0)
    applied(gate, FixStarted(**{**_about(drill), "id": "another"}))
    assert heal(gate).real == 0, "that was the word about another act"
    assert heal(gate, "s1") == Trust(1, 0, 1), "another service has no drill"
    applied(gate, drill)
    assert heal(gate) == Trust(1, 0, 1)
    proposes(gate)
    gate.at += 60.0
    assert heal(gate) == Trust(1, 0, 1), "its time was over"


def _about(act: FixStarted) -> dict[str, Any]:
    return {field: getattr(act, field) for field in act.__struct_fields__}


def test_a_fault_on_purpose_and_maintenance_stand_aside_for_trouble_above_them_too_and_a_promotion_does_not() -> (
    None
):
    gate = Gate(depends_on=("s5",))
    ill(gate, "s0")
    assert proposes(gate, "s5").limit == "incident_open", "s0 depends on it"
    assert limit(proposes(gate, "s5", "maintenance")) == "incident_open"
    assert limit(proposes(gate, "s5", "promotion")) == ""
    gate.tell(OperatorCommanded(command="pause"))
    assert proposes(gate, "s0").limit == "paused", "what stands in the table comes first"


# --- words that are lost ---


def lost(agent: str, act: FixStarted, kind: str = "", event: str = "") -> EventQuarantined:
    about = {"incident": act.incident, "service": act.service}
    return EventQuarantined(agent=agent, event=event or act.id, kind=kind, error="e", **about)


def test_an_act_that_its_owner_failed_on_ends_with_its_hands_and_one_that_others_failed_on_with_its_verdict() -> (
    None
):
    gate = desk()
    act = gate.ask("s0")
    gate.tell(lost("render_self_healing_agent", act))
    assert list(gate.state.open_acts) == ["s0"], "the hands are still at it"
    gate.applied(act)
    assert gate.state.open_acts == {}
    second = gate.ask("s1")
    gate.applied(second)
    gate.tell(lost("notifier", second))
    assert list(gate.state.open_acts) == ["s1"]
    gate.tell(lost("render_self_healing_agent", second))
    assert gate.state.open_acts == {}


def test_a_word_of_the_hands_that_the_gate_failed_on_counts_as_done_from_then_on() -> None:
    gate = desk()
    act = gate.ask("s0")
    gate.tell(lost("act_gate", act, "HealthChanged", "x"))
    assert gate.state.open_acts["s0"].outcome == ""
    gate.at += 5.0
    gate.tell(lost("act_gate", act, "FixApplied", "x"))
    assert gate.state.open_acts["s0"].outcome == "done"


def test_an_orphan_ends_with_the_lost_word_of_its_hands_and_with_no_other() -> None:
    gate = desk()
    act = gate.ask("s0")
    gate.close(act)
    gate.tell(lost("act_gate", act, "FixChosen", "x"))
    assert list(gate.state.open_acts) == ["s0"]
    gate.tell(lost("act_gate", act, "FixApplied", "x"))
    assert gate.state.open_acts == {}


# --- taking back ---


def failed(act: FixStarted) -> FixFailed:
    about = {"incident": act.incident, "service": act.service, "fix": act.fix}
    return FixFailed(**about, cause_name="hang", culprit=act.service, reason="r")


def test_what_is_taken_back_later_still_belongs_to_its_incident() -> None:
    gate = desk()
    act = gate.ask("s0", "turn")
    applied(gate, act, undo="turn", undo_data="turn")
    gate.tell(OperatorCommanded(command="pause"))
    assert gate.tell(failed(act)) == []
    gate.tell(OperatorCommanded(command="resume"))
    [undo] = gate.tick(LATE + 10.0)
    assert (undo.undo_of, undo.incident, undo.service) == (act.id, act.incident, "s0")
    gate.verdict(act, good=True)
    assert list(gate.state.open_acts) == ["s0"], "a verdict is no word of the hands that take it back"


def test_the_late_word_about_an_act_opens_no_way_back_of_the_next_one() -> None:
    gate = desk()
    first = gate.ask("s0", "turn")
    gate.tell(failed(first))
    second = gate.choose(first.incident, "s0", "turn")
    assert isinstance(second, FixStarted)
    applied(gate, first, undo="turn", undo_data="turn")
    assert {way.act.id for way in gate.state.ways_back.values() if way.open} == {first.id}
    assert gate.tell(failed(second)) == [], "the second was never applied: nothing of it is to be taken back"
