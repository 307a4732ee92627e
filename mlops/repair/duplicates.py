"""Finds rows that are the same bytes as an earlier one: by hash, in parts that fit the memory, confirmed by comparing."""

import os

import numpy as np
from numpy.typing import NDArray

from mlops.repair.spill import Spill
from mlops.repair.tokens import Ints

Bits = NDArray[np.uint8]
_TOGETHER = 1 << 22  # hashes that are sorted at once
_COMPARED = 1 << 25  # bytes of rows that are compared at once
_STRETCH = 1 << 17  # bytes that are read at once for them
_MARKS = 1 << 22
_REMEMBERED = (
    64  # different rows of the same hash; more would have to be made on purpose, with the key of this process
)


class Kept:
    """Which good rows stay: a bit for each, for the batches in which any goes."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._firsts = np.cumsum([0, *(batch.good for batch in spill.batches)])
        self._gone: dict[int, Bits] = {}
        self.removed = 0

    def remove(self, rows: Ints) -> None:
        """`rows`: numbers of good rows, each once in all calls."""
        rows = np.sort(rows)
        batches = np.searchsorted(self._firsts, rows, side="right") - 1
        for number in np.unique(batches).tolist():
            good = self._spill.batches[number].good
            gone = self.gone(number)
            mask = np.zeros(good, np.bool_) if gone is None else gone
            mask[rows[batches == number] - self._firsts[number]] = True
            self._gone[number] = np.packbits(mask)
        self.removed += len(rows)

    def gone(self, number: int) -> NDArray[np.bool_] | None:
        bits = self._gone.get(number)
        if bits is None:
            return None
        return np.unpackbits(bits, count=self._spill.batches[number].good).view(np.bool_)

    def place(self, row: int) -> tuple[int, int]:
        """(batch, row within it)."""
        number = int(np.searchsorted(self._firsts, row, side="right")) - 1
        return number, row - int(self._firsts[number])


def find(spill: Spill, file: int, protected: int) -> Kept:
    """The first of several equal rows is kept. Of the first `protected` rows none is removed: they were judged before."""
    kept = Kept(spill)
    rows = spill.rows
    bits = max(0, (max(rows, 1) - 1).bit_length() - _TOGETHER.bit_length() + 1)
    for part in range(1 << bits):
        hashes, numbers = _part(spill, bits, part)
        candidates = _repeated(hashes)
        hashes, numbers = hashes[candidates], numbers[candidates]
        order = np.lexsort((numbers, hashes))
        if len(order):
            kept.remove(_confirmed(spill, file, hashes[order], numbers[order], protected))
    return kept


def _part(spill: Spill, bits: int, part: int) -> tuple[Ints, Ints]:
    hashes, numbers, first = [], [], 0
    for batch in spill.batches:
        found = spill.hashes(batch)
        mine = np.flatnonzero((found & ((1 << bits) - 1)) == part) if bits else np.arange(len(found))
        hashes.append(found[mine])
        numbers.append(mine + first)
        first += batch.good
    if not hashes:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(hashes), np.concatenate(numbers)


def _repeated(hashes: Ints) -> Ints:
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return np.empty(0, np.int64)
    marked = np.zeros(_MARKS, np.bool_)  # by some of their bits: a search among many costs ten times as much
    marked[(twice >> 20) & (_MARKS - 1)] = True
    likely = np.flatnonzero(marked[(hashes >> 20) & (_MARKS - 1)])
    places = np.minimum(np.searchsorted(twice, hashes[likely]), len(twice) - 1)
    found: Ints = likely[twice[places] == hashes[likely]]
    return found


def _confirmed(spill: Spill, file: int, hashes: Ints, numbers: Ints, protected: int) -> Ints:
    """In portions, so that the rows that are compared fit the memory. Rows of one hash may lie in two of them."""
    gone: list[int] = []
    seen: set[bytes] = set()
    last = None
    offsets, lengths = _places(spill, numbers)
    portions = np.cumsum(lengths) // _COMPARED
    for portion in np.unique(portions):
        mine = np.flatnonzero(portions == portion)
        rows = _texts(file, offsets[mine], lengths[mine])
        for mark, number, row in zip(hashes[mine].tolist(), numbers[mine].tolist(), rows, strict=True):
            if mark != last:
                seen, last = set(), mark
            if row in seen and number >= protected:
                gone.append(number)
            elif len(seen) < _REMEMBERED:
                seen.add(row)
    return np.array(gone, np.int64)


def _texts(file: int, offsets: Ints, lengths: Ints) -> list[bytes]:
    """The bytes at these places; neighbours are read together."""
    found = [b""] * len(offsets)
    order = np.argsort(offsets, kind="stable")
    starts, ends = offsets[order], offsets[order] + lengths[order]
    first = 0
    while first < len(order):
        last = int(np.searchsorted(starts, starts[first] + _STRETCH, side="right"))
        base, stop = int(starts[first]), int(ends[first:last].max())
        block = os.pread(file, stop - base, base)
        places = zip(
            order[first:last].tolist(), starts[first:last].tolist(), ends[first:last].tolist(), strict=True
        )
        for k, a, b in places:
            found[k] = block[a - base : b - base]
        first = last
    return found


def _places(spill: Spill, numbers: Ints) -> tuple[Ints, Ints]:
    """Where those good rows stand in the file, and how long they are."""
    offsets, lengths = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.int64)
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    first = 0
    for batch in spill.batches:
        low, high = np.searchsorted(ordered, [first, first + batch.good])
        if high > low:
            starts, sizes = spill.places(batch)
            mine = order[low:high]
            offsets[mine] = starts[ordered[low:high] - first]
            lengths[mine] = sizes[ordered[low:high] - first]
        first += batch.good
    return offsets, lengths
