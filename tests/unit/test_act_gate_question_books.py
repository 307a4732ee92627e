"""The books of questions and of ways back, fact by fact."""

from typing import Any

from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    FixStarted,
    IncidentClosed,
)
from agents.gate.books import State
from agents.gate.ledger import fold
from agents.gate.questions import ENDED_KEPT
from agents.gate.ways_back import WayBack
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
