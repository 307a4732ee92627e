"""A proxy for one address: listens, connects on, and lets toxics be put between both ends at any time."""

import asyncio
import random
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from platforms.chaos.pipe import Pipe
from platforms.chaos.toxics import Stream, Toxic

CONNECT_S = 10.0


class Connection:
    """A client's connection and ours to the upstream; a link of both pipes."""

    def __init__(
        self,
        relay: "Relay",
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._relay = relay
        self._writers = (client[1], server[1])
        self._dice: dict[str, float] = {}  # by toxic: whether it has this connection is decided once
        self.pipes = (
            Pipe(client[0], server[1], self, lambda: self._toxics("upstream")),
            Pipe(server[0], client[1], self, lambda: self._toxics("downstream")),
        )

    def _toxics(self, stream: Stream) -> Sequence[Toxic]:
        return [
            toxic
            for toxic in self._relay.toxics.values()
            if toxic.stream == stream and self._dice.setdefault(toxic.name, random.random()) < toxic.toxicity
        ]

    async def run(self) -> None:
        with suppress(OSError, ExceptionGroup, asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                for pipe in self.pipes:
                    group.create_task(pipe.run())
        self.close()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        """As a peer does that has forgotten us: RST in place of an end."""
        for writer in self._writers:
            if (sock := writer.get_extra_info("socket")) is not None:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Relay:
    def __init__(self, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.toxics: dict[str, Toxic] = {}
        self._server: asyncio.Server | None = None
        self._connections: dict[Connection, asyncio.Task[Any]] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    @property
    def enabled(self) -> bool:
        return self._server is not None

    async def start(self) -> None:
        """Raises OSError where the address cannot be had. Port 0 becomes the one that was given."""
        if self._server is None:
            host, port = address(self.listen)
            self._server = await asyncio.start_server(self._serve, host, port)
            self.listen = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Nobody listens any more, and every connection ends."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.drop()

    def drop(self) -> None:
        for connection, task in tuple(self._connections.items()):
            connection.close()
            task.cancel()

    def put(self, toxic: Toxic) -> None:
        """Add it, or put it in the place of the one of its name."""
        self.toxics[toxic.name] = toxic
        if (timer := self._expiries.pop(toxic.name, None)) is not None:
            timer.cancel()
        if toxic.expires_s:
            later = asyncio.get_running_loop().call_later
            self._expiries[toxic.name] = later(toxic.expires_s, self.remove, toxic.name)
        self._change()

    def remove(self, name: str) -> None:
        self.toxics.pop(name, None)
        if (timer := self._expiries.pop(name, None)) is not None:
            timer.cancel()
        self._change()

    def shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": [toxic.shown() for toxic in self.toxics.values()],
        }

    def _change(self) -> None:
        for connection in self._connections:
            for pipe in connection.pipes:
                pipe.change()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = address(self.upstream)
        try:
            async with asyncio.timeout(CONNECT_S):
                server = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            writer.close()
            return
        connection = Connection(self, (reader, writer), server)
        task = asyncio.ensure_future(connection.run())
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._connections.pop(connection, None))


def address(text: str) -> tuple[str, int]:
    """
    >>> address("127.0.0.1:9002"), address("[::1]:80")
    (('127.0.0.1', 9002), ('::1', 80))
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address of the form HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)
