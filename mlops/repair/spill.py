"""What the first pass learnt of every cell, kept in a file without a name, so that memory does not grow with the table."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.repair.tokens import Ints

_ROW = 16  # bytes of a row: its hash, where it starts within the batch, its length
_TOGETHER = 1000  # arrays that the system writes at once
AT_ONCE = 1 << 18  # cells that are looked at together


class Batch(Struct, frozen=True):
    """`offset` and `size` in the table's file, `first` the number of its first row, `at` its place in the spill."""

    offset: int
    size: int
    first: int
    rows: int
    good: int
    odd: int  # ragged rows
    at: int
    cut: bool  # whether it is noted where cells end


class Spill:
    """Per batch: the rows' hashes and places, column by column the values and their notes or the codes, the cells' ends."""

    def __init__(self, folder: Path | None, numeric: Sequence[bool]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed by close()
        self.numeric = tuple(numeric)
        self.batches: list[Batch] = []
        sizes = [9 if number else 2 for number in numeric]
        self._before = [_ROW + sum(sizes[:n]) for n in range(len(sizes) + 1)]
        self.end = 0

    def add(self, batch: Batch, parts: Sequence[NDArray[Any]]) -> None:
        size, file = sum(part.nbytes for part in parts), self._file.fileno()
        written = os.writev(file, [part.data for part in parts]) if len(parts) <= _TOGETHER else 0
        if written < size:
            data = b"".join(part.tobytes() for part in parts)
            while written < size:
                written += os.write(file, memoryview(data)[written:])
        self.batches.append(batch)
        self.end += size

    def close(self) -> None:
        self._file.close()

    @property
    def rows(self) -> int:
        """Good rows."""
        return sum(batch.good for batch in self.batches)

    def hashes(self, batch: Batch) -> Ints:
        return self._read(batch.at, batch.good, np.dtype(np.int64))

    def places(self, batch: Batch) -> tuple[Ints, Ints]:
        """Offsets of the good rows in the file, and their lengths."""
        found = self._read(batch.at + 8 * batch.good, 2 * batch.good, np.dtype(np.uint32)).astype(np.int64)
        return found[: batch.good] + batch.offset, found[batch.good :]

    def values(self, batch: Batch, column: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        at = batch.at + self._before[column] * batch.good
        data = os.pread(self._file.fileno(), 9 * batch.good, at)
        return np.frombuffer(data, np.float64, batch.good), np.frombuffer(
            data, np.uint8, batch.good, 8 * batch.good
        )

    def codes(self, batch: Batch, column: int) -> NDArray[np.uint16]:
        return self._read(batch.at + self._before[column] * batch.good, batch.good, np.dtype(np.uint16))

    def ends(self, batch: Batch) -> NDArray[np.uint16]:
        """Per column where the cells end, counted from where their row starts."""
        width = len(self.numeric)
        at = batch.at + self._before[width] * batch.good
        return self._read(at, width * batch.good, np.dtype(np.uint16)).reshape(width, batch.good)

    def groups(self) -> Iterator[list[int]]:
        """Numbers of batches that together hold about AT_ONCE rows."""
        group: list[int] = []
        held = 0
        for number, batch in enumerate(self.batches):
            group.append(number)
            held += batch.good
            if held >= AT_ONCE:
                yield group
                group, held = [], 0
        if group:
            yield group

    def _read(self, at: int, count: int, kind: np.dtype[Any]) -> NDArray[Any]:
        return np.frombuffer(os.pread(self._file.fileno(), count * kind.itemsize, at), kind)
