"""Runs a short command to its end and keeps the end of what it said; killed with its group at the deadline."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from platforms.processes.group import send
from platforms.processes.launch import launch, reap
from platforms.processes.pidfd import ExitWatch
from platforms.processes.table import ProcessTable

_READ = 65_536


class Ended(Struct, frozen=True):
    """Without code and signal: it was still running at the deadline."""

    exit_code: int | None
    signal: int | None
    output: str


class _Pipe:
    """The end of what comes through a pipe; the rest is read and dropped, so that the writer never blocks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tail = b""
        self._loop = asyncio.get_running_loop()
        self._reading, self.writing = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self._reading, False)
        self._loop.add_reader(self._reading, self._read)

    def close(self) -> str:
        self._loop.remove_reader(self._reading)
        self._read()
        os.close(self._reading)
        return self._tail.decode(errors="replace")

    def _read(self) -> None:
        try:
            data = os.read(self._reading, _READ)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._reading)
        self._tail = (self._tail + data)[-self._limit :]


async def run(
    table: ProcessTable,
    command: tuple[str, ...],
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    limit: int,
) -> Ended:
    """Raises PlatformError if it cannot be started. Its whole group is gone afterwards, however it ended."""
    pipe = _Pipe(limit)
    try:
        try:
            pid = launch(command, cwd, environment, pipe.writing)
        finally:
            os.close(pipe.writing)
        code, number = await _wait(table, pid, timeout_s)
    finally:
        output = pipe.close()
    return Ended(code, number, output)


async def run_into(
    table: ProcessTable,
    command: tuple[str, ...],
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    output: int,
) -> Ended:
    """As `run`, with both outputs on a descriptor, and what it started in the background lives on if it ended in time.

    Raises PlatformError if it cannot be started.
    """
    code, number = await _wait(table, launch(command, cwd, environment, output), timeout_s, spare_rest=True)
    return Ended(code, number, "")


async def _wait(
    table: ProcessTable, pid: int, timeout_s: float, *, spare_rest: bool = False
) -> tuple[int | None, int | None]:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[int | None, int | None]] = loop.create_future()
    late = False

    def alive() -> bool:
        found = table.read(pid)
        return found is not None and found.alive

    def gone() -> None:
        if not spare_rest or late:
            send(pid, signal.SIGKILL)  # before reaping: until then its number names this group and no other
        how = reap(pid)
        if not ended.done():
            ended.set_result(how)

    ExitWatch(pid, alive, gone)
    try:
        async with asyncio.timeout(timeout_s):
            return await ended
    except TimeoutError:
        return None, None
    finally:
        if ended.cancelled():
            late = True
            send(pid, signal.SIGKILL)
