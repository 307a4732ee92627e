"""The live stream of facts: a bounded memory of the last ones, and bounded queues that never slow the daemon."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice

from dashboard.view import Item


class Stream:
    """Everyone who publishes goes on at once; a reader who lags by `queue` items is told of the gap and let go."""

    def __init__(self, kept: int = 1000, queue: int = 256) -> None:
        self._kept: deque[Item] = deque(maxlen=kept)
        self._queue = queue
        self._readers: set[_Reader] = set()
        self._closed = False
        self.dropped_readers = 0

    @property
    def readers(self) -> int:
        return len(self._readers)

    def publish(self, item: Item) -> None:
        self._kept.append(item)
        for reader in tuple(self._readers):
            if not reader.offer(item):
                self.dropped_readers += 1
                self._readers.discard(reader)

    def recent(self, count: int) -> list[Item]:
        """The last ones, newest first."""
        return list(islice(reversed(self._kept), count))

    def subscribe(self, after: str = "", backlog: int = 0) -> AsyncIterator[Item]:
        """Subscribed from this call on, not from the first `anext`."""
        reader = _Reader(self._queue, self._before(after, backlog))
        if self._closed:
            reader.close()
        else:
            self._readers.add(reader)
        return self._read(reader)

    def close(self) -> None:
        """End every subscription once its queue is read."""
        self._closed = True
        for reader in self._readers:
            reader.close()
        self._readers.clear()

    def _before(self, after: str, backlog: int) -> list[Item]:
        if not after:
            return self.recent(backlog)[::-1]
        missed: list[Item] = []
        for item in reversed(self._kept):
            if item["id"] == after:
                return missed[::-1]
            missed.append(item)
        return [gap(None), *missed[::-1]]  # what followed `after` is no longer known

    async def _read(self, reader: "_Reader") -> AsyncIterator[Item]:
        try:
            while (item := await reader.take()) is not None:
                yield item
        finally:
            self._readers.discard(reader)


def gap(missed: int | None) -> Item:
    """What a reader is told when it missed items; None: nobody knows how many."""
    return {"id": "", "type": "gap", "missed": missed}


class _Reader:
    def __init__(self, queue: int, before: list[Item]) -> None:
        self._items: deque[Item] = deque(before)
        self._limit = queue + len(before)
        self._news = asyncio.Event()
        self._done = False

    def offer(self, item: Item) -> bool:
        if len(self._items) >= self._limit:
            missed = len(self._items) + 1
            self._items.clear()
            self._items.append(gap(missed))
            self.close()
            return False
        self._items.append(item)
        self._news.set()
        return True

    def close(self) -> None:
        self._done = True
        self._news.set()

    async def take(self) -> Item | None:
        while not self._items:
            if self._done:
                return None
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()
