"""A link between two services that can be made slow, cut, deaf or rude; while nothing is wrong it passes everything on."""

import asyncio
import contextlib
import socket
import struct
from typing import Literal

Trouble = Literal["", "latency", "cut", "silence", "reset"]


class Link:
    """Listens on one port and passes on to another."""

    def __init__(self, port: int, to_port: int) -> None:
        self._port, self._to_port = port, to_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.trouble: Trouble = ""
        self.delay_s = 0.0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in tuple(self._tasks):
            task.cancel()

    async def make(self, trouble: Trouble, delay_s: float = 0.0) -> None:
        """From now on, also on connections that are open."""
        self.trouble, self.delay_s = trouble, delay_s
        if trouble == "cut":
            await self.close()
        elif self._server is None:
            await self.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.trouble == "reset":
            _reset(writer)
            return
        while self.trouble == "silence":  # noqa: ASYNC110 - as below
            await asyncio.sleep(0.05)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            far_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            while self.trouble == "silence":  # noqa: ASYNC110 - a look now and then is simple, and enough here
                await asyncio.sleep(0.05)
            if self.trouble == "latency":
                await asyncio.sleep(self.delay_s)
            if self.trouble == "reset":
                _reset(writer)
                return
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST in place of FIN, as a host says that lost its connections."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
