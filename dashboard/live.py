"""The live stream over HTTP as server-sent events, with a memory for readers that come back."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from dashboard.answers import problem, starting
from dashboard.paging import ParameterError
from dashboard.view import Desk, Item

BEAT_S = 15.0
SLOW_AFTER_S = 10.0
READERS_AT_ONCE = 64
MAX_BACKLOG = 1000
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class Live:
    """The handler of GET /observability/stream."""

    def __init__(self, desk: Desk, readers_at_once: int = READERS_AT_ONCE) -> None:
        self._desk = desk
        self._free = readers_at_once
        self._closing = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        backlog = _backlog(request)
        if self._desk.view is None:
            return starting(self._desk)
        if self._free <= 0:
            return problem(429, "busy", "too many readers of the stream", {"Retry-After": "5"})
        items = self._desk.view.subscribe(request.headers.get("Last-Event-ID", ""), backlog)
        self._free -= 1
        try:
            return await self._send(request, items)
        finally:
            self._free += 1

    async def close(self, _app: web.Application) -> None:
        """The daemon stops: every reader is let go; whoever does not read is cut off by the server."""
        self._closing.set()

    async def _send(self, request: web.Request, items: AsyncIterator[Item]) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        try:
            await response.prepare(request)
            await response.write(b"retry: 2000\n\n")
            await _copy(response, items, self._closing)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:  # a reader that does not read: its buffer is not waited for
                request.transport.abort()
        return response


def _backlog(request: web.Request) -> int:
    for name in request.query:
        if name != "backlog":
            raise ParameterError(name, "unknown parameter; the stream takes backlog")
    text = request.query.get("backlog", "100")
    if len(request.query) > 1 or not (text.isascii() and text.isdigit() and int(text[:5]) <= MAX_BACKLOG):
        raise ParameterError("backlog", f"must be one whole number from 0 to {MAX_BACKLOG}")
    return int(text)


async def _copy(response: web.StreamResponse, items: AsyncIterator[Item], closing: asyncio.Event) -> None:
    """A beat tells both ends that the connection lives while nothing happens."""
    stop = asyncio.ensure_future(closing.wait())
    upcoming = asyncio.ensure_future(_take(items))
    try:
        while not stop.done():
            await asyncio.wait({upcoming, stop}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                await _write(response, b": beat\n\n")
            elif (item := upcoming.result()) is None:
                return
            else:
                await _write(response, as_event(item))
                upcoming = asyncio.ensure_future(_take(items))
    finally:
        for task in (stop, upcoming):
            task.cancel()
        await asyncio.gather(stop, upcoming, return_exceptions=True)


async def _take(items: AsyncIterator[Item]) -> Item | None:
    return await anext(items, None)


async def _write(response: web.StreamResponse, line: bytes) -> None:
    async with asyncio.timeout(SLOW_AFTER_S):
        await response.write(line)


def as_event(item: Item) -> bytes:
    """JSON has no raw line breaks, so one data line holds it; the id comes back in Last-Event-ID."""
    kind = b"event: gap\n" if item["type"] == "gap" else b""
    name = f"id: {item['id']}\n".encode() if item["id"] else b""
    return kind + name + b"data: " + msgspec.json.encode(item) + b"\n\n"
