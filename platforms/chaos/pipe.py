"""One direction of a connection through the fault proxy: reads on one side, and writes on the other what toxics leave."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from platforms.chaos.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
)

CHUNK = 32 * 1024
MOST_WAITING = 4 << 20  # bytes; then the sender has to wait
STEP_S = 0.1  # of a slow line
T = TypeVar("T", Latency, Bandwidth, SlowClose, Timeout, ResetPeer, Slicer, LimitData)


class Link(Protocol):
    """Both directions of a connection."""

    def close(self) -> None: ...
    def reset(self) -> None: ...


class Pipe:
    """`toxics()` says what is wrong at this moment: each chunk meets what is there when its turn comes."""

    def __init__(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        link: Link,
        toxics: Callable[[], Sequence[Toxic]],
    ) -> None:
        self._source = source
        self._target = target
        self._link = link
        self._toxics = toxics
        self._waiting: deque[tuple[float, bytes]] = deque()  # when it came, and what; empty: the end
        self._size = 0
        self._moved = asyncio.Event()
        self._changed = asyncio.Event()
        self._timed_out_from: float | None = None
        self._passed = 0  # bytes

    def change(self) -> None:
        """The toxics are others than before: whoever waits looks again."""
        self._changed.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            watching = group.create_task(self._watch())
            await self._write()
            watching.cancel()

    async def _read(self) -> None:
        while data := await self._source.read(CHUNK):
            self._waiting.append((self._now(), data))
            self._size += len(data)
            self._moved.set()
            while self._size > MOST_WAITING:
                self._moved.clear()
                await self._moved.wait()
        self._waiting.append((self._now(), b""))
        self._moved.set()

    async def _write(self) -> None:
        while True:
            while not self._waiting:
                self._moved.clear()
                await self._moved.wait()
            came_at, data = self._waiting.popleft()
            self._size -= len(data)
            self._moved.set()
            if not data:
                return await self._end()
            await self._pass(came_at, data)

    async def _pass(self, came_at: float, data: bytes) -> None:
        if (reset := self._first(ResetPeer)) is not None:
            await self._pause(self._now() + reset.timeout / 1000, ResetPeer)
            if self._first(ResetPeer) is not None:
                return self._link.reset()
        await self._delay(came_at)
        if self._first(Timeout) is not None:
            return None  # dropped
        for piece, delay_s in self._pieces(data):
            await self._send(piece)
            if delay_s:
                await self._pause(self._now() + delay_s, Slicer)
        return None

    async def _delay(self, came_at: float) -> None:
        """Waiting is over when the toxic is gone."""
        for toxic in self._all(Latency):
            await self._pause(came_at + toxic.delay_s(), Latency)

    def _pieces(self, data: bytes) -> list[tuple[bytes, float]]:
        slicer = self._first(Slicer)
        if slicer is None:
            return [(data, 0.0)]
        return [(piece, slicer.delay / 1e6) for piece in slicer.slices(data)]

    async def _send(self, data: bytes) -> None:
        limit = self._first(LimitData)
        if limit is not None:
            data = data[: max(limit.bytes - self._passed, 0)]
        while data:
            line = self._first(Bandwidth)
            step = int(line.rate * 1000 * STEP_S) if line is not None and line.rate else len(data)
            now, data = data[: max(step, 1)], data[max(step, 1) :]
            if line is not None and line.rate:
                await self._pause(self._now() + len(now) / (line.rate * 1000), Bandwidth)
            self._target.write(now)
            await self._target.drain()
            self._passed += len(now)
        if limit is not None and self._passed >= limit.bytes:
            self._link.close()

    async def _end(self) -> None:
        if (slow := self._first(SlowClose)) is not None:
            await self._pause(self._now() + slow.delay / 1000, SlowClose)
        if self._target.can_write_eof():
            self._target.write_eof()

    async def _watch(self) -> None:
        """A timeout closes the connection whether or not anything is said, and so does its removal."""
        while True:
            timeout = self._first(Timeout)
            if timeout is None and self._timed_out_from is not None:
                return self._link.close()
            if timeout is not None and self._timed_out_from is None:
                self._timed_out_from = self._now()
            if timeout is not None and timeout.timeout and self._timed_out_from is not None:
                ends_at = self._timed_out_from + timeout.timeout / 1000
                if self._now() >= ends_at:
                    return self._link.close()
                await self._pause(ends_at, Timeout)
            else:
                await self._look_again()

    # --- waiting ---

    async def _pause(self, until: float, kind: type[T]) -> None:
        """Until then, or until no toxic of this kind is there any more."""
        while (left_s := until - self._now()) > 0 and self._first(kind) is not None:
            try:
                async with asyncio.timeout(left_s):
                    await self._look_again()
            except TimeoutError:
                return

    async def _look_again(self) -> None:
        self._changed = self._changed if not self._changed.is_set() else asyncio.Event()
        await self._changed.wait()

    def _first(self, kind: type[T]) -> T | None:
        return next(iter(self._all(kind)), None)

    def _all(self, kind: type[T]) -> list[T]:
        return [toxic.attributes for toxic in self._toxics() if isinstance(toxic.attributes, kind)]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
