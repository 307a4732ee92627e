"""Taking acts back: by itself where they did not help, and on a person's word."""

from typing import Any

import pytest

from agents.events import (
    CommandAnswered,
    FixApplied,
    FixFailed,
    FixRefused,
    FixStarted,
    HarmFound,
    IncidentEscalated,
    OperatorCommanded,
)
from agents.gate.books import Trust
from agents.gate.ways_back import WaysBack, fold_ways_back
from tests.fixtures.gate import Gate, extra_fix, limit

TURN = extra_fix("turn", auto_undo=True, steps=("kill",))


def applied(gate: Gate, act: FixStarted, *, way_back: str = "turn it again") -> None:
    gate.tell(
        FixApplied(
            incident=act.incident, service=act.service, fix=act.fix, outcome="done", cause=act.id,
            undo=way_back, undo_data=way_back,
        )
    )  # fmt: skip


def fails(gate: Gate, act: FixStarted, *, interrupted: bool = False, suspect: str = "") -> list[Any]:
    failed = FixFailed(
        interrupted=interrupted,
        suspect=suspect,
        incident=act.incident,
        service=act.service,
        fix=act.fix,
        reason="r",
        cause_name=act.cause_name,
        culprit=act.service,
    )
    return gate.tell(failed)


def undone(gate: Gate, undo: FixStarted, outcome: Any = "done") -> None:
    gate.tell(
        FixApplied(
            incident=undo.incident, service=undo.service, fix=undo.fix, outcome=outcome, cause=undo.id, undo_of=undo.undo_of
        )
    )  # fmt: skip


def test_what_did_not_help_is_taken_back_before_the_next_fix_starts() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    [undo] = fails(gate, act)
    assert (undo.fix, undo.undo_of, undo.agent, undo.incident) == ("turn", act.id, act.agent, act.incident)
    next_one = gate.choose(act.incident, "s0", "kill_restart")
    assert limit(next_one) == "open_act"
    undone(gate, undo)
    assert [event.fix for event in gate.tick(1.0)] == ["kill_restart"]


def test_nothing_is_taken_back_that_left_no_way_back_or_was_never_applied() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act, way_back="")
    assert fails(gate, act) == []
    act = gate.ask("s1", "turn", at=3700.0)
    assert fails(gate, act) == []


def test_a_fix_that_is_not_meant_to_be_is_taken_back_by_a_person_only() -> None:
    gate = Gate(fixes=(extra_fix("turn", steps=("kill",)),))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    assert fails(gate, act) == []
    undo, answered = gate.tell(OperatorCommanded(command="undo", about=act.incident, by="command line"))
    assert (undo.undo_of, answered.accepted) == (act.id, True)


def test_a_verified_act_is_taken_back_on_a_persons_word_once() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    gate.verdict(act, good=True)
    gate.close(act)
    undo, _ = gate.tell(OperatorCommanded(command="undo", about=act.id, by="command line"))
    assert isinstance(undo, FixStarted)
    [again] = gate.tell(OperatorCommanded(command="undo", about=act.id, by="command line"))
    assert isinstance(again, CommandAnswered)
    assert not again.accepted
    undone(gate, undo)
    [late] = gate.tell(OperatorCommanded(command="undo", about=act.id, by="command line"))
    assert "no act that could be taken back" in late.answer
    assert gate.state.open_acts == {}


def test_a_pause_holds_an_undo_back_until_it_is_over() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    gate.tell(OperatorCommanded(command="pause", by="ann"))
    assert fails(gate, act) == []
    assert gate.tick(1.0) == []
    gate.tell(OperatorCommanded(command="resume", by="ann"))
    [undo] = gate.tick(2.0)
    assert undo.undo_of == act.id
    assert gate.tick(3.0) == []


def test_taking_back_uses_up_no_attempt_and_no_budget() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    [undo] = fails(gate, act)
    undone(gate, undo)
    assert gate.state.cases[act.incident].attempts == 1
    assert len(gate.state.spent["s0"]) == 1


def test_an_undo_that_fails_is_not_tried_again() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    [undo] = fails(gate, act)
    undone(gate, undo, "failed")
    assert [event for event in gate.tick(5.0) if not isinstance(event, FixRefused)] == []
    assert gate.state.open_acts == {}


def test_what_a_new_fault_interrupted_is_not_taken_back() -> None:
    gate = Gate(fixes=(TURN,))
    act = gate.ask("s0", "turn")
    applied(gate, act)
    assert fails(gate, act, interrupted=True) == []
    assert gate.state.undo_due == {}


def harmed(gate: Gate, fix: str) -> FixStarted:
    act = gate.ask(fix=fix)
    gate.applied(act)
    gate.tell(
        FixFailed(
            incident=act.incident, service=act.service, fix=fix, cause_name=act.cause_name,
            culprit=act.culprit, reason="r", harmful=True,
        )
    )  # fmt: skip
    gate.close(act)
    return act  # type: ignore[no-any-return]


