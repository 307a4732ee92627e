"""One file of the journal: how a line is written and checked, where a position stands, how a segment is mended."""

import contextlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from utils.disk import Disk, Handle, replace_file

INDEX_BYTES = 64 * 1024  # how far the entries of an index stand apart
_PLUS = ord("+")
_NAME = re.compile(r"(\d{12,})-(\d+)\.jsonl")


def line_of(body: bytes) -> bytes:
    return b"%08x %b\n" % (crc32(body), body)


def group_of(lines: Sequence[bytes]) -> bytes:
    """Lines that are written and synced together; a plus instead of the space in the first one marks the beginning."""
    first = lines[0]
    return b"".join((first[:8], b"+", first[9:], *lines[1:]))


def unmarked(line: bytes) -> bytes:
    return line[:8] + b" " + line[9:]


def is_whole(line: bytes, position: int) -> bool:
    """Whether a line (without its end) is undamaged and holds the record of this position."""
    body = line[9:]
    return (
        line[:8] == b"%08x" % crc32(body)
        and line[8:9] in (b" ", b"+")
        and body.startswith(b'{"position":%d,' % position)
    )


class Piece(NamedTuple):
    """A part of a segment between two entries of its index."""

    first: int
    last: int
    offset: int
    length: int


class Segment:
    """The records `first` to `last` (none yet: `last` is `first` - 1) in one file, with a sparse index."""

    def __init__(self, path: Path, first: int, number: int) -> None:
        self.path = path
        self.first = first
        self.last = first - 1
        self.number = number
        self.size = 0
        self._positions = [first]
        self._offsets = [0]

    @property
    def empty(self) -> bool:
        return self.last < self.first

    def extend(self, lines: Sequence[bytes], size: int) -> None:
        """Note whole lines that follow the last one; `size` is what they measure together."""
        if size < INDEX_BYTES:
            self._note(len(lines), size)
            return
        for line in lines:
            self._note(1, len(line))

    def _note(self, count: int, size: int) -> None:
        if self.size - self._offsets[-1] >= INDEX_BYTES:
            self._positions.append(self.last + 1)
            self._offsets.append(self.size)
        self.last += count
        self.size += size

    def piece(self, position: int) -> Piece:
        """Where to read for a position."""
        entry = bisect_right(self._positions, position) - 1
        inner = entry + 1 < len(self._offsets)
        last = min(self._positions[entry + 1] - 1, self.last) if inner else self.last
        end = self._offsets[entry + 1] if inner else self.size
        return Piece(self._positions[entry], last, self._offsets[entry], end - self._offsets[entry])


def name_of(first: int, number: int) -> str:
    return f"{first:012d}-{number}.jsonl"


def number_in(name: str) -> tuple[int, int] | None:
    """(number, first position) of a segment's file name; higher numbers were written later."""
    match = _NAME.fullmatch(name)
    return (int(match[2]), int(match[1])) if match else None


class Scanned(NamedTuple):
    segment: Segment
    group_first: int  # of the last group, which alone may not be durable: the one before was synced first
    group_offset: int


def scan(path: Path, first: int, number: int, data: bytes) -> Scanned:
    """Whole lines up to the first bad one."""
    segment = Segment(path, first, number)
    offset, position = 0, first
    group = (position, offset)
    while (end := data.find(b"\n", offset)) >= 0 and is_whole(data[offset:end], position):
        if data[offset + 8] == _PLUS:
            group = (position, offset)
        segment.extend((b"",), end + 1 - offset)
        offset = end + 1
        position += 1
    return Scanned(segment, *group)


def mend(disk: Disk, path: Path, good: bytes) -> None:
    """Cut a segment down to its good part, so that the next start finds nothing to tell.

    Also one without any stays: its name says which positions were durable before it.
    """
    replace_file(disk, path, good)


def remove_below(disk: Disk, folder: Path, number: int) -> None:
    """Remove segments with lower numbers, oldest first, each for good before the next: a power cut leaves no gap."""
    numbered = sorted((key, name) for name in disk.names(folder) if (key := number_in(name)) is not None)
    for key, name in numbered:
        if key[0] < number:
            disk.remove(folder / name)
            disk.fsync_dir(folder)


class SegmentWriter:
    """Writes groups of lines, each synced; one thread at a time calls `write`."""

    def __init__(self, disk: Disk, folder: Path, number: int, segment_bytes: int) -> None:
        self._disk = disk
        self._folder = folder
        self._next_number = number
        self._segment_bytes = segment_bytes
        self._handle: Handle | None = None
        self._path = folder
        self._number = 0
        self._size = 0

    def write(self, first: int, data: bytes, *, anew: bool) -> tuple[Path, int]:
        """Put lines on disk for good; returns the segment (path, number) that holds them.

        `anew`: nobody knows how far the last write came, so this one goes to a new segment.
        """
        try:
            if self._handle is None or anew or self._size >= self._segment_bytes:
                self._roll(first)
            assert self._handle is not None
            self._handle.append(data)
            if self._size == 0:
                self._disk.fsync_dir(self._folder)
        except OSError:
            self._give_up_segment()
            raise
        self._size += len(data)
        return self._path, self._number

    def _roll(self, first: int) -> None:
        self.close()
        self._disk.mkdir(self._folder)
        self._number = self._next_number
        self._next_number += 1
        self._path = self._folder / name_of(first, self._number)
        self._size = 0
        self._handle = self._disk.create(self._path)

    def _give_up_segment(self) -> None:
        """After a failed write or sync the descriptor is worthless; a file without durable records is in the way."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        with contextlib.suppress(OSError):
            handle.close()
        if self._size == 0:
            with contextlib.suppress(OSError):
                self._disk.remove(self._path)

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
