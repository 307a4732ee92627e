"""What a start finds in the folder of the journal, and how it is made whole."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from utils.damage import Damage, Tell, keep_copy, set_aside
from utils.disk import Disk
from utils.segments import Scanned, Segment, mend, number_in, scan


class Found(Struct):
    """Segments with contiguous, disjoint positions (but for told gaps), oldest first."""

    segments: list[Segment] = field(default_factory=list)
    durable_to: int = 0
    unsynced: list[bytes] = field(default_factory=list)  # lines of the last group, to be written again
    next_number: int = 1
    problem: str = ""  # why the folder cannot be written


def recover(disk: Disk, folder: Path, tell: Tell, saved: Callable[[int], int]) -> Found:
    """A group is written when the one before it is synced. So only the last one may be in memory alone, also where its
    fsync failed and the pages count as clean: the next segment begins with writing it again.

    `saved` says how far snapshots reach beyond the position that is asked for. Positions that they rest on are not given
    again where the journal has lost them: else neither they nor what they hold could be believed."""
    found = Found()
    try:
        disk.mkdir(folder)
        names = disk.names(folder)
    except OSError as error:
        found.problem = str(error)
        return found
    groups: dict[Path, Scanned] = {}
    numbered = sorted((key, name) for name in names if (key := number_in(name)) is not None)
    for (number, first), name in numbered:
        found.next_number = number + 1
        scanned = _read(disk, folder / name, first, number, tell)
        groups[scanned.segment.path] = scanned
        _place(found.segments, scanned.segment, tell)
    last = found.segments[-1].last if found.segments else 0
    if (reach := saved(last)) > last:
        lost = f"positions {last + 1} to {reach} are missing at its end; what snapshots hold of them stands"
        tell(Damage(str(folder), lost))
        found.durable_to = reach
    elif found.segments:
        _settle(disk, found, groups[found.segments[-1].path])
    return found


def _read(disk: Disk, path: Path, first: int, number: int, tell: Tell) -> Scanned:
    try:
        data = disk.read(path)
    except OSError as error:
        tell(Damage(str(path), f"cannot be read: {error}{set_aside(disk, path)}"))
        with contextlib.suppress(OSError):
            mend(disk, path, b"")
        return scan(path, first, number, b"")
    scanned = scan(path, first, number, data)
    if scanned.segment.size < len(data):
        _mend(disk, scanned.segment, data, tell)
    return scanned


def _mend(disk: Disk, segment: Segment, data: bytes, tell: Tell) -> None:
    good, bad = data[: segment.size], data[segment.size :]
    problem = f"bad from byte {segment.size} on ({len(bad)} bytes), after position {segment.last}"
    try:
        keep_copy(disk, segment.path, bad)
        mend(disk, segment.path, good)
    except OSError as error:
        problem += f"; it could not be mended: {error}"
    tell(Damage(str(segment.path), problem))


def _place(segments: list[Segment], segment: Segment, tell: Tell) -> None:
    """A later segment holds for what it has whole; one that was cut short while it repeated others adds nothing.
    Files without a part in it are left for `forget`: until the next commit they may hold what no other has on disk."""
    while segments and segments[-1].empty and not segment.empty and segments[-1].first >= segment.first:
        segments.pop()
    if segments and segment.last <= segments[-1].last:
        return
    while segments and segments[-1].first >= segment.first:
        segments.pop()
    if segments:
        before = segments[-1]
        before.last = min(before.last, segment.first - 1)
        if before.last < segment.first - 1:
            gap = f"positions {before.last + 1} to {segment.first - 1} are missing before it"
            tell(Damage(str(segment.path), gap))
    segments.append(segment)


def _settle(disk: Disk, found: Found, newest: Scanned) -> None:
    segment, start, offset = newest
    found.unsynced = disk.read(segment.path, offset, segment.size - offset).splitlines(keepends=True)
    segment.last = found.durable_to = start - 1
    if segment.empty:
        found.segments.pop()
