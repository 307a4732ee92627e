"""Exact quantiles of a column that need not fit the memory: a histogram finds the bins, a second look sorts these alone.

What is counted are the readable numbers of the rows that stay. The value that fills empty cells counts only as often as its
neighbours do: filling adds many of it in the middle, which would draw the fences in a little more with every repair. So the
figures are the same before and after one, and repairing twice changes nothing the second time.
"""

from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.repair.tokens import Ints

Floats = NDArray[np.float64]
Chunks = Callable[[], Iterator[Floats]]
_SIGN = np.uint64(1 << 63)


class Counts(Struct):
    """Distinct values in order, and how often each stands there."""

    values: Floats
    counts: Ints


class Summary:
    """The order statistics of one column. `chunks()` yields its values anew each time it is called."""

    def __init__(self, chunks: Chunks, rows: int) -> None:
        self._chunks = chunks
        bits = 12 if rows < 1 << 20 else 20
        self._shift = np.uint64(64 - bits)
        self._histogram = np.zeros(1 << bits, np.int64)
        self._middle, self._wanted = float("nan"), 0
        self.whole = 0
        for chunk in chunks():
            self._histogram += np.bincount(self._bins(chunk), minlength=1 << bits)
            self.whole += int(np.count_nonzero(chunk == np.floor(chunk)))
        self.count = int(self._histogram.sum())
        self._cumulative = np.cumsum(self._histogram)

    def median(self) -> float:
        low, high = (self.count - 1) // 2, self.count // 2
        table = self._table(self._bin(low), self._bin(high))
        a, b = (self._pick(table, rank) for rank in (low, high))
        return a if a == b else a / 2 + b / 2

    def settle(self, middle: float) -> None:
        """Let `middle` count as often as its neighbours do."""
        place = self._bin_of(middle)
        filled = np.flatnonzero(self._histogram)
        before, after = filled[filled < place], filled[filled > place]
        table = self._table(int(before[-1]) if len(before) else place, int(after[0]) if len(after) else place)
        at = int(np.searchsorted(table.values, middle))
        there = at < len(table.values) and table.values[at] == middle
        now = int(table.counts[at]) if there else 0
        beside = [int(table.counts[n]) for n in (at - 1, at + there) if 0 <= n < len(table.values)]
        wanted = sum(beside) // len(beside) if beside else now
        self._histogram[place] += wanted - now
        self._cumulative = np.cumsum(self._histogram)
        self._middle, self._wanted = middle, wanted

    def quantile(self, share: float) -> float:
        """Between two values by a straight line, as numpy and pandas do it by default."""
        place = share * (int(self._cumulative[-1]) - 1)
        low = int(place)
        high = min(low + 1, int(self._cumulative[-1]) - 1)
        table = self._table(self._bin(low), self._bin(high), settled=True)
        a, b = (self._pick(table, rank) for rank in (low, high))
        return a + (b - a) * (place - low)

    def beyond(self, low: float, high: float) -> tuple[int, int]:
        """How many values lie below and above."""
        below = above = 0
        for chunk in self._chunks():
            below += int(np.count_nonzero(chunk < low))
            above += int(np.count_nonzero(chunk > high))
        return below, above

    def distinct(self, most: int) -> Counts | None:
        """All values, where there are no more than `most`."""
        filled = np.flatnonzero(self._histogram)
        if not 0 < len(filled) <= most:
            return None
        table = self._table(int(filled[0]), int(filled[-1]))
        return table if len(table.values) <= most else None

    def _bins(self, values: Floats) -> Ints:
        """The leading bits of a map of doubles to whole numbers that keeps their order."""
        bits = (values + 0.0).view(np.uint64)  # -0.0 is 0.0
        ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN)
        return (ordered >> self._shift).astype(np.int64)

    def _bin_of(self, value: float) -> int:
        return int(self._bins(np.array([value]))[0])

    def _bin(self, rank: int) -> int:
        return int(np.searchsorted(self._cumulative, rank, side="right"))

    def _pick(self, table: Counts, rank: int) -> float:
        """The value of a rank; the table begins with a whole bin."""
        first = self._bin_of(float(table.values[0]))
        before = int(self._cumulative[first] - self._histogram[first])
        place = int(np.searchsorted(np.cumsum(table.counts), rank - before, side="right"))
        return float(table.values[place])

    def _table(self, first: int, last: int, *, settled: bool = False) -> Counts:
        """The values in these bins. They are few, unless they are often the same."""
        found = Counts(np.empty(0), np.empty(0, np.int64))
        for chunk in self._chunks():
            bins = self._bins(chunk)
            inside = chunk[(bins >= first) & (bins <= last)]
            if len(inside):
                found = _merged(found, inside)
        return self._with_middle(found) if settled and first <= self._bin_of(self._middle) <= last else found

    def _with_middle(self, table: Counts) -> Counts:
        at = int(np.searchsorted(table.values, self._middle))
        if at < len(table.values) and table.values[at] == self._middle:
            counts = table.counts.copy()
            counts[at] = self._wanted
            return Counts(table.values, counts)
        if not self._wanted:
            return table
        return Counts(np.insert(table.values, at, self._middle), np.insert(table.counts, at, self._wanted))


def _merged(table: Counts, more: Floats) -> Counts:
    values, counts = np.unique(more, return_counts=True)
    everything = np.concatenate([table.values, values])
    distinct, places = np.unique(everything, return_inverse=True)
    weights = np.concatenate([table.counts, counts])
    return Counts(distinct, np.bincount(places, weights, len(distinct)).astype(np.int64))
