"""What data recovery knows: what operators stopped, which backups are proven, how its acts could be taken back."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import BackupProven, Event, FixApplied, OperatorCommanded

REMEMBERED = 200  # acts that could be taken back


class Stopped(Struct, frozen=True):
    """By an operator."""

    at: float


class Proven(Struct, frozen=True):
    """The last proof of a target's backup; `good_at` of the last that succeeded, 0: none did."""

    service: str
    target: str
    backup: str
    ok: bool
    at: float
    seconds: float
    size_bytes: int
    rows: int
    problem: str
    good_at: float


class Undoable(Struct, frozen=True):
    """By the id of the act: `way_back` as the act noted it."""

    service: str
    way_back: str
    taken: bool = False

    @property
    def damaged(self) -> tuple[tuple[str, str], ...]:
        """Each file that was restored, and the damaged copy that was kept of it, "" where there was nothing."""
        return msgspec.json.decode(self.way_back, type=tuple[tuple[str, str], ...])


class State(Struct):
    stopped: dict[str, Stopped] = field(default_factory=dict)
    proven: dict[str, Proven] = field(default_factory=dict)  # by service and target
    undoable: dict[str, Undoable] = field(default_factory=dict)


def target_key(service: str, target: str) -> str:
    return f"{service} {target}"


def way_back(damaged: Sequence[tuple[str, str]]) -> str:
    return msgspec.json.encode(damaged).decode() if damaged else ""


def fold(state: State, fact: Event) -> None:
    match fact:
        case OperatorCommanded(command="stop"):
            state.stopped[fact.service] = Stopped(fact.at)
        case OperatorCommanded(command="start"):
            state.stopped.pop(fact.service, None)
        case BackupProven():
            _proven(state, fact)
        case FixApplied():
            _applied(state, fact)
        case _:
            pass


def _proven(state: State, fact: BackupProven) -> None:
    key = target_key(fact.service, fact.target)
    before = state.proven.get(key)
    good_at = fact.at if fact.ok else before.good_at if before else 0.0
    state.proven[key] = Proven(
        fact.service, fact.target, fact.backup, fact.ok, fact.at, fact.seconds, fact.size_bytes, fact.rows,
        fact.problem, good_at,
    )  # fmt: skip


def _applied(state: State, fact: FixApplied) -> None:
    if fact.undo_of:
        known = state.undoable.get(fact.undo_of)
        if known is not None and fact.outcome != "failed":
            state.undoable[fact.undo_of] = replace(known, taken=True)
    elif fact.undo_data:
        state.undoable[fact.cause] = Undoable(fact.service, fact.undo_data)
        while len(state.undoable) > REMEMBERED:
            del state.undoable[next(iter(state.undoable))]
