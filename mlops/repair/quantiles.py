"""Exact quantiles of a column that need not fit the memory: a histogram finds the bins, a second look sorts these alone.

What is counted are the readable numbers of the rows that stay. The value that fills empty cells counts only as often as its
neighbours do: filling adds many of it in the middle, which would draw the fences in a little more with every repair. So the
figures are the same before and after one, and repairing twice changes nothing the second time.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.repair.tokens import Ints

Floats = NDArray[np.float64]
Chunks = Callable[[], Iterator[Floats]]
_SIGN = np.uint64(1 << 63)
_PENDING = 1 << 19  # values that wait to be sorted


class Counts(Struct):
    """Distinct values in order, and how often each stands there."""

    values: Floats
    counts: Ints

    def of(self, value: float) -> tuple[int, int]:
        """Where a value stands or would stand, and how often it is there."""
        at = int(np.searchsorted(self.values, value))
        there = at < len(self.values) and self.values[at] == value
        return at, int(self.counts[at]) if there else 0


class Stretch(Struct):
    """All values of the bins from `first` to `last`."""

    first: int
    last: int
    table: Counts


class Summary:
    """The order statistics of one column: every value is to be `add`ed; `chunks()` yields them anew each time."""

    def __init__(self, chunks: Chunks, rows: int) -> None:
        self._chunks = chunks
        bits = 12 if rows < 1 << 17 else 18
        self._shift = np.uint64(64 - bits)
        self._histogram = np.zeros(1 << bits, np.int64)
        self._middle: float | None = None
        self._wanted = 0
        self.whole = 0
        self.count = 0
        self._beside: list[Stretch] = []  # around the quartiles

    def add(self, chunk: Floats) -> None:
        self._histogram += np.bincount(self._bins(chunk), minlength=len(self._histogram))
        self.whole += int(np.count_nonzero(chunk == np.floor(chunk)))
        self.count += len(chunk)

    def median(self) -> float:
        """Also keeps what stands around it, for `settle`, and around the quartiles, for `quantiles`."""
        self._cumulative = np.cumsum(self._histogram)
        low, high = (self.count - 1) // 2, self.count // 2
        first, last = self._bin(low), self._bin(high)
        filled = np.flatnonzero(self._histogram)
        before, after = filled[filled < first], filled[filled > last]
        around = (int(before[-1]) if len(before) else first, int(after[0]) if len(after) else last)
        quartiles = [self._bin(share * (self.count - 1) // 4) for share in (1, 3)]
        beside = [(max(0, place - 1), min(place + 1, len(self._histogram) - 1)) for place in quartiles]
        found, *self._beside = self._tables([around, *beside])
        self._around = found.table
        a, b = (self._pick(self._around, rank) for rank in (low, high))
        return a if a == b else a / 2 + b / 2

    def settle(self, middle: float) -> None:
        """Let `middle`, which is the median or next to it, count as often as its neighbours do."""
        at, now = self._around.of(middle)
        counts = self._around.counts
        beside = [int(counts[n]) for n in (at - 1, at + (now > 0)) if 0 <= n < len(counts)]
        self._middle, self._wanted = middle, sum(beside) // len(beside) if beside else now
        self._histogram[self._bin_of(middle)] += self._wanted - now
        self._cumulative = np.cumsum(self._histogram)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Between two values by a straight line, as numpy and pandas do it by default. They change with `settle`."""
        last = int(self._cumulative[-1]) - 1
        ranks = [(int(share * last), min(int(share * last) + 1, last)) for share in shares]
        found = []
        for share, (low, high) in zip(shares, ranks, strict=True):
            table = self._with_middle(self._stretch(self._bin(low), self._bin(high)))
            a, b = (self._pick(table, rank) for rank in (low, high))
            found.append(a + (b - a) * (share * last - low))
        return found

    def beyond(self, low: float, high: float) -> int:
        """How many values lie below `low` or above `high`."""
        return sum(int(np.count_nonzero((chunk < low) | (chunk > high))) for chunk in self._chunks())

    def distinct(self, most: int) -> Counts | None:
        """All values, where there are no more than `most`."""
        filled = np.flatnonzero(self._histogram)
        if not 0 < len(filled) <= most:
            return None
        table = self._stretch(int(filled[0]), int(filled[-1])).table
        return table if len(table.values) <= most else None

    def _bins(self, values: Floats) -> Ints:
        """The leading bits of a map of doubles to whole numbers that keeps their order."""
        bits = (values + 0.0).view(np.uint64)  # -0.0 is 0.0
        ordered = bits ^ (((bits >> np.uint64(63)) * ~_SIGN) | _SIGN)
        return (ordered >> self._shift).astype(np.int64)

    def _bin_of(self, value: float) -> int:
        return int(self._bins(np.array([value]))[0])

    def _bound(self, place: int) -> float:
        """The smallest value of a bin."""
        ordered = np.array([place], np.uint64) << self._shift
        bits = np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered)
        return float(bits.view(np.float64)[0])

    def _bin(self, rank: int) -> int:
        return int(np.searchsorted(self._cumulative, rank, side="right"))

    def _pick(self, table: Counts, rank: int) -> float:
        """The value of a rank; the table begins with a whole bin."""
        first = self._bin_of(float(table.values[0]))
        before = int(self._cumulative[first] - self._histogram[first])
        return float(table.values[np.searchsorted(np.cumsum(table.counts), rank - before, side="right")])

    def _stretch(self, first: int, last: int) -> Stretch:
        """One that was looked at before, where it holds these bins."""
        for each in self._beside:
            if each.first <= first and last <= each.last:
                return each
        [found] = self._tables([(first, last)])
        return found

    def _tables(self, ranges: Sequence[tuple[int, int]]) -> list[Stretch]:
        """The values in these bins, from one look at the column. They are few, unless they are often the same."""
        found = [Counts(np.empty(0), np.empty(0, np.int64)) for _ in ranges]
        pending: list[list[Floats]] = [[] for _ in ranges]
        bounds = [(self._bound(first), self._bound(last + 1)) for first, last in ranges]
        for chunk in self._chunks():
            for n, (low, high) in enumerate(bounds):
                pending[n].append(chunk[(chunk >= low) & (chunk < high)])
                if sum(map(len, pending[n])) > _PENDING:
                    found[n], pending[n] = _merged(found[n], pending[n]), []
        merged = [_merged(table, rest) for table, rest in zip(found, pending, strict=True)]
        return [Stretch(*each, table) for each, table in zip(ranges, merged, strict=True)]

    def _with_middle(self, found: Stretch) -> Counts:
        """Its table with the settled count."""
        table = found.table
        if self._middle is None or not found.first <= self._bin_of(self._middle) <= found.last:
            return table
        at, now = table.of(self._middle)
        if now:
            counts = table.counts.copy()
            counts[at] = self._wanted
            return Counts(table.values, counts)
        return Counts(np.insert(table.values, at, self._middle), np.insert(table.counts, at, self._wanted))


def _merged(table: Counts, more: Sequence[Floats]) -> Counts:
    values, counts = np.unique(np.concatenate([np.empty(0), *more]), return_counts=True)
    if not len(table.values):
        return Counts(values, counts.astype(np.int64))
    distinct, places = np.unique(np.concatenate([table.values, values]), return_inverse=True)
    weights = np.concatenate([table.counts, counts])
    return Counts(distinct, np.bincount(places, weights, len(distinct)).astype(np.int64))
