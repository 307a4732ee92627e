"""What exactly a person agrees to: a digest that changes with everything the word is meant for."""

import hashlib
from typing import Literal

import msgspec

from agents.events import FixChosen
from agents.gate.books import State
from agents.gate.questions import Asked
from config.world import World


def plan_of(world: World, state: State, choice: FixChosen) -> str:
    """Twelve hex digits over the fix, the service as configured, its present life, the cause and the culprit."""
    about = (
        world.fixes.get(choice.fix),
        world.config.service(choice.service),
        state.incarnations.get(choice.service, ""),
        choice.cause_name,
        choice.culprit,
    )
    return hashlib.sha256(msgspec.json.encode(about, order="deterministic")).hexdigest()[:12]


def stale(
    world: World, state: State, asked: Asked, at: float
) -> Literal["", "time", "plan_changed", "target_changed"]:
    """Why a word for this question holds no more. Time that the daemon was away counts by the wall clock."""
    question = asked.question
    if at >= question.expires_at or world.unix(at) >= question.expires_wall:
        return "time"
    if state.incarnations.get(question.service, "") != question.incarnation:
        return "target_changed"
    return "" if plan_of(world, state, asked.choice) == question.plan else "plan_changed"
