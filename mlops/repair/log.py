"""The reversible log of a repair: compressed lines, one for each block of the table that was changed.

A line is {"at": [...], "row": [...], "column": [...], "old": [...], "new": [...]}: at offset `at` of the old file the bytes
`old` became `new`; `row` counts from 1 after the header; column -1 is a whole row that was taken out. Each character of
`old` and `new` is one byte.
"""

import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from mlops.repair.rewrite import Edits


class Line(Struct):
    at: list[int]
    row: list[int]
    column: list[int]
    old: list[str]
    new: list[str]


class NoLog:
    """Of a repair that is only tried."""

    def add(self, edits: Edits) -> None:
        pass


class RepairLog:
    """Written as the repair goes, so that it takes no memory; lasting once `finish` has returned."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb")
        self._text = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=1, mtime=0)
        self._encoder = msgspec.json.Encoder()

    def add(self, edits: Edits) -> None:
        line = Line(edits.at, edits.row, edits.column, _texts(edits.old), _texts(edits.new))
        self._text.write(self._encoder.encode(line) + b"\n")

    def finish(self) -> None:
        self._text.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._text.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def _texts(parts: list[bytes]) -> list[str]:
    return b"\0".join(parts).decode("latin-1").split("\0")  # a table with a null byte is refused


def read_log(path: Path) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Line)
    with gzip.open(path, "rb") as file:
        for line in file:
            yield decoder.decode(line)


def reverse(repaired: io.BufferedIOBase, log: Path, write: "io.BufferedIOBase") -> None:
    """Write the table as it was before, from the repaired one and its log; ValueError where they do not belong together."""
    shift = 0  # how far the repaired file is ahead of the old one
    place = 0  # in the old file
    for line in read_log(log):
        for at, old, new in zip(line.at, line.old, line.new, strict=True):
            _copy(repaired, write, at - place)
            before, after = old.encode("latin-1"), new.encode("latin-1")
            if repaired.read(len(after)) != after:
                raise ValueError(f"{log}: the table does not hold what the log says at offset {at + shift}")
            write.write(before)
            place = at + len(before)
            shift += len(after) - len(before)
    _copy(repaired, write, -1)


def _copy(source: io.BufferedIOBase, target: "io.BufferedIOBase", size: int) -> None:
    while size and (piece := source.read(min(size, 1 << 20) if size > 0 else 1 << 20)):
        target.write(piece)
        size -= len(piece) if size > 0 else 0
    if size > 0:
        raise ValueError("the table ends before its log does")
