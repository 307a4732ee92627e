"""What a start finds in the folder of the journal, and how it is made whole."""

import contextlib
from pathlib import Path

from msgspec import Struct, field

from utils.damage import Damage, Tell, keep_copy, set_aside
from utils.disk import Disk, remove_if_there
from utils.segments import Segment, mend, number_in, scan


class Found(Struct):
    """Segments with contiguous, disjoint positions (but for told gaps), oldest first."""

    segments: list[Segment] = field(default_factory=list)
    next_number: int = 1
    durable_to: int = 0
    unsynced: list[bytes] = field(default_factory=list)  # the last segment's lines, where it cannot be synced
    problem: str = ""  # why the folder cannot be written


def recover(disk: Disk, folder: Path, tell: Tell) -> Found:
    """Later segments hold for the positions that they have: a tail was written again, or a new start followed."""
    found = Found()
    try:
        disk.mkdir(folder)
        names = disk.names(folder)
    except OSError as error:
        found.problem = str(error)
        return found
    numbered = sorted((key, name) for name in names if (key := number_in(name)) is not None)
    for (number, first), name in numbered:
        found.next_number = number + 1
        _place(disk, found.segments, _read(disk, folder / name, first, number, tell), tell)
    if found.segments:
        found.durable_to = found.segments[-1].last
        _settle(disk, found, found.segments[-1])
    return found


def _read(disk: Disk, path: Path, first: int, number: int, tell: Tell) -> Segment:
    try:
        data = disk.read(path)
    except OSError as error:
        tell(Damage(str(path), f"cannot be read: {error}{set_aside(disk, path)}"))
        segment = Segment(path, first, number)
        with contextlib.suppress(OSError):
            mend(disk, segment, b"")
        return segment
    segment = scan(path, first, number, data)
    if segment.size < len(data):
        _mend(disk, segment, data, tell)
    return segment


def _mend(disk: Disk, segment: Segment, data: bytes, tell: Tell) -> None:
    good, bad = data[: segment.size], data[segment.size :]
    problem = f"bad from byte {segment.size} on ({len(bad)} bytes), after position {segment.last}"
    try:
        keep_copy(disk, segment.path, bad)
        mend(disk, segment, good)
    except OSError as error:
        problem += f"; it could not be mended: {error}"
    tell(Damage(str(segment.path), problem))


def _place(disk: Disk, segments: list[Segment], segment: Segment, tell: Tell) -> None:
    while segments and segments[-1].first >= segment.first:
        with contextlib.suppress(OSError):  # where it cannot be removed it does no harm
            remove_if_there(disk, segments[-1].path)
        segments.pop()  # written again in the later one
    if segments:
        before = segments[-1]
        before.last = min(before.last, segment.first - 1)
        if before.last < segment.first - 1:
            gap = f"positions {before.last + 1} to {segment.first - 1} are missing before it"
            tell(Damage(str(segment.path), gap))
    segments.append(segment)


def _settle(disk: Disk, found: Found, newest: Segment) -> None:
    """What a dead process wrote is perhaps only in memory: sync it before anything is built on it."""
    try:
        disk.fsync_file(newest.path)
        disk.fsync_dir(newest.path.parent)
    except OSError as error:
        found.problem = str(error)
        found.unsynced = disk.read(newest.path, 0, newest.size).splitlines(keepends=True)
        found.durable_to = newest.first - 1
        found.segments.pop()
