"""Snapshots of agents: saved in slices without holding up the loop, two generations kept, believed only when whole.

A file is lines of JSON: a header, tables in pieces of up to 500 values, a footer with the CRC-32 of everything before it.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

import msgspec
import structlog
from msgspec import Struct

from utils.clock import rfc3339
from utils.damage import Damage, set_aside
from utils.disk import Disk, Handle, Offload, remove_if_there
from utils.snapshot_format import (
    SLICE_VALUES,
    Footer,
    Header,
    SnapshotDamagedError,
    checked,
    parse,
    read_header,
)

S = TypeVar("S")
log = structlog.get_logger()
CHUNK_BYTES = 4 * 1024 * 1024  # synced at a time, so that the journal never waits behind more
WRITE_BYTES = 256 * 1024
HEADER_BYTES = 1024 * 1024


class Mark(Protocol):
    """How far a state reaches: own records are folded to `position`, facts were offered up to `read_to`, those still
    open stand in `unhandled`, and replay reads from `since`."""

    @property
    def position(self) -> int: ...
    @property
    def read_to(self) -> int: ...
    @property
    def unhandled(self) -> tuple[str, ...]: ...
    @property
    def since(self) -> int: ...


class Loaded(Struct, Generic[S], frozen=True):
    state: S
    header: Header
    path: Path  # of the generation that it was


class StorageFailingError(OSError):
    """Nothing was saved, because what the state rests on is not on disk."""


class Snapshots:
    """One file for each agent in a folder; the calls for one agent must follow one another."""

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        offload: Offload,
        durable: Callable[[int], Awaitable[bool]],
        *,
        now: Callable[[], float] = time.time,
        on_damage: Callable[[Damage], None] | None = None,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._offload = offload
        self._durable = durable
        self._now = now
        self.on_damage = on_damage
        self.damage: list[Damage] = []
        self._encode = msgspec.json.Encoder().encode

    async def save(self, agent: str, state: Any, mark: Mark) -> None:
        """Save the state as it is now. OSError: nothing was changed."""
        tables = [(name, getattr(state, name).copy()) for name in state.__struct_fields__]
        header = Header(
            saved_at=rfc3339(datetime.fromtimestamp(self._now(), UTC)),
            position=mark.position,
            read_to=mark.read_to,
            unhandled=mark.unhandled,
            since=mark.since,
        )
        if not await self._durable(mark.position):
            raise StorageFailingError(f"{agent}: the journal is not on disk up to {mark.position}")
        temporary = self._folder / f"{agent}.jsonl.tmp"
        handle = await self._offload(partial(self._start, temporary))
        try:
            await self._write(handle, self._lines(header, tables))
        except BaseException:
            await self._offload(partial(self._drop, handle, temporary))
            raise
        await self._offload(handle.close)
        await self._offload(partial(self._put_in_place, agent, temporary))

    def load(self, agent: str, state_type: type[S], journal_position: int) -> Loaded[S] | None:
        """The newest generation that is whole and not ahead of the journal; others are set aside and told."""
        problems: dict[Path, str] = {}
        loaded: Loaded[S] | None = None
        for path in self._paths(agent):
            try:
                data = self._disk.read(path)
                if loaded is not None:
                    checked(data)  # a spare that nobody looks at is none
                    continue
                header, state = parse(data, state_type, journal_position)
            except FileNotFoundError:
                continue
            except (SnapshotDamagedError, OSError) as error:
                problems[path] = str(error)
                continue
            loaded = Loaded(state, header, path)
        for path, problem in problems.items():
            self._damaged(path, problem, str(loaded.path) if loaded else "the journal")
        return loaded

    def min_since(self, agents: Iterable[str]) -> int:
        """From where the journal is still needed; all of it while one of them has not two generations."""
        return min((self._since(path) for agent in agents for path in self._paths(agent)), default=1)

    def _since(self, path: Path) -> int:
        try:
            return read_header(self._disk.read(path, 0, HEADER_BYTES)).since
        except (OSError, SnapshotDamagedError):
            return 1

    def _paths(self, agent: str) -> tuple[Path, Path]:
        return self._folder / f"{agent}.jsonl", self._folder / f"{agent}.prev.jsonl"

    def _start(self, temporary: Path) -> Handle:
        self._disk.mkdir(self._folder)
        remove_if_there(self._disk, temporary)
        return self._disk.create(temporary)

    def _lines(self, header: Header, tables: list[tuple[str, dict[str, Any]]]) -> Iterator[bytes]:
        yield self._encode(header) + b"\n"
        for name, table in tables:
            rows = iter(table.items())
            while items := list(islice(rows, SLICE_VALUES)):
                yield self._encode({"table": name, "items": items}) + b"\n"

    async def _write(self, handle: Handle, lines: Iterator[bytes]) -> None:
        crc = count = unsynced = 0
        buffer: list[bytes] = []
        size = 0
        for line in lines:
            crc = crc32(line, crc)
            count += 1
            buffer.append(line)
            size += len(line)
            if size >= WRITE_BYTES:
                unsynced += size
                await self._offload(partial(_put, handle, buffer, sync=unsynced >= CHUNK_BYTES))
                unsynced %= CHUNK_BYTES
                buffer, size = [], 0
            else:
                await asyncio.sleep(0)
        buffer.append(self._encode(Footer(crc=f"{crc:08x}", lines=count)) + b"\n")
        await self._offload(partial(_put, handle, buffer, sync=True))

    def _drop(self, handle: Handle, temporary: Path) -> None:
        handle.close()
        with contextlib.suppress(OSError):
            self._disk.remove(temporary)

    def _put_in_place(self, agent: str, temporary: Path) -> None:
        newest, previous = self._paths(agent)
        with contextlib.suppress(FileNotFoundError):
            self._disk.rename(newest, previous)
        self._disk.rename(temporary, newest)
        self._disk.fsync_dir(self._folder)

    def _damaged(self, path: Path, problem: str, restored_from: str) -> None:
        damage = Damage(str(path), problem + set_aside(self._disk, path), restored_from)
        self.damage.append(damage)
        log.error("snapshot_damaged", path=damage.path, problem=damage.problem)
        if self.on_damage is not None:
            self.on_damage(damage)


def furthest(disk: Disk, folder: Path, beyond: int) -> int:
    """How far whole snapshots reach, where that is beyond a position, else that position."""
    try:
        paths = [folder / name for name in disk.names(folder) if name.endswith(".jsonl")]
    except OSError:
        return beyond
    for path in paths:
        with contextlib.suppress(OSError, SnapshotDamagedError):
            reach = read_header(disk.read(path, 0, HEADER_BYTES)).reach
            if reach > beyond and checked(disk.read(path)):
                beyond = reach
    return beyond


def _put(handle: Handle, lines: list[bytes], *, sync: bool) -> None:
    handle.write(b"".join(lines))
    if sync:
        handle.fsync()
