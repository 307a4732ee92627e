"""A client that keeps so many connections busy with one and the same request, and counts what comes back."""

import asyncio
import re
import time

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """Asks again as soon as it was answered."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._seen = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return
        self._seen = b""
        self._load.answered(head.startswith(b"HTTP/1.1 200"), time.perf_counter() - self._began)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()

    def _ask(self) -> None:
        if self._load.more():
            self._began = time.perf_counter()
            self._transport.write(self._load.request)
        else:
            self._transport.close()


class _Load:
    def __init__(self, request: bytes, count: int) -> None:
        self.request, self._left = request, count
        self.failed, self.seconds = 0, list[float]()
        self._open = 0
        self.done = asyncio.Event()

    def more(self) -> bool:
        self._left -= 1
        return self._left >= 0

    def answered(self, well: bool, seconds: float) -> None:
        self.failed += not well
        self.seconds.append(seconds)

    def lost(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.done.set()

    async def run(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        self._open = connections
        for _ in range(connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
        await self.done.wait()


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def load(port: int, request: bytes, count: int, connections: int = 16) -> tuple[int, list[float]]:
    """(answers that were no 200, seconds of each answer) of `count` requests."""

    async def drive() -> _Load:
        driven = _Load(request, count)
        await driven.run(port, connections)
        return driven

    driven = asyncio.run(drive())
    if len(driven.seconds) < count:
        raise ConnectionError(f"port {port}: {count - len(driven.seconds)} of {count} requests had no answer")
    return driven.failed, driven.seconds
