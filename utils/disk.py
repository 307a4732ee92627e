"""The file layer under everything durable, narrow enough to be simulated down to a power cut."""

import asyncio
import contextlib
import errno
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
TAKEN_S = 0.0005

# macOS keeps a plain fsync in the drive's own cache; Linux needs no time stamps on disk, only data and size.
_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
try:
    from fcntl import F_FULLFSYNC, fcntl  # type: ignore[attr-defined, unused-ignore]

    def _sync_data(descriptor: int) -> None:  # pragma: no cover
        fcntl(descriptor, F_FULLFSYNC)
except ImportError:
    pass


def _write_through(descriptor: int, data: bytes) -> int:
    """Write and sync in one call, after which nobody has to wait for the interpreter in between; how much of it."""
    flag = getattr(os, "RWF_DSYNC", 0)
    if not flag:
        return 0
    try:
        return os.pwritev(descriptor, [data], 0, flag)  # a file open for appending takes it at its end
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
            raise
        return 0  # this system cannot


class Handle(Protocol):
    """A file open for appending. After a failed `fsync` nothing is known about it: close it, never ask again."""

    def write(self, data: bytes) -> None: ...
    def fsync(self) -> None: ...
    def append(self, data: bytes) -> None:
        """Write and fsync."""
        ...

    def close(self) -> None: ...


class Disk(Protocol):
    """Blocking calls that raise OSError. What is not synced may be lost, whole or in part, with the power."""

    def open_append(self, path: Path) -> Handle:
        """Open for appending; make it where it is missing."""
        ...

    def create(self, path: Path) -> Handle:
        """Open a new file for appending; FileExistsError where there is one."""
        ...

    def read(self, path: Path, offset: int = 0, length: int = -1) -> bytes:
        """Up to `length` bytes from `offset`; -1 means all."""
        ...

    def size(self, path: Path) -> int: ...
    def names(self, folder: Path) -> list[str]:
        """What is in a folder, sorted."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Replaces the target; lasting after `fsync_dir`."""
        ...

    def remove(self, path: Path) -> None:
        """Lasting after `fsync_dir`."""
        ...

    def fsync_dir(self, folder: Path) -> None:
        """Make new, renamed and removed names last."""
        ...

    def mkdir(self, folder: Path) -> None:
        """Make it with its parents, lasting; no error where it exists."""
        ...


class Offload(Protocol):
    """Runs blocking calls one after another, away from the loop."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...


class ThreadOffload:
    """One thread of its own, so that calls keep their order and wait for nobody else's.

    An idle thread takes a call over before the caller goes on. Else it would wait for the interpreter's lock until the
    loop sleeps or is made to share it, and every restart with it.
    """

    def __init__(self, name: str = "disk") -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._unfinished = 0
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __call__(self, function: Callable[[], T], /) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        taken = Lock()
        taken.acquire()

        def call() -> None:
            taken.release()
            try:
                answer = partial(self._answer, future, future.set_result, function())
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                answer = partial(self._answer, future, future.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(answer)

        self._unfinished += 1
        self._calls.put(call)
        if self._unfinished == 1:
            taken.acquire(timeout=TAKEN_S)
        return future

    def _answer(self, future: "asyncio.Future[T]", settle: Callable[[Any], None], outcome: Any) -> None:
        self._unfinished -= 1
        if not future.done():
            settle(outcome)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def close(self) -> None:
        """Wait until everything is done."""
        self._calls.put(None)
        self._thread.join()


class _OsHandle:
    def __init__(self, path: Path, flags: int) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | flags, 0o600)

    def write(self, data: bytes) -> None:
        written = os.write(self._descriptor, data)
        while written < len(data):  # a nearly full disk takes a part
            written += os.write(self._descriptor, memoryview(data)[written:])

    def fsync(self) -> None:
        _sync_data(self._descriptor)

    def append(self, data: bytes) -> None:
        written = _write_through(self._descriptor, data)
        if written < len(data):
            self.write(data[written:])
            self.fsync()

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class OsDisk:
    """The real one."""

    def open_append(self, path: Path) -> Handle:
        return _OsHandle(path, 0)

    def create(self, path: Path) -> Handle:
        return _OsHandle(path, os.O_EXCL)

    def read(self, path: Path, offset: int = 0, length: int = -1) -> bytes:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.readall() if length < 0 else _read_up_to(file.fileno(), length)

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def names(self, folder: Path) -> list[str]:
        return sorted(entry.name for entry in folder.iterdir())

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink()

    def fsync_dir(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def mkdir(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self.mkdir(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self.fsync_dir(folder.parent)


def _read_up_to(descriptor: int, length: int) -> bytes:
    parts = []
    while length > 0 and (part := os.read(descriptor, length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def write_new(disk: Disk, path: Path, data: bytes) -> None:
    """Write a new file and sync it; its name lasts after `fsync_dir`. Leaves nothing behind where it fails."""
    handle = disk.create(path)
    try:
        handle.write(data)
        handle.fsync()
    except OSError:
        with contextlib.suppress(OSError):
            disk.remove(path)
        raise
    finally:
        handle.close()


def replace_file(disk: Disk, path: Path, data: bytes) -> None:
    """Replace a whole file: at every instant, and after a power cut, it is the old one or the new one."""
    temporary = path.with_name(path.name + ".tmp")
    remove_if_there(disk, temporary)
    write_new(disk, temporary, data)
    disk.rename(temporary, path)
    disk.fsync_dir(path.parent)


def remove_if_there(disk: Disk, path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        disk.remove(path)
