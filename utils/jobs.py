"""One piece of work per key at a time, which somebody else may end early."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Ended(Exception):  # noqa: N818 - it is an outcome, not an error
    """The work was ended from outside; the message says why."""


class _Job:
    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.task = task
        self.why = "it was cancelled"


class Jobs:
    def __init__(self) -> None:
        self._running: dict[str, _Job] = {}

    def busy(self, key: str) -> bool:
        return key in self._running

    def in_hand(self) -> tuple[str, ...]:
        return tuple(self._running)

    async def run(self, key: str, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; raises Ended where `end` was faster."""
        if key in self._running:
            work.close()
            raise RuntimeError(f"{key}: other work is in hand")
        job = self._running[key] = _Job(asyncio.ensure_future(work))
        try:
            await asyncio.wait({job.task})
        except asyncio.CancelledError:
            job.task.cancel()
            await asyncio.wait({job.task})
            raise
        finally:
            self._forget(key, job)
        if job.task.cancelled():
            raise Ended(job.why)
        result: T = job.task.result()
        return result

    async def end(self, key: str, why: str) -> None:
        """Cancel the work and wait until it is over; nothing if there is none."""
        job = self._running.get(key)
        if job is not None:
            job.why = why
            job.task.cancel()
            await asyncio.wait({job.task})
            self._forget(key, job)

    async def over(self, key: str) -> None:
        """Wait until no work is in hand."""
        while (job := self._running.get(key)) is not None:
            await asyncio.wait({job.task})
            await asyncio.sleep(0)

    def _forget(self, key: str, job: _Job) -> None:
        if self._running.get(key) is job:
            del self._running[key]


async def uninterrupted(step: Awaitable[T]) -> T:
    """A cancellation waits until `step` is over: what is half done in the world cannot be found again."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task})
        raise
