"""The shape of a CSV file before it is parsed: its header, and whether every row has as many cells."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlops.errors import BadInputError
from mlops.tables.dialect import Dialect, chunks
from mlops.tables.table import UNNAMED

MOST_COLUMNS = 4096


def header(path: Path, dialect: Dialect) -> tuple[str, ...]:
    """The names of the columns. Raises BadInputError for names that stand twice and for too many of them."""
    with path.open(encoding=dialect.encoding, newline="") as file:
        try:
            cells = next(row for row in csv.reader(file, delimiter=dialect.delimiter) if row)
        except csv.Error as error:
            raise BadInputError(f"line 1: {error}", where=path) from error
    names = [cell.strip() or f"{UNNAMED}{place}" for place, cell in enumerate(cells)]
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in seen:
            raise BadInputError(
                f"line 1: two columns are named {name!r} (the {seen[name] + 1}. and the {place + 1}.)",
                where=path,
                do="rename one of them",
            )
        seen[name] = place
    return tuple(names)


def check_rows(path: Path, dialect: Dialect, cells: int) -> int:
    """How many rows there are; BadInputError names the first line that has not as many cells as the header."""
    quoted = any(b'"' in chunk for chunk in chunks(path))
    counts = _quoted_counts(path, dialect) if quoted else _plain_counts(path, dialect)
    rows = -1  # the header is none
    for lines, found in counts:
        rows += len(found)
        wrong = np.flatnonzero(found != cells)
        if len(wrong):
            line, has = int(lines[wrong[0]]), int(found[wrong[0]])
            raise BadInputError(
                f"line {line} has {has} cells where the header has {cells}",
                where=path,
                do="mend that line; cells that hold the delimiter need quotes",
            )
    return rows


Counts = Iterator[
    tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", "np.ndarray[tuple[int], np.dtype[np.int64]]"]
]


def _plain_counts(path: Path, dialect: Dialect) -> Counts:
    """Line numbers and cells of all lines that are not blank, without quotes: a matter of counting bytes."""
    mark, line, rest = ord(dialect.delimiter), 1, b""
    for piece in _utf8(path, dialect.encoding):
        text = rest + piece
        held = text[-1:] if text.endswith(b"\r") else b""  # its line feed may come with the next piece
        text = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole = text.rfind(b"\n") + 1
        rest = text[whole:] + held
        numbers, found = _count(text[:whole], mark, line)
        line += text.count(b"\n", 0, whole)
        yield numbers, found
    if rest.strip(b"\r\n"):
        yield _count(rest.strip(b"\r\n") + b"\n", mark, line)


def _count(
    text: bytes, mark: int, first: int
) -> tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    data = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    marks = np.flatnonzero(data == mark)
    before = np.searchsorted(marks, ends)
    lengths = np.diff(ends, prepend=-1) - 1
    found = np.diff(before, prepend=0) + 1
    full = lengths > 0
    return first + np.flatnonzero(full), found[full].astype(np.int64)


def _utf8(path: Path, encoding: str) -> Iterator[bytes]:
    """The bytes in an encoding whose ASCII characters are single bytes."""
    if encoding == "utf-8" or encoding == "latin-1":
        yield from chunks(path)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in chunks(path):
        yield decoder.decode(chunk).encode()


def _quoted_counts(path: Path, dialect: Dialect) -> Counts:
    with path.open(encoding=dialect.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=dialect.delimiter)
        line, lines, found = 1, [], []
        try:
            for row in reader:
                if row:
                    lines.append(line)
                    found.append(len(row))
                line = reader.line_num + 1
                if len(lines) == 100_000:
                    yield np.array(lines), np.array(found)
                    lines, found = [], []
        except csv.Error as error:
            raise BadInputError(f"line {reader.line_num}: {error}", where=path) from error
        yield np.array(lines, dtype=np.int64), np.array(found, dtype=np.int64)
