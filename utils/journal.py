"""The journal: every handling of every agent, in order, on disk before anyone reaches outside.

A record is one line: the CRC-32 of the JSON in 8 hexadecimal digits, a space, the JSON, a line end. Appending only
touches memory. A commit starts when somebody waits for it, else 50 ms after the first append, and carries all that came
until then. After a failed write or fsync the descriptor is dropped and all that is not durable goes to a new segment.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from utils.damage import Damage
from utils.decoding import RecordDecoder
from utils.disk import Disk, Offload
from utils.event import Record
from utils.reading import SegmentReader
from utils.recovery import recover
from utils.segments import Segment, SegmentWriter, group_of, line_of, remove_below, unmarked
from utils.tail import Tail

log = structlog.get_logger()
RETRY_MAX_S = 30.0


class Health(msgspec.Struct, frozen=True):
    """Whether the state folder can be written; `problem` is a line for people."""

    ok: bool = True
    problem: str = ""


class _Writing(NamedTuple):
    """One group on its way to the disk."""

    lines: list[bytes]
    size: int
    outcome: Awaitable[tuple[Path, int]]
    stall: asyncio.TimerHandle


class JournalFullError(RuntimeError):
    """The disk has failed for so long that memory is full of records: nothing may be dropped, so nothing goes on."""


class Journal:
    """Reads what is there when it is made; `run` is the committer, a supervised child."""

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        result_type: Any,
        offload: Offload,
        *,
        segment_bytes: int = 16 * 1024 * 1024,
        commit_s: float = 0.05,
        stall_s: float = 5.0,
        tail_limit_bytes: int = 256 * 1024 * 1024,
        saved: Callable[[int], int] = lambda last: last,
        on_health: Callable[[Health], None] | None = None,
        on_damage: Callable[[Damage], None] | None = None,
    ) -> None:
        self._disk = disk
        self._offload = offload
        self._commit_s = commit_s
        self._stall_s = stall_s
        self._tail_limit_bytes = tail_limit_bytes
        self.on_health = on_health
        self.on_damage = on_damage
        self.health = Health()
        self.damage: list[Damage] = []
        self._encode = msgspec.json.Encoder().encode
        decode = RecordDecoder(result_type, self._tell_unknown)
        self._reader = SegmentReader(disk, decode, self._tell)
        found = recover(disk, folder, self._tell, saved)
        self._folder = folder
        self._segments = found.segments
        self._writer = SegmentWriter(disk, folder, found.next_number, segment_bytes)
        self._anew = False
        self.durable_to = found.durable_to
        self._tail = Tail()
        for line in found.unsynced:
            self._tail.add(decode(line[9:]), unmarked(line))
        self.position = self.durable_to + len(found.unsynced)
        self._waiters: list[tuple[int, asyncio.Future[bool]]] = []
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._remove_below = 0  # files with lower numbers are not needed any more
        self._writing: _Writing | None = None
        self._retry_s = 1.0
        if found.problem:
            self._set_health(Health(ok=False, problem=found.problem))

    @property
    def failing(self) -> bool:
        """The disk cannot be relied on now: only safe acts."""
        return not self.health.ok

    @property
    def first(self) -> int:
        """The oldest position that can still be read."""
        return self._segments[0].first if self._segments else self.durable_to + 1

    def append(self, agent: str, handled: str, results: Sequence[Any]) -> Record:
        """Into memory only. Raises what cannot be encoded, and JournalFullError."""
        record = Record(self.position + 1, agent, handled, tuple(results))
        line = line_of(self._encode(record))
        if self._tail.size > self._tail_limit_bytes:
            raise JournalFullError(f"{self._tail.size >> 20} MiB wait for the disk: {self.health.problem}")
        self.position += 1
        self._tail.add(record, line)
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(self._commit_s, self._wake.set)
        return record

    async def durable(self, position: int) -> bool:
        """Wait until the position is on disk; False, at once, while the disk is failing."""
        if position <= self.durable_to:
            return True
        if self.failing:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.append((position, future))
        if self._writing is None:  # else its end wakes the committer, where somebody waits for more
            self._wake.set()
        return await future

    def hasten(self) -> None:
        """Somebody is about to wait for all that was appended so far: begin at once what waiting would begin."""
        if self._loop is not None and self._writing is None and self._tail.lines:
            self._writing = self._begin(self._loop)
        self._wake.set()

    def read(self, after: int) -> Iterator[Record]:
        """All records behind a position, from disk, then from memory; those appended meanwhile too."""
        while after < self.position:
            if after >= self.durable_to:
                yield self._tail.records[after - self.durable_to]
                after += 1
                continue
            segment = self._segment_behind(after)
            if segment is None:
                after = self.durable_to
                continue
            last = segment.last
            yield from self._reader.records(segment, max(after, segment.first - 1))
            after = last

    def _segment_behind(self, after: int) -> Segment | None:
        place = bisect_right(self._segments, after + 1, key=lambda segment: segment.first) - 1
        return next((s for s in self._segments[max(place, 0) :] if s.last > after), None)

    def forget(self, before: int) -> None:
        """Let go of whole segments whose records are all older; the newest stays. The committer removes the files."""
        while len(self._segments) > 1 and self._segments[0].last < before:
            self._segments.pop(0)
            self._remove_below = self._segments[0].number
            self._wake.set()

    async def run(self) -> None:
        """Commit until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._wake.set()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._tail.lines:
                    await self._commit()
                if self._remove_below and not self.failing:
                    await self._remove_old()
        finally:
            if self._writing is not None:
                self._writing.stall.cancel()
            self._loop = self._writing = None
            self._stop_timer()

    def close(self) -> None:
        """Let go of the file; what matters was waited for by `durable`."""
        self._writer.close()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> _Writing:
        self._stop_timer()
        lines = self._tail.group()
        data = group_of(lines)
        write = partial(self._writer.write, self.durable_to + 1, data, anew=self._anew)
        self._anew = True  # until we know that it went well
        stall = loop.call_later(self._stall_s, self._stalled)
        return _Writing(lines, len(data), self._offload(write), stall)

    async def _commit(self) -> None:
        assert self._loop is not None
        writing = self._writing = self._writing or self._begin(self._loop)
        try:
            path, number = await writing.outcome
        except OSError as error:
            writing.stall.cancel()
            await self._wait_out(error)
            return
        finally:
            writing.stall.cancel()
            self._writing = None
        self._anew = False
        self._committed(writing.lines, writing.size, path, number)

    def _committed(self, lines: list[bytes], size: int, path: Path, number: int) -> None:
        if not self._segments or self._segments[-1].path != path:
            self._segments.append(Segment(path, self.durable_to + 1, number))
        self._segments[-1].extend(lines, size)
        self.durable_to += len(lines)
        left_over = self._tail.drop(len(lines), size)
        self._retry_s = 1.0
        self._set_health(Health())
        self._answer()
        if left_over or self._waiters:
            self._wake.set()

    def _answer(self) -> None:
        """Wake those whose position is durable; while the disk is failing, all."""
        waiters, self._waiters = self._waiters, []
        for position, future in waiters:
            durable = position <= self.durable_to
            if not durable and not self.failing:
                self._waiters.append((position, future))
            elif not future.done():
                future.set_result(durable)

    async def _wait_out(self, error: OSError) -> None:
        waiting = f"{len(self._tail.lines)} records ({self._tail.size >> 10} KiB) wait in memory"
        self._set_health(Health(ok=False, problem=f"{error}; {waiting}"))
        wait_s, self._retry_s = self._retry_s, min(self._retry_s * 2, RETRY_MAX_S)
        await asyncio.sleep(wait_s)
        self._wake.set()

    def _stalled(self) -> None:
        self._set_health(Health(ok=False, problem=f"the disk has not answered for {self._stall_s:g} s"))

    def _set_health(self, health: Health) -> None:
        changed = health.ok != self.health.ok
        self.health = health
        if not health.ok:
            log.error("journal_failing", problem=health.problem)
            self._answer()
        if changed and self.on_health is not None:
            self.on_health(health)

    async def _remove_old(self) -> None:
        number, self._remove_below = self._remove_below, 0
        try:
            await self._offload(partial(remove_below, self._disk, self._folder, number))
        except OSError as error:
            log.warning("segments_not_removed", error=str(error))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self, damage: Damage) -> None:
        self.damage.append(damage)
        log.error("journal_damaged", path=damage.path, problem=damage.problem)
        if self.on_damage is not None:
            self.on_damage(damage)

    def _tell_unknown(self, kind: str, problem: str) -> None:
        self._tell(Damage(str(self._folder), f"facts of an unknown kind were passed over, {kind}: {problem}"))
