"""Cuts a block of bytes into rows and cells without copying them: offsets in arrays, quotes understood.

Most blocks are cut by array operations alone. Where a quote stands in the middle of a cell (5" pipe), the parity of
quotes says nothing and the block is cut by an exact reader, character by character.
"""

import re

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Ints = NDArray[np.int64]
PAD = 16  # bytes before a block, so that the 8 or 16 bytes before a cell's end can be read anywhere
_PADDING = b" " * PAD
_QUOTE, _LF, _CR = 34, 10, 13


class Cells(Struct):
    """A block of whole rows. Offsets count from the start of `padded`, which begins with PAD other bytes.

    `starts[c][k]` to `ends[c][k]` is the cell of column c in the k-th good row, without its quotes; `good` holds the
    numbers of good rows within the block, `ragged` those with too few or too many cells. Blank rows are neither.
    """

    padded: bytes
    used: int  # bytes of the block that are whole rows
    row_starts: Ints
    row_ends: Ints  # before the line break
    good: Ints
    ragged: Ints
    starts: Ints
    ends: Ints
    quoted: NDArray[np.bool_] | None  # of the shape of starts; None where no cell is


def cut(block: bytes, comma: int, width: int, *, last: bool) -> Cells | None:
    """The whole rows at the front of a block; None where not even one is whole. `last`: the file ends with it."""
    padded = _PADDING + block + (b"\n" if last and not block.endswith(b"\n") else b"")
    data = np.frombuffer(padded, np.uint8)
    quotes = b'"' in block
    marks = _marks(data, comma, quotes=quotes)
    if marks is None:
        marks = _exact_marks(padded, comma)
    breaks = np.flatnonzero(data.take(marks) == _LF)
    if not len(breaks):
        return None
    marks = marks[: breaks[-1] + 1]
    row_ends = marks[breaks]
    row_starts = np.empty_like(row_ends)
    row_starts[0], row_starts[1:] = PAD, row_ends[:-1] + 1
    used = int(row_ends[-1]) + 1 - PAD
    returns = b"\r" in block
    if returns:
        row_ends = row_ends - ((data[row_ends - 1] == _CR) & (row_ends > row_starts))
    good, ragged, starts, ends = _by_column(marks, breaks, row_starts, row_ends, width)
    quoted = _without_quotes(data, starts, ends) if quotes else None
    return Cells(padded, used, row_starts, row_ends, good, ragged, starts, ends, quoted)


def again(block: bytes, starts: Ints, lengths: Ints, ends: NDArray[np.uint16]) -> Cells:
    """A block of good rows without quotes from where its rows start, how long they are, and where in them cells end."""
    row_starts = starts + PAD
    cell_ends = ends + row_starts
    cell_starts = np.empty_like(cell_ends)
    cell_starts[0] = row_starts
    np.add(cell_ends[:-1], 1, out=cell_starts[1:])
    good, none = np.arange(len(starts)), np.empty(0, np.int64)
    padded = _PADDING + block + (b"" if block.endswith(b"\n") else b"\n")
    return Cells(
        padded, len(block), row_starts, row_starts + lengths, good, none, cell_starts, cell_ends, None
    )


def _marks(data: NDArray[np.uint8], comma: int, *, quotes: bool) -> Ints | None:
    """Where cells end; None where quotes stand in the middle of cells."""
    ends = (data == comma) | (data == _LF)
    ends[:PAD] = False
    if quotes:
        is_quote = data == _QUOTE
        inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)).view(np.bool_)
        before = np.flatnonzero(is_quote & inside) - 1  # the bytes before opening quotes
        at_start = ends[before] | (before == PAD - 1) | (data[before] == _QUOTE)
        after = np.flatnonzero(is_quote & ~inside) + 1
        after = after[after < len(data)]
        at_end = ends[after] | (data[after] == _QUOTE) | (data[after] == _CR)
        if not (at_start.all() and at_end.all()):
            return None
        ends &= ~inside
    return np.flatnonzero(ends)


def _exact_marks(padded: bytes, comma: int) -> Ints:
    """The same by a reader that knows a quote only at the start of a cell, as csv does."""
    mark = re.escape(bytes([comma]))
    cell = re.compile(rb'(?:"(?:[^"]|"")*")?([^' + mark + rb"\n]*)(?=[" + mark + rb"\n])")
    marks, at = [], PAD
    while (match := cell.match(padded, at)) is not None:
        if match.start(1) == at and padded.startswith(b'"', at):
            break  # a quote that is not closed within this block
        marks.append(match.end())
        at = match.end() + 1
    return np.array(marks, np.int64)


def _by_column(
    marks: Ints, breaks: Ints, row_starts: Ints, row_ends: Ints, width: int
) -> tuple[Ints, Ints, Ints, Ints]:
    counts = np.diff(breaks, prepend=-1)
    blank = row_ends == row_starts
    fits = (counts == width) & ~blank
    if fits.all():
        good = np.arange(len(breaks))
        ends = np.ascontiguousarray(marks.reshape(-1, width).T)
        ragged = np.empty(0, np.int64)
    else:
        good, ragged = np.flatnonzero(fits), np.flatnonzero(~fits & ~blank)
        ends = np.ascontiguousarray(marks[breaks[good] + np.arange(1 - width, 1)[:, None]])
    starts = np.empty_like(ends)
    starts[0] = row_starts[good]
    starts[1:] = ends[:-1] + 1
    ends[-1] = row_ends[good]
    return good, ragged, starts, ends


def _without_quotes(data: NDArray[np.uint8], starts: Ints, ends: Ints) -> NDArray[np.bool_]:
    quoted: NDArray[np.bool_] = (data[starts] == _QUOTE) & (data[ends - 1] == _QUOTE) & (ends - starts >= 2)
    starts += quoted
    ends -= quoted
    return quoted