def test_a_safe_fix_that_made_things_worse_asks_from_then_on_until_it_is_trusted_again() -> None:
    gate = Gate(fixes=(extra_fix("rinse", steps=("empty_caches", "start")),))
    harmed(gate, "rinse")
    assert limit(gate.ask("s1", fix="rinse")) == "approval"
    gate.state.trust["hang rinse"] = Trust(successes=30, real=30, harms=1)
    assert limit(gate.ask("s2", fix="rinse")) == ""


def test_a_mere_restart_asks_nobody_whatever_came_of_it() -> None:
    gate = Gate()
    harmed(gate, "kill_restart")
    assert limit(gate.ask("s1", fix="kill_restart")) == ""


@pytest.mark.parametrize(
    ("cause", "outcome", "harmful", "due"),
    [
        ("bad_deploy", "failed", False, False),
        ("bad_deploy", "failed", True, True),
        ("bad_deploy", "done", False, True),
        ("hang", "failed", False, True),
    ],
)
def test_an_earlier_release_that_is_ill_too_clears_no_release_that_is_blamed(
    cause: str, outcome: Any, harmful: bool, due: bool
) -> None:
    book = WaysBack()
    about = {
        "incident": "i",
        "service": "shop",
        "fix": "rollback_release",
        "cause_name": cause,
        "culprit": "shop",
    }
    fold_ways_back(book, FixStarted(id="act", agent="a", deadline_s=1.0, auto_undo=True, **about))
    applied = {name: about[name] for name in ("incident", "service", "fix")}
    fold_ways_back(book, FixApplied(cause="act", outcome=outcome, undo="u", undo_data="u", **applied))
    fold_ways_back(book, FixFailed(reason="r", harmful=harmful, **about))
    assert bool(book.undo_due) == due
    assert book.way_back("act") is not None


SWAP = extra_fix("turn", auto_undo=True, steps=("point_release_back", "kill", "start"))


def suspected(cause: str = "hang") -> tuple[Gate, FixStarted]:
    """The target ended by itself after the act; no life has been started since."""
    gate = Gate(fixes=(SWAP,))
    gate.open("i", "s0")
    act = gate.choose("i", "s0", "turn", cause=cause)
    applied(gate, act)
    assert fails(gate, act, suspect="exit code 1") == []
    assert gate.tick(1.0) == []
    return gate, act


def respawned(gate: Gate, act: FixStarted) -> FixStarted:
    anew = gate.choose(act.incident, "s0", "kill_restart")
    assert isinstance(anew, FixStarted)
    return anew


def harm(act: FixStarted) -> HarmFound:
    return HarmFound(
        incident=act.incident, service=act.service, act=act.id, fix=act.fix, cause_name=act.cause_name, reason="r"
    )  # fmt: skip


def undos(events: list[Any]) -> list[str]:
    return [event.undo_of for event in events if isinstance(event, FixStarted)]


@pytest.mark.parametrize("cause", ["hang", "bad_deploy"])
def test_a_suspected_act_stays_until_the_next_life_has_ended_in_the_same_way(cause: str) -> None:
    gate, act = suspected(cause)
    anew = respawned(gate, act)
    gate.tell(harm(act))
    assert gate.tick(2.0) == [], "one at a time"
    gate.tell(FixApplied(incident=anew.incident, service="s0", fix=anew.fix, outcome="done", cause=anew.id))
    assert undos(fails(gate, anew)) == [act.id]
    assert gate.agent.state.trust[f"{cause} turn"] == Trust(0, 1, harms=1)


def test_it_is_taken_back_when_what_was_started_after_it_fails_otherwise_or_nothing_more_is_tried() -> None:
    gate, act = suspected()
    assert undos(fails(gate, respawned(gate, act))) == [act.id]
    gate, act = suspected()
    gate.tell(IncidentEscalated(incident=act.incident, service="s0", reason="r", round=0))
    assert undos(gate.tick(2.0)) == [act.id]


def test_one_end_by_itself_does_not_bring_the_release_back_that_evidence_speaks_against() -> None:
    gate, act = suspected("bad_deploy")
    assert undos(fails(gate, respawned(gate, act))) == []
    gate.tell(IncidentEscalated(incident=act.incident, service="s0", reason="r", round=0))
    assert gate.tick(2.0) == []


def test_a_suspected_safe_fix_asks_nobody_the_next_time_and_a_harmful_one_does() -> None:
    gate, act = suspected()
    again = gate.choose(act.incident, "s0", "turn", at=1000.0)
    assert isinstance(again, FixStarted)
    gate, act = suspected()
    gate.tell(harm(act))
    undone(gate, gate.tick(2.0)[0])
    assert limit(gate.choose(act.incident, "s0", "turn", at=1000.0)) == "approval"
