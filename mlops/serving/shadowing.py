"""The challenger scores what the champion answered: afterwards, in short slices, and never in anybody's way."""

import asyncio
import time
from collections import deque
from typing import Any, NamedTuple

from mlops.predictions.records import Shadow, Shadowed, Value
from mlops.serving.served import Served
from mlops.serving.slot import Slot
from mlops.serving.wire import encode

ROOM = 10_000  # rows that wait
SLICE_S = 0.001  # how long requests may have to wait for the challenger
PAUSE_S = 0.02
NEAR = 0.01


class Spoken(NamedTuple):
    """What the champion said, as far as it is compared."""

    prediction_id: str
    timestamp: str
    prediction: Value
    probability: float | None


class Shadowing:
    """A queue that drops the newest rows when it is full, and counts them."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._waiting: deque[tuple[Slot, Served, dict[str, Any], Spoken]] = deque()

    def offer(self, slot: Slot, challenger: Served, row: dict[str, Any], spoken: Any) -> None:
        if len(self._waiting) >= self._room:
            slot.shadow.dropped += 1
            return
        told = Spoken(spoken.prediction_id, spoken.timestamp, spoken.prediction, spoken.probability)
        self._waiting.append((slot, challenger, row, told))

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_S)
            while self._waiting:
                self.work(SLICE_S)
                await asyncio.sleep(0)

    def work(self, seconds: float) -> None:
        """Score what waits, for about so long."""
        end = time.perf_counter() + seconds
        while self._waiting:
            slot, challenger, row, spoken = self._waiting.popleft()
            score(slot, challenger, row, spoken)
            if time.perf_counter() > end:
                return

    @property
    def waiting(self) -> int:
        return len(self._waiting)


def score(slot: Slot, challenger: Served, row: dict[str, Any], spoken: Spoken) -> None:
    """Log and count what the challenger says of a row; its failures are its own."""
    figures = slot.shadow
    try:
        said, probability = challenger.score(row)
    except Exception as error:  # noqa: BLE001 -- whatever a challenger does must harm no request
        figures.failed += 1
        figures.problem = f"version {challenger.version}: {error}"
        return
    shadow = Shadow(challenger.version, said, probability)
    slot.log.add(spoken.timestamp[:10], encode(Shadowed(spoken.prediction_id, shadow)))
    figures.scored += 1
    figures.agreed += agree(said, spoken.prediction)
    if probability is not None and spoken.probability is not None:
        figures.difference += abs(probability - spoken.probability)
    elif isinstance(said, float | int) and isinstance(spoken.prediction, float | int):
        figures.difference += abs(said - spoken.prediction)


def agree(challenger: Value, champion: Value) -> bool:
    """
    >>> agree(1, 1), agree("late", "in time"), agree(1.005, 1.0), agree(1.02, 1.0)
    (True, False, True, False)
    """
    if isinstance(challenger, float) and isinstance(champion, float):
        return abs(challenger - champion) <= NEAR * max(abs(champion), 1e-9)
    return challenger == champion
