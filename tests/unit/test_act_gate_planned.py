"""Planned acts: what asks the gate for permission though it heals nothing, and how drills count for trust."""

from typing import Any

import pytest

from agents.events import ActProposed, FixApplied, FixStarted, HealthChanged, OperatorCommanded
from tests.fixtures.gate import Gate, extra_fix, limit

BOLD = extra_fix("bold", risk="risky")


def proposes(gate: Gate, service: str = "s0", kind: Any = "chaos", at: float | None = None) -> Any:
    [answer] = gate.tell(
        ActProposed(
            service=service, kind=kind, what="fault kill", agent="chaos_controller", why="w", deadline_s=60.0
        ),
        at,
    )
    return answer


def ends(gate: Gate, act: FixStarted) -> None:
    gate.tell(FixApplied(service=act.service, fix=act.fix, outcome="done", cause=act.id))


def test_a_fault_on_purpose_is_permitted_and_holds_up_no_fix() -> None:
    gate = Gate()
    started = proposes(gate)
    assert (started.kind, started.fix, started.agent, started.deadline_s) == (
        "chaos",
        "fault kill",
        "chaos_controller",
        60.0,
    )
    assert limit(gate.ask("s0")) == ""


@pytest.mark.parametrize("kind", ["maintenance", "promotion"])
def test_other_planned_acts_hold_their_target_until_they_end(kind: str) -> None:
    gate = Gate()
    started = proposes(gate, kind=kind)
    assert limit(gate.ask("s0")) == "open_act"
    ends(gate, started)
    assert [act.fix for act in gate.tick(1.0)] == ["kill_restart"]


def test_planned_acts_keep_to_the_limits() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", by="ann"))
    refused = proposes(gate)
    assert (refused.limit, refused.final) == ("paused", True)
    gate.tell(OperatorCommanded(command="resume", by="ann"))
    gate.tell(OperatorCommanded(command="stop", service="s0", by="ann"))
    assert proposes(gate).limit == "stopped"
    assert proposes(gate, "nobody").limit == "unknown"
    gate.world.lease = lambda: "another daemon acts"
    assert proposes(gate, "s1").limit == "lease"


def test_no_fault_is_made_where_there_is_trouble_already() -> None:
    gate = Gate(depends_on=("s5",))
    gate.tell(HealthChanged(service="s5", health="unhealthy", symptom="timeout"))
    assert proposes(gate, "s0").limit == "incident_open", "it depends on s5"
    gate.tell(HealthChanged(service="s5", health="healthy"))
    gate.open("i", "s1")
    assert proposes(gate, "s1").limit == "incident_open"
    assert limit(proposes(gate, "s2")) == ""


def test_drills_alone_never_earn_trust_and_three_real_successes_with_them_do() -> None:
    gate = Gate(fixes=(BOLD,))
    for n in range(60):
        drill = proposes(gate, at=n * 4000.0)
        _heal(gate, "s0", at=n * 4000.0 + 1.0)
        ends(gate, drill)
    assert gate.state.trust["hang bold"].real == 0
    assert limit(gate.ask("s1", "bold")) == "approval"
    for n in range(3):
        _heal(gate, "s2", at=300_000.0 + n * 4000.0)
    assert limit(gate.ask("s3", "bold")) == ""


def _heal(gate: Gate, service: str, at: float) -> None:
    """An incident that a person lets the fix heal."""
    gate.ask(service, "bold", at)
    if not gate.asked:
        return
    started = gate.tell(OperatorCommanded(command="approve", about=gate.asked[0].id, by="command line"))[1]
    gate.whole(started, good=True)
