"""A service of somebody else: it can be away, slow or failing, and the daemon may only watch it."""

import asyncio
import contextlib


class Partner:
    """Answers every request alike; it prices whatever it is asked."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self.status = "200 OK"
        self.delay_s = 0.0

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self._port)

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = b'{"value": 7.5, "model": "partner", "status": "ok"}'
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(self.delay_s)
            head = (
                f"HTTP/1.1 {self.status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            )
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
        writer.close()
