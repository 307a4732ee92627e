"""The second pass: writes the table anew with the planned cells changed, and nothing else; every change into the log."""

import operator
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
from mlops.repair.spill import Batch
from mlops.repair.tokens import Ints
from mlops.tables import cells as texts

Write = Callable[[bytes], object]
_Texts = NDArray[np.object_]
_Found = tuple[Ints, Ints, Ints, Ints, _Texts]  # of edits: starts, ends, rows, columns, new bytes
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
        batch = self._scan.spill.batches[number]
        cut = self._cut(block, batch)
        found = [self._cells(cut, column, needed) for column, needed in marks.items()]
        if gone is not None:
            found.append(_rows(cut, cut.good[gone]))
        if batch.odd:
            found.append(_rows(cut, cut.ragged))
            for row in cut.ragged.tolist():
                self._apart(cut.padded[cut.row_starts[row] : cut.row_ends[row]] + b"\n")
        return self._applied(cut.padded, tokens.PAD + len(block), batch, found)

    def _cut(self, block: bytes, batch: Batch) -> tokens.Cells:
        """As the first pass noted it, or once more."""
        shape, last = self._scan.shape, batch.offset + batch.size >= self._scan.size
        if batch.cut:
            starts, lengths = self._scan.spill.places(batch)
            return tokens.again(block, starts - batch.offset, lengths, self._scan.spill.ends(batch))
        cut = tokens.cut(block, shape.comma, shape.width, last=last)
        assert cut is not None
        return cut

    def _cells(self, cut: tokens.Cells, column: int, needed: NDArray[np.uint8]) -> _Found:
        change, rows = self._plan.changes[column], np.flatnonzero(needed)
        starts, ends, needs_of = cut.starts[column][rows], cut.ends[column][rows], needed[rows]
        fill = change.fill or b""
        if self._scan.spill.numeric[column]:
            news = _texts(b"", fill, change.low_text, change.high_text, b"")[needs_of]
            for k in np.flatnonzero(needs_of == REWRITE).tolist():
                text = cut.padded[starts[k] : ends[k]].decode("latin-1")
                news[k] = _plain(numerals.other_way(text, self._scan.shape.delimiter))
        else:
            choice = _texts(*(quoted(fill, inside, self._scan.shape.comma) for inside in (False, True)))
            news = choice[
                np.zeros(len(rows), np.int8) if cut.quoted is None else cut.quoted[column][rows] * 1
            ]
        return starts, ends, cut.good[rows], np.full(len(rows), column), news

    def _applied(self, padded: bytes, end: int, batch: Batch, found: list[_Found]) -> bytes:
        unordered = np.concatenate([each[0] for each in found])
        order = np.argsort(unordered, kind="stable")
        starts = unordered[order]
        stops = np.minimum(
            np.concatenate([each[1] for each in found])[order], end
        )  # a last line without a break
        rows, columns = (np.concatenate([each[n] for each in found])[order] for n in (2, 3))
        news: list[bytes] = np.concatenate([each[4] for each in found])[order].tolist()
        olds = _slices(padded, starts, stops)
        real = list(range(len(olds)))
        if any(map(operator.eq, olds, news)):  # what is to be filled in stands there already
            real = [k for k, (old, new) in enumerate(zip(olds, news, strict=True)) if old != new]
            starts, stops, rows, columns = starts[real], stops[real], rows[real], columns[real]
            olds, news = [olds[k] for k in real], [news[k] for k in real]
        if not real:
            return padded[tokens.PAD : end]
        at = (starts - tokens.PAD + batch.offset).tolist()
        self._log.add(Edits(at, (rows + batch.first + 1).tolist(), columns.tolist(), olds, news))
        self.fixed.update(columns.tolist())
        between = zip([tokens.PAD, *stops.tolist()], [*starts.tolist(), end], strict=True)
        pieces = [b""] * (2 * len(real) + 1)
        pieces[::2] = [padded[a:b] for a, b in between]
        pieces[1::2] = news
        return b"".join(pieces)


LEAVE, FILL, LOWER, UPPER, REWRITE = range(5)


def needs(values: NDArray[np.float64], shown: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """What each cell of a column of numbers needs."""
    marks = np.zeros(len(values), np.uint8)
    marks[(shown == _MISSING) | (shown == _UNREADABLE)] = FILL
    marks[shown == _OTHER_WAY] = REWRITE
    marks[values < change.low] = LOWER
    marks[values > change.high] = UPPER
    return marks


def _rows(cut: tokens.Cells, rows: Ints) -> _Found:
    data = np.frombuffer(cut.padded, np.uint8)
    ends = cut.row_ends[rows]
    ends = ends + 1 + (data[ends] == 13)  # with their line breaks
    return cut.row_starts[rows], ends, rows, np.full(len(rows), ROW), _texts(*[b""] * len(rows))


def _texts(*texts_of: bytes) -> _Texts:
    found = np.empty(len(texts_of), object)
    found[:] = texts_of
    return found


def _slices(padded: bytes, starts: Ints, stops: Ints) -> list[bytes]:
    """Most cells that are mended are empty."""
    found = [b""] * len(starts)
    held = np.flatnonzero(stops > starts)
    for k, a, b in zip(held.tolist(), starts[held].tolist(), stops[held].tolist(), strict=True):
        found[k] = padded[a:b]
    return found


def _plain(value: float | None) -> bytes:
    assert value is not None
    text = texts.text_of(value)
    assert text is not None
    return text.encode()


def quoted(new: bytes, inside: bool, comma: int) -> bytes:
    """A text as it has to stand in a cell that is quoted or not; it comes from inside a cell."""
    alone = b'"' in new.replace(b'""', b"")  # from a cell without quotes around it
    if inside:
        return new.replace(b'"', b'""') if alone else new
    special = comma in new or b"\n" in new or b"\r" in new or (b'""' in new and not alone)
    return b'"' + new + b'"' if special else new
