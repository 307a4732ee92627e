"""What infrastructure recovery knows of each service, and how each of its acts could be taken back."""

from msgspec import Struct, field

from agents.events import (
    ConfigChanged,
    Event,
    FixApplied,
    FreezeEnded,
    FreezeNoted,
    HealthChanged,
    OperatorCommanded,
)

REMEMBERED = 200  # acts that could be taken back


class Seen(Struct, frozen=True):
    """The monitor's last word."""

    health: str
    at: float


class Stopped(Struct, frozen=True):
    """By an operator."""

    at: float


class Undoable(Struct, frozen=True):
    """By the id of the act: `way_back` as the act noted it."""

    service: str
    way_back: str
    taken: bool = False


class Frozen(Struct, frozen=True):
    """Auto-deploy is off, by an act of ours."""

    act: str


class State(Struct):
    health: dict[str, Seen] = field(default_factory=dict)
    stopped: dict[str, Stopped] = field(default_factory=dict)
    undoable: dict[str, Undoable] = field(default_factory=dict)
    frozen: dict[str, Frozen] = field(default_factory=dict)


def fold(state: State, fact: Event) -> None:
    match fact:
        case HealthChanged():
            state.health[fact.service] = Seen(fact.health, fact.at)
        case OperatorCommanded(command="stop"):
            state.stopped[fact.service] = Stopped(fact.at)
        case OperatorCommanded(command="start"):
            state.stopped.pop(fact.service, None)
        case FreezeNoted():
            state.frozen[fact.service] = Frozen(fact.act)
        case FreezeEnded():
            state.frozen.pop(fact.service, None)
        case FixApplied():
            _fold_applied(state, fact)
        case ConfigChanged() if fact.why != "refused":
            for name in fact.removed:
                state.health.pop(name, None)
                state.frozen.pop(name, None)
                state.stopped.pop(name, None)
        case _:
            pass


def _fold_applied(state: State, fact: FixApplied) -> None:
    if fact.undo_of:
        known = state.undoable.get(fact.undo_of)
        if known is not None and fact.outcome != "failed":
            state.undoable[fact.undo_of] = Undoable(known.service, known.way_back, taken=True)
    elif fact.undo_data:
        state.undoable[fact.cause] = Undoable(fact.service, fact.undo_data)
        while len(state.undoable) > REMEMBERED:
            del state.undoable[next(iter(state.undoable))]
