"""Heavy work in processes of its own: spawned, never forked, at low priority, dead with the daemon or at a deadline.

Each piece of work gets a fresh process, which gives all memory back when it ends. Function, arguments and result travel
as pickles through private pipes, so the function stands at the top of an importable module.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar, cast

from utils.worker_process import LENGTH, Failed

P = ParamSpec("P")
T = TypeVar("T")
NICENESS = 15
OUTPUT_KEPT = 2048
_MAIN = Path(__file__).with_name("worker_process.py")
_READ = 65_536
# numeric libraries would start a thread for each core and crowd out the services
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerError(Exception):
    """The work did not come to a result; what the function itself raised is raised as it was."""


class WorkerDiedError(WorkerError):
    """The process ended without a result: killed, out of memory, crashed in native code."""


class WorkerDeadlineError(WorkerError, TimeoutError):
    """The work took longer than its deadline; its process was killed."""


class Workers(Protocol):
    async def run(
        self, function: Callable[P, T], deadline_s: float, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The result of `function(*args, **kwargs)`. The deadline counts from its start, not while it waits for its turn.

        Cancelling this kills the process. Raises what the function raised, else WorkerError.
        """
        ...


def packed(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> bytes:
    """What another process needs to call it; ValueError for what it could not find there."""
    if function.__module__ == "__main__":
        raise ValueError(
            f"{function.__qualname__} is defined in the main script, which a worker does not import"
        )
    try:
        return pickle.dumps((function, args, kwargs))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(f"{function.__qualname__} cannot be sent to a worker: {error}") from error


class ProcessWorkers:
    """The real ones, `most` at a time. Belongs to the event loop that first uses it."""

    def __init__(self, most: int = 1, niceness: int = NICENESS) -> None:
        self._turn = asyncio.Semaphore(most)
        self._niceness = niceness
        self.pids: set[int] = set()

    async def run(
        self, function: Callable[P, T], deadline_s: float, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        work = packed(function, *args, **kwargs)
        async with self._turn:
            process = await _spawn()
            self.pids.add(process.pid)
            try:
                async with asyncio.timeout(deadline_s):
                    answer, output = await self._talk(process, work)
            except TimeoutError as error:
                what = f"{function.__qualname__} was not done within {deadline_s:g} s"
                raise WorkerDeadlineError(what) from error
            finally:
                await _end(process)
                self.pids.discard(process.pid)
        return cast("T", _unpacked(function.__qualname__, answer, output, process.returncode))

    async def _talk(self, process: asyncio.subprocess.Process, work: bytes) -> tuple[bytes, bytes]:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        order = pickle.dumps((sys.path, self._niceness, work))
        tail = asyncio.ensure_future(_tail(process.stderr))
        try:
            with contextlib.suppress(ConnectionError):  # it died at once; its end says how
                process.stdin.write(LENGTH.pack(len(order)) + order)
                await process.stdin.drain()
            answer = await process.stdout.read()  # stdin stays open: its end would mean that we are dead
            return answer, await tail
        finally:
            tail.cancel()


async def _spawn() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(_MAIN),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict.fromkeys(_THREADS, "1") | dict(os.environ),
        start_new_session=True,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing of it is left, its own children included; a cancellation waits for that."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    assert process.stdin is not None
    process.stdin.close()
    await asyncio.shield(asyncio.ensure_future(process.wait()))


async def _tail(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while piece := await stream.read(_READ):
        kept = (kept + piece)[-OUTPUT_KEPT:]
    return kept


def _unpacked(name: str, answer: bytes, output: bytes, code: int | None) -> object:
    try:
        value = pickle.loads(answer)  # noqa: S301 - from our own process, through a private pipe
    except Exception as error:
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        words = output.decode(errors="replace").strip()
        raise WorkerDiedError(f"the worker of {name} {how}" + (f": {words}" if words else "")) from error
    if isinstance(value, Failed):
        if value.error is not None:
            raise value.error
        raise WorkerError(f"{name}: {value.text}")
    return value
