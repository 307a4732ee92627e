"""Keeps declared files: looks, backups, restores with the damaged copy kept; empties declared caches."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from config.model import Service, WatchedFile
from platforms.keeping.backups import Backups, stamp
from platforms.keeping.caches import empty
from platforms.keeping.checks import problem_of
from platforms.keeping.copies import (
    copy_to,
    forget_oldest,
    free_name,
    put_in_place,
    set_aside,
    set_companions_aside,
)
from platforms.keeping.proof import prove
from platforms.keeping.return_copy import is_wanted, put_back
from platforms.names import file_name
from platforms.platform import PlatformError, Proof, Restored

T = TypeVar("T")
_KEEP = 10
_KEEP_DAMAGED = 10


class _Note(Struct, frozen=True):
    """Says which act restored a file. A crash before it is written leaves a good file: there is nothing to repeat."""

    mark: str
    backup: str
    damaged_copy: str


class FileKeeper:
    """Implements `Files`. All that blocks runs in worker threads."""

    def __init__(self, state_dir: Path, wall: Callable[[], float] = time.time) -> None:
        self._folder = state_dir / "backups"
        self._wall = wall

    async def check(self, service: Service, file: WatchedFile) -> str:
        return await asyncio.to_thread(problem_of, _path(service, file), file.check)

    async def backup(self, service: Service, file: WatchedFile) -> str:
        return await self._in_thread(
            lambda: self._backups(service, file).add(_path(service, file), file.check)
        )

    async def newest_good_backup(self, service: Service, file: WatchedFile) -> str:
        return await self._in_thread(lambda: self._backups(service, file).newest_good(file.check))

    async def newest_backup(self, service: Service, file: WatchedFile) -> str:
        return await self._in_thread(lambda: next(reversed(self._backups(service, file).names()), ""))

    async def prove(self, service: Service, file: WatchedFile, backup: str) -> Proof:
        return await self._in_thread(lambda: self._prove(service, file, backup))

    async def put_back(self, service: Service, file: WatchedFile, damaged_copy: str) -> str:
        path = _path(service, file)
        aside = path.with_name(f"{path.name}.undone-{stamp(self._wall())}")
        return await self._in_thread(lambda: put_back(path, damaged_copy, aside, self._place(service, file)))

    async def restore(self, service: Service, file: WatchedFile, mark: str) -> Restored:
        return await self._in_thread(lambda: self._restore(service, file, mark))

    async def restored_by(self, service: Service, file: WatchedFile) -> str:
        note = await asyncio.to_thread(self._note, service, file)
        return note.mark if note else ""

    async def empty_cache(self, service: Service, cache: str) -> int:
        return await self._in_thread(lambda: empty(Path(service.platform.cwd), cache))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise PlatformError(f"{error.filename or 'a file'}: {error.strerror or error}") from error

    def _prove(self, service: Service, file: WatchedFile, backup: str) -> Proof:
        backups = self._backups(service, file)
        proof = prove(backups.path(backup), file.check, self._place(service, file) / "scratch")
        if proof.problem:
            backups.discard(backup)
        return proof

    def _restore(self, service: Service, file: WatchedFile, mark: str) -> Restored:
        path = _path(service, file)
        backups = self._backups(service, file)
        name = backups.newest_good(file.check)
        if not name:
            raise PlatformError(f"there is no good backup of {file.path}")
        if is_wanted(path, self._place(service, file)):
            raise PlatformError(f"{file.path} is as a person had it put back: nothing is restored over it")
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        aside = free_name(path.with_name(f"{path.name}.damaged-{stamp(self._wall())}"))
        fresh = path.with_name(f".{path.name}.restoring")
        fresh.unlink(missing_ok=True)
        try:
            copy_to(backups.path(name), fresh, file.check)
            if there:
                _take_over_owner_and_mode(path, fresh)
                set_aside(path, aside)
            if file.check == "sqlite":
                set_companions_aside(path, aside)
            put_in_place(fresh, path)
            self._write_note(service, file, _Note(mark, name, aside.name if there else ""))
        finally:
            fresh.unlink(missing_ok=True)
        forget_oldest(path, _KEEP_DAMAGED)
        return Restored(name, aside.name if there else "")

    def _backups(self, service: Service, file: WatchedFile) -> Backups:
        return Backups(self._place(service, file), self._wall, _KEEP)

    def _place(self, service: Service, file: WatchedFile) -> Path:
        return self._folder / file_name(service.name) / file_name(file.path)

    def _note(self, service: Service, file: WatchedFile) -> _Note | None:
        try:
            return msgspec.json.decode(
                (self._place(service, file) / "restored.json").read_bytes(), type=_Note
            )
        except (OSError, msgspec.DecodeError):
            return None

    def _write_note(self, service: Service, file: WatchedFile, note: _Note) -> None:
        place = self._place(service, file)
        fresh = place / "restored.tmp"
        with fresh.open("wb") as out:
            out.write(msgspec.json.encode(note))
            out.flush()
            os.fsync(out.fileno())
        put_in_place(fresh, place / "restored.json")


def _path(service: Service, file: WatchedFile) -> Path:
    return Path(service.platform.cwd) / file.path


def _take_over_owner_and_mode(old: Path, fresh: Path) -> None:
    found = old.stat()
    fresh.chmod(found.st_mode & 0o7777)
    mine = fresh.stat()
    if (found.st_uid, found.st_gid) != (mine.st_uid, mine.st_gid):
        try:
            os.chown(fresh, found.st_uid, found.st_gid)
        except PermissionError as error:
            raise PlatformError(f"{old.name} belongs to another user, who would lose it") from error
