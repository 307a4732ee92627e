"""One service as the detector watches it: its history, what was learnt from it, and what has to be learnt next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.detection.service import GROWTH, LEAST_ROWS, MOST_ROWS, Guard, History, Learnt, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.detection.rows import Floats
    from utils.array_files import Singles

RETRY_ROWS = 60  # an hour
RELEARN_ROWS = 1440  # a day: as often a full history is learnt anew


class Watch:
    def __init__(self, names: Sequence[str], of_life: Sequence[bool]) -> None:
        self.history = History(names)
        self._of_life = tuple(of_life)[: len(self.history.names)]
        self._guard: Guard | None = None
        self._missed: list[Floats] = []  # rows that came while a worker learnt
        self._since = 0
        self.asked = self._failed = self.recalled = False

    @property
    def young(self) -> bool:
        """Nothing of it is learnt yet."""
        return self._guard is None and not self.asked

    def take(self, at: float, values: Floats) -> list[tuple[str, Shown]]:
        row = self.history.take(at, values)
        if row is None:
            return []
        self._since += 1
        if self.asked:
            self._missed.append(row)
        shown = self._guard.judge(row) if self._guard is not None else []
        return [(self.history.names[each.metric], each) for each in shown]

    def new_life(self) -> None:
        if self._guard is not None:
            self._guard.new_life(self._of_life)

    def due(self) -> bool:
        """Whether there is something new to learn from."""
        rows = len(self.history)
        if self.asked or rows < LEAST_ROWS or (self._failed and self._since < RETRY_ROWS):
            return False
        if self._guard is None:
            return True
        return (
            self._since >= RELEARN_ROWS
            if rows > MOST_ROWS - LEAST_ROWS
            else rows >= GROWTH * self._guard.rows
        )

    def asking(self) -> Singles:
        self.asked, self._missed, self._since = True, [], 0
        return self.history.rows()

    def learnt(self, learnt: Learnt | None) -> None:
        """None: it could not be learnt this time; in an hour it is tried again."""
        self.asked, self._failed = False, learnt is None
        if learnt is None:
            return
        self._guard = Guard(learnt)
        for row in self._missed:
            self._guard.judge(row)
        self._missed = []
