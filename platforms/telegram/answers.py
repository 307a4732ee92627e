"""Sees to it that every press is answered, once, before Telegram stops waiting for it."""

import asyncio
from collections import OrderedDict
from typing import Protocol

from platforms.telegram.failures import FailureError

PATIENCE_S = 8.0  # for the notifier's own answer; Telegram waits about 15 s
LIFE_S = 14.0
IN_ITS_PLACE = "Received. The message will say what came of it."
_RETRY_S = 1.0
_REMEMBERED = 1000


class Answering(Protocol):
    async def answer(self, query_id: str, text: str, *, alert: bool) -> None: ...


class Answers:
    def __init__(self) -> None:
        self._open: dict[str, tuple[float, asyncio.TimerHandle]] = {}  # since when, and our own answer
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.wire: Answering | None = None

    def expect(self, query_id: str) -> None:
        """A press came in."""
        loop = asyncio.get_running_loop()
        if query_id not in self._open and query_id not in self._answered:
            timer = loop.call_later(PATIENCE_S, self.answer, query_id, IN_ITS_PLACE)
            self._open[query_id] = (loop.time(), timer)

    def answer(self, query_id: str, text: str = "", *, alert: bool = False) -> None:
        loop = asyncio.get_running_loop()
        since, timer = self._open.pop(query_id, (loop.time(), None))
        if timer is not None:
            timer.cancel()
        if query_id in self._answered or self.wire is None:
            return
        self._answered[query_id] = None
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        task = loop.create_task(self._send(self.wire, query_id, text, alert=alert, until=since + LIFE_S))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, within_s: float) -> None:
        """What is not answered yet is answered now."""
        for query_id in list(self._open):
            self.answer(query_id, IN_ITS_PLACE)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()
        self.wire = None

    async def _send(self, wire: Answering, query_id: str, text: str, *, alert: bool, until: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await wire.answer(query_id, text, alert=alert)
            except FailureError as failure:
                pause_s = max(failure.wait_s, _RETRY_S)
                if failure.kind not in ("network", "flooded") or loop.time() + pause_s > until:
                    return  # too late: whoever pressed sees the message itself
                await asyncio.sleep(pause_s)
            else:
                return
