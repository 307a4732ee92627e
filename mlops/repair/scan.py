"""The first pass: every row's hash, every number and every text's code, into a spill; nothing is decided here."""

import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.errors import BadInputError
from mlops.repair import numerals, terms, tokens
from mlops.repair.dialect import Shape
from mlops.repair.spill import Batch, Spill
from mlops.tables import cells as texts

BLOCK = 1 << 19
_LONGEST_ROW = 1 << 26
_FAR = 1 << 16  # bytes of a row within which it is noted where cells end
_SAMPLED = 64  # cells of each block of a column of text that are tried as numbers
Progress = Callable[[str, int, int], None]


class Scan(Struct):
    """`tried` and `numbers` of a column of text: how many cells were tried as numbers, and how many were some."""

    shape: Shape
    spill: Spill
    terms: dict[int, terms.Terms]
    tried: dict[int, int]
    numbers: dict[int, int]
    rows: int = 0
    ragged: int = 0
    sha256: str = ""
    size: int = 0


def blocks(file: int, shape: Shape, size: int) -> Generator[tuple[int, bytes, bool], int, None]:
    """(offset, bytes, whether the file ends with them); the reader answers how much of it was whole rows by send()."""
    offset = shape.body
    block = max(BLOCK, min(_LONGEST_ROW >> 2, shape.width * 4096))
    while offset < size:
        wanted = os.pread(file, block, offset)
        last = offset + len(wanted) >= size
        used = yield offset, wanted, last
        if used == 0:
            if last or block >= _LONGEST_ROW:
                return
            block *= 4
        offset += used
        if used and block > BLOCK:
            block = max(BLOCK, min(_LONGEST_ROW >> 2, shape.width * 4096))


def scan(path: Path, shape: Shape, numeric: Sequence[bool], folder: Path | None, told: Progress) -> Scan:
    """Read the whole table once. The caller closes the spill."""
    found = Scan(shape, Spill(folder, numeric), {}, {}, {})
    for column, number in enumerate(numeric):
        if not number:
            found.terms[column] = terms.Terms()
            found.tried[column] = found.numbers[column] = 0
    try:
        with path.open("rb", buffering=0) as file:
            _read_all(file.fileno(), path, found, told)
    except BaseException:
        found.spill.close()
        raise
    return found


def _read_all(file: int, path: Path, found: Scan, told: Progress) -> None:
    shape, size = found.shape, os.fstat(file).st_size
    digest = hashlib.sha256(os.pread(file, shape.body, 0))
    reader = blocks(file, shape, size)
    used: int | None = None
    at = shape.body
    while True:
        try:
            offset, block, last = next(reader) if used is None else reader.send(used)
        except StopIteration:
            break
        cut = tokens.cut(block, shape.comma, shape.width, last=last)
        used = min(cut.used, len(block)) if cut else 0
        if cut:
            _take(cut, offset, found, used)
            digest.update(block[:used])
            at = offset + used
        told("reading", at, size)
    if at < size:
        raise BadInputError(
            "a quote is opened and never closed" if b'"' in block else "a row of more than 64 MiB",
            where=f"{path}: after row {found.rows}",
            do="mend that line; nothing was changed",
        )
    found.sha256, found.size = digest.hexdigest(), size


def _take(cut: tokens.Cells, offset: int, found: Scan, used: int) -> None:
    view = numerals.words(cut.padded)
    starts, ends = cut.row_starts[cut.good], cut.row_ends[cut.good]
    places = np.concatenate([starts - tokens.PAD, ends - starts]).astype(np.uint32)
    parts: list[NDArray[np.generic]] = [_hashes(cut, starts, ends), places]
    for column in range(found.shape.width):
        parts += _column(cut, view, column, found)
    good, rows = len(cut.good), len(cut.row_ends)
    plain = good == rows and cut.quoted is None and int((ends - starts).max(initial=0)) < _FAR
    if plain:
        parts.append((cut.ends - starts).astype(np.uint16))
    batch = Batch(offset, used, found.rows, rows, good, len(cut.ragged), found.spill.end, plain)
    found.spill.add(batch, parts)
    found.rows += rows
    found.ragged += len(cut.ragged)


def _hashes(cut: tokens.Cells, starts: tokens.Ints, ends: tokens.Ints) -> tokens.Ints:
    """Python's own keyed hash: nobody can make rows collide on purpose, and those that do are compared."""
    padded = cut.padded
    if len(cut.good) == len(cut.row_ends) and cut.quoted is None and b"\r" not in padded:
        rows = padded[tokens.PAD : tokens.PAD + cut.used].split(b"\n")
        return np.fromiter(map(hash, rows), np.int64, len(starts))
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return np.fromiter((hash(padded[a:b]) for a, b in pairs), np.int64, len(starts))


def _column(cut: tokens.Cells, view: numerals.Words, column: int, found: Scan) -> list[NDArray[np.generic]]:
    starts, ends = cut.starts[column], cut.ends[column]
    last = view[ends - 8]
    absent = terms.missing(cut.padded, last, starts, ends)
    if found.spill.numeric[column]:
        return [*numerals.read(cut.padded, view, last, starts, ends, absent, found.shape.delimiter)]
    step = max(1, len(starts) // _SAMPLED)
    for k in range(0, len(starts), step):
        if not absent[k]:
            found.tried[column] += 1
            text = cut.padded[starts[k] : ends[k]].decode("latin-1")
            found.numbers[column] += texts.number(text) is not None
    return [found.terms[column].codes(cut.padded, view, last, starts, ends, absent)]


def guess_numeric(path: Path, shape: Shape) -> list[bool]:
    """Which columns seem to hold numbers, by their first rows; a column without any value there counts as one."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        reader = blocks(file.fileno(), shape, size)
        cut, used = None, None
        while cut is None:
            try:
                _, block, last = next(reader) if used is None else reader.send(used)
            except StopIteration:
                return [False] * shape.width
            cut, used = tokens.cut(block, shape.comma, shape.width, last=last), 0
    answers = []
    for starts, ends in zip(cut.starts, cut.ends, strict=True):
        step = max(1, len(starts) // 500)
        some = [cut.padded[a:b].decode("latin-1") for a, b in zip(starts[::step], ends[::step], strict=True)]
        values = [text for text in some if not texts.is_missing(text)]
        numbers = sum(texts.number(text) is not None for text in values)
        answers.append(numbers * 2 >= len(values))
    return answers
