"""The second pass: writes the table anew with the planned cells changed, and nothing else; every change into the log."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.repair import numerals, terms, tokens
from mlops.repair.duplicates import Kept
from mlops.repair.plan import Change, Plan
from mlops.repair.scan import Progress, Scan
from mlops.repair.tokens import Ints
from mlops.tables import cells as texts

Write = Callable[[bytes], object]
ROW = -1  # in place of a column: a whole row was taken out
_MISSING, _UNREADABLE, _OTHER_WAY = numerals.MISSING, numerals.UNREADABLE, numerals.OTHER_WAY


class Edits(Struct):
    """Of one block, in order: at these offsets in the old file `old` became `new`."""

    at: list[int]
    row: list[int]  # 1 is the first after the header
    column: list[int]
    old: list[bytes]
    new: list[bytes]


class Log(Protocol):
    def add(self, edits: Edits) -> None: ...


class Rewriter:
    """`write` gets the new table, `log` the changes, `apart` the ragged rows."""

    def __init__(self, scan: Scan, plan: Plan, kept: Kept, write: Write, log: Log, apart: Write) -> None:
        self._scan, self._plan, self._kept = scan, plan, kept
        self._write, self._log, self._apart = write, log, apart
        self.fixed: Counter[int] = Counter()  # cells by column; rows under ROW
        self.spans: list[tuple[int, int]] = []  # where each block stands in the new table

    def run(self, file: int, told: Progress) -> None:
        at = self._scan.shape.body
        self._write(os.pread(file, at, 0))
        for number, batch in enumerate(self._scan.spill.batches):
            block = os.pread(file, batch.size, batch.offset)
            marks = self._marks(number)
            gone = self._kept.gone(number)
            if marks or gone is not None or batch.odd:
                block = self._mended(block, number, marks, gone)
            self._write(block)
            self.spans.append((at, len(block)))
            at += len(block)
            told("repairing", batch.offset + batch.size, self._scan.size)

    def _marks(self, number: int) -> dict[int, NDArray[np.uint8]]:
        """Per column with damage in this batch: what each cell needs."""
        batch, spill, found = self._scan.spill.batches[number], self._scan.spill, {}
        gone = self._kept.gone(number)
        for column, change in self._plan.changes.items():
            if spill.numeric[column]:
                marks = needs(*spill.values(batch, column), change)
            else:
                marks = np.where(spill.codes(batch, column) == terms.ABSENT, FILL, LEAVE).astype(np.uint8)
            if gone is not None:
                marks[gone] = LEAVE
            if marks.any():
                found[column] = marks
        return found

    def _mended(
        self, block: bytes, number: int, marks: dict[int, NDArray[np.uint8]], gone: NDArray[np.bool_] | None
    ) -> bytes:
        batch, shape = self._scan.spill.batches[number], self._scan.shape
        last = batch.offset + batch.size >= self._scan.size
        cut = tokens.cut(block, shape.comma, shape.width, last=last)
        assert cut is not None
        edits: list[tuple[int, int, int, int, bytes]] = []
        for column, needed in marks.items():
            edits += self._cells(cut, column, np.flatnonzero(needed), needed)
        if gone is not None:
            edits += _rows(cut, cut.good[gone])
        if batch.odd:
            edits += _rows(cut, cut.ragged)
            for row in cut.ragged.tolist():
                self._apart(cut.padded[cut.row_starts[row] : cut.row_ends[row]] + b"\n")
        edits.sort()
        return self._applied(cut.padded, tokens.PAD + len(block), batch.first, batch.offset, edits)

    def _cells(
        self, cut: tokens.Cells, column: int, rows: Ints, needed: NDArray[np.uint8]
    ) -> list[tuple[int, int, int, int, bytes]]:
        change, shape = self._plan.changes[column], self._scan.shape
        starts, ends = cut.starts[column][rows].tolist(), cut.ends[column][rows].tolist()
        news = [_NEW[need](change) for need in needed[rows].tolist()]
        if REWRITE in needed:
            for k in np.flatnonzero(needed[rows] == REWRITE).tolist():
                value = numerals.other_way(cut.padded[starts[k] : ends[k]].decode("latin-1"), shape.delimiter)
                news[k] = _plain(value)
        if not self._scan.spill.numeric[column]:
            quoted = [False] * len(rows) if cut.quoted is None else cut.quoted[column][rows].tolist()
            source = self._scan.shape.comma
            news = [_quoted(new, is_quoted, source) for new, is_quoted in zip(news, quoted, strict=True)]
        numbers = cut.good[rows].tolist()
        return list(zip(starts, ends, numbers, [column] * len(rows), news, strict=True))

    def _applied(
        self, padded: bytes, end: int, first: int, offset: int, edits: list[tuple[int, int, int, int, bytes]]
    ) -> bytes:
        done = Edits([], [], [], [], [])
        pieces: list[bytes] = []
        at = tokens.PAD
        for start, stop, row, column, new in edits:
            stop = min(stop, end)  # noqa: PLW2901 - the last line may have no break
            old = padded[start:stop]
            if old == new:
                continue
            pieces += (padded[at:start], new)
            at = stop
            done.at.append(start - tokens.PAD + offset)
            done.row.append(first + row + 1)
            done.column.append(column)
            done.old.append(old)
            done.new.append(new)
        pieces.append(padded[at:end])
        if done.at:
            self.fixed.update(done.column)
            self._log.add(done)
        return b"".join(pieces)


LEAVE, FILL, LOWER, UPPER, REWRITE = range(5)
_NEW: dict[int, Callable[[Change], bytes]] = {
    FILL: lambda change: change.fill or b"",
    LOWER: lambda change: change.low_text,
    UPPER: lambda change: change.high_text,
    REWRITE: lambda _: b"",
}


def needs(values: NDArray[np.float64], shown: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """What each cell of a column of numbers needs."""
    marks = np.zeros(len(values), np.uint8)
    marks[(shown == _MISSING) | (shown == _UNREADABLE)] = FILL
    marks[shown == _OTHER_WAY] = REWRITE
    marks[values < change.low] = LOWER
    marks[values > change.high] = UPPER
    return marks


def _rows(cut: tokens.Cells, rows: Ints) -> list[tuple[int, int, int, int, bytes]]:
    data = np.frombuffer(cut.padded, np.uint8)
    ends = cut.row_ends[rows]
    ends = ends + 1 + (data[ends] == 13)  # with their line breaks
    pairs = zip(cut.row_starts[rows].tolist(), ends.tolist(), rows.tolist(), strict=True)
    return [(start, end, row, ROW, b"") for start, end, row in pairs]


def _plain(value: float | None) -> bytes:
    assert value is not None
    text = texts.text_of(value)
    assert text is not None
    return text.encode()


def _quoted(new: bytes, inside: bool, comma: int) -> bytes:
    """A text as it has to stand in a cell that is quoted or not; it comes from inside a cell."""
    alone = b'"' in new.replace(b'""', b"")  # from a cell without quotes around it
    if inside:
        return new.replace(b'"', b'""') if alone else new
    special = comma in new or b"\n" in new or b"\r" in new or (b'""' in new and not alone)
    return b'"' + new + b'"' if special else new
