"""One act as a saga: its steps in order, and the way back of those that stand if a later one fails."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from platforms.platform import Done, Infrastructure, PlatformError, Task
from utils.jobs import uninterrupted


class Stood(Struct, frozen=True, array_like=True):
    """A step that stands, and what takes it back."""

    step: str
    undo_data: str


class Outcome(Struct, frozen=True, kw_only=True):
    detail: str
    undo: str = ""  # for people
    way_back: str = ""  # for `take_back`; empty: there is none
    found: bool = False  # an earlier life of ours had done all of it


async def carry_out(hands: Infrastructure, steps: Sequence[str], task: Task) -> Outcome:
    """Raises PlatformError; what stood by then has been taken back, as far as it can be."""
    done: dict[str, Done] = {}
    found = 0
    for step in steps:
        try:
            before = await hands.done_since(step, task)
            if before is None:
                before = await uninterrupted(hands.carry_out(step, task))
            else:
                found += 1
            done[step] = before
        except PlatformError as error:
            raise PlatformError("; ".join([str(error), *await _retreat(hands, done, task)])) from error
    return Outcome(
        detail="; ".join(one.detail for one in done.values() if one.detail),
        undo="; ".join(one.undo for one in reversed(done.values()) if one.undo),
        way_back=_encoded(done),
        found=found == len(steps),
    )


async def take_back(hands: Infrastructure, way_back: str, task: Task) -> str:
    """Every step of an earlier act, the last one first. Raises PlatformError at the first that cannot be undone."""
    back = msgspec.json.decode(way_back, type=tuple[Stood, ...])
    return "; ".join([await uninterrupted(hands.take_back(one.step, one.undo_data, task)) for one in back])


def _encoded(done: Mapping[str, Done]) -> str:
    """The last step first; empty if one of them has no way back, as half a way back is none."""
    stood = [Stood(step, one.undo_data) for step, one in reversed(tuple(done.items()))]
    return msgspec.json.encode(stood).decode() if stood and all(one.undo_data for one in stood) else ""


async def _retreat(hands: Infrastructure, done: Mapping[str, Done], task: Task) -> list[str]:
    told = []
    for step, one in reversed(tuple(done.items())):
        if one.undo_data:
            try:
                told.append(f"taken back: {await hands.take_back(step, one.undo_data, task)}")
            except PlatformError as error:
                told.append(f"NOT taken back: {step}: {error}")
    return told
