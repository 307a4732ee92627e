"""The demo's verdict: one cause, one culprit and one first fix are right for each fault, and nobody else is touched."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts import breaker
from scripts.demo_table import judge

INJECTED_AT = 1_800_000_000.0


def rfc3339(after_s: float) -> str:
    return datetime.fromtimestamp(INJECTED_AT + after_s, UTC).isoformat().replace("+00:00", "Z")


def fault(**more: Any) -> dict[str, Any]:
    line = {"name": "cannot boot", "service": "worker", "cause": "dependency_failure", "culprit": "partner", "fix": "respawn"}  # fmt: skip
    seen = {
        "injected_at": INJECTED_AT,
        "ended_at": INJECTED_AT + 30,
        "healed_at": INJECTED_AT + 21,
        "problem": "",
    }
    return {**line, **seen, **more}


def incident(service: str = "worker", cause: str = "dependency_failure", culprit: str = "partner", fix: str = "respawn",
             outcome: str = "verified", after_s: float = 0.1, status: str = "closed") -> dict[str, Any]:  # fmt: skip
    named = {"name": cause, "service": culprit, "confidence": 0.98, "evidence": []}
    acts = [{"fix": fix, "outcome": outcome}]
    return {"id": f"{service}-{after_s}", "service": service, "status": status, "opened_at": rfc3339(after_s), "cause": named, "acts": acts}  # fmt: skip


PARTNER = incident("partner", "crash", "partner", "wait", after_s=0.5)


def test_the_right_cause_culprit_and_first_fix_make_a_good_row() -> None:
    [row] = judge([fault()], [PARTNER, incident()])
    assert row["ok"]
    assert (row["cause"], row["culprit"], row["fix"], row["acts"]) == (
        "dependency_failure",
        "partner",
        "respawn",
        1,
    )
    assert row["detected_s"] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    "seen",
    [
        [],
        [incident(cause="crash")],
        [incident(culprit="worker")],
        [incident(fix="kill_restart")],
        [incident(outcome="failed")],
        [incident(status="escalated")],
        [incident(after_s=-5.0)],
        [incident(), incident("shop", "hang", "shop", "wait")],
        [incident(), incident("shop", "hang", "partner", "kill_restart")],
    ],
)
def test_anything_else_makes_a_bad_one(seen: list[dict[str, Any]]) -> None:
    [row] = judge([fault()], seen)
    assert not row["ok"]


@pytest.mark.parametrize("more", [{"healed_at": 0.0}, {"problem": "not well again"}])
def test_so_does_a_fleet_that_users_still_find_broken(more: dict[str, Any]) -> None:
    [row] = judge([fault(**more)], [incident()])
    assert not row["ok"]


def test_where_nothing_is_wrong_every_act_is_wrong() -> None:
    nothing = fault(cause="", culprit="worker", fix="")
    assert judge([nothing], [])[0]["ok"]
    assert judge([nothing], [incident(fix="wait")])[0]["ok"]
    assert not judge([nothing], [incident()])[0]["ok"]


def test_each_round_of_the_vandal_has_one_right_answer() -> None:
    rounds = breaker.rounds(breaker.Fleet(Path("fleet"), Path("state"), {}, 0))
    assert len(rounds) == 10
    assert all(isinstance(each.cause, str) and bool(each.cause) == bool(each.fix) for each in rounds)
