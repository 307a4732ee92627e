"""The books of questions and of ways back, fact by fact."""

from typing import Any

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    FixApplied,
    FixFailed,
    FixStarted,
    IncidentClosed,
)
from agents.gate.books import State
from agents.gate.ledger import fold
from agents.gate.questions import ENDED_KEPT
from agents.gate.ways_back import KEPT, WayBack
from utils.event import Fact


def question(number: int = 1, incident: str = "i") -> ApprovalRequested:
    return ApprovalRequested(
        id=f"q{number}", incident=incident, service="s0", fix="bold", plan="p", what="w", why="y", probability=0.5,
        risk="risky", cause_name="hang", culprit="s0",
    )  # fmt: skip


def about(number: int = 1, incident: str = "i") -> dict[str, Any]:
    return {"incident": incident, "service": "s0", "fix": "bold", "approval": f"q{number}"}


def after(*facts: Fact) -> State:
    state = State()
    for fact in facts:
        fold(state, fact)
    return state


def test_a_word_for_another_question_is_none_for_the_open_one() -> None:
    before = after(question())
    other = about(2)
    started = FixStarted(**other, agent="a", cause_name="hang", culprit="s0", deadline_s=9.0)
    for fact in (ApprovalGiven(**other, by="ann"), ApprovalExpired(**other, why="time"), started):
        state = after(question(), fact)
        assert (state.asked, state.answered) == (before.asked, {})
    nobody_asked = after(ApprovalGiven(**about(), by="ann"), ApprovalExpired(**about(), why="time"))
    assert nobody_asked.asked == nobody_asked.answered == {}


def test_only_some_ended_questions_are_kept_the_newest() -> None:
    facts: list[Fact] = []
    for number in range(ENDED_KEPT + 1):
        facts += [question(number), ApprovalExpired(**about(number), why="time")]
    kept = after(*facts).answered
    assert len(kept) == ENDED_KEPT
    assert "q0" not in kept
    assert f"q{ENDED_KEPT}" in kept


def test_the_end_of_an_incident_forgets_who_said_no_and_when_to_ask_again_there_and_nowhere_else() -> None:
    facts: list[Fact] = []
    for incident in ("i", "i2"):
        facts += [
            ApprovalDenied(**about(1, incident), by="ann"),
            ApprovalExpired(**about(1, incident), why="time", again_at=99.0),
        ]
    state = after(*facts, IncidentClosed(incident="i", service="s0", outcome="healed"))
    assert state.denied == {"i2 bold": "ann"}
    assert list(state.pauses) == ["i2"]


def test_a_question_that_ends_without_a_time_to_ask_again_may_be_asked_again_at_once() -> None:
    assert after(question(), ApprovalExpired(**about(), why="over")).pauses == {}


def test_only_what_is_open_can_be_taken_back_the_newest_of_an_incident_or_the_one_that_is_named() -> None:
    acts = [
        FixStarted(
            id=f"a{n}", incident=incident, service="s0", fix="turn", agent="a", cause_name="hang", culprit="s0",
            deadline_s=9.0,
        )
        for n, incident in enumerate(("i", "i", "i", "j"))
    ]  # fmt: skip
    state = State(ways_back={act.id: WayBack(act, open=act.id != "a2") for act in acts})
    found = {name: state.way_back(name) for name in ("i", "a0", "a2", "j", "k")}
    assert {name: way.act.id if way else "" for name, way in found.items()} == {
        "i": "a1", "a0": "a0", "a2": "", "j": "a3", "k": "",
    }  # fmt: skip


def turned(number: int, incident: str = "i", **more: Any) -> FixStarted:
    told = {"incident": incident, "service": "s0", "fix": "turn", "auto_undo": True, **more}
    return FixStarted(id=f"a{number}", agent="a", cause_name="hang", culprit="s0", deadline_s=9.0, **told)


def applied(act: FixStarted, outcome: Any = "done", way: str = "turn it back") -> FixApplied:
    about = {"incident": act.incident, "service": act.service, "fix": act.fix}
    return FixApplied(**about, cause=act.id, outcome=outcome, undo=way, undo_data=way)


def test_a_way_back_is_open_once_its_act_was_applied_and_says_what_it_would_do() -> None:
    act = turned(1)
    assert after(act).way_back("i") is None
    assert after(act, applied(act)).ways_back["a1"].words == "turn it back"
    for word in (applied(act, "failed", way=""), applied(act, "symptom_gone"), applied(act, way="")):
        assert after(act, word).ways_back == {}


def test_what_failed_half_way_has_a_way_back_too() -> None:
    act = turned(1)
    book = after(act, applied(act, "failed"))
    assert book.way_back("i") is not None


def test_neither_waiting_nor_a_planned_act_has_a_way_back() -> None:
    assert after(turned(1, fix="wait")).ways_back == {}
    assert after(turned(1, incident="", kind="maintenance")).ways_back == {}


def test_only_what_failed_is_to_be_taken_back() -> None:
    mine, other = turned(1), turned(2, "j", service="s1")
    failed = FixFailed(incident="i", service="s0", fix="turn", cause_name="hang", culprit="s0", reason="r")
    state = after(mine, applied(mine), other, applied(other), failed)
    assert list(state.undo_due) == ["a1"]


def test_of_many_acts_the_last_ones_can_be_taken_back() -> None:
    state = State()
    first = turned(0, "first")
    failed = FixFailed(
        incident="first", service="s0", fix="turn", cause_name="hang", culprit="s0", reason="r"
    )
    for fact in (first, applied(first), failed):
        fold(state, fact)
    assert list(state.undo_due) == ["a0"]
    for number in range(1, KEPT + 1):
        fold(state, turned(number))
    assert len(state.ways_back) == KEPT
    assert "a0" not in state.ways_back
    assert state.undo_due == {}
