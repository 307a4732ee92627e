"""Faults that can be switched on over HTTP, to practise with; a restart switches all of them off."""

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

_MIB = 1 << 20


class Faults:
    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._hanging = False
        self._slow_s = 0.0
        self._failing = False
        self._leaked: list[bytes] = []
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/fault/hang", self._hang),
            web.post("/fault/slow", self._slow),
            web.post("/fault/leak", self._leak),
            web.post("/fault/busy", self._busy),
            web.post("/fault/fill", self._fill),
            web.post("/fault/errors", self._errors),
            web.post("/fault/exit", self._exit),
            web.post("/fault/saturate", self._saturate),
            web.post("/fault/descriptors", self._descriptors),
        ]

    async def maybe_hang(self, route: str) -> None:
        """Called before every request: never returns while the service hangs."""
        if self._hanging and not route.startswith("/fault/"):
            await asyncio.Event().wait()

    async def maybe_slow(self) -> None:
        """Called where the service does its real work."""
        if self._slow_s:
            await asyncio.sleep(self._slow_s)

    def maybe_fail(self, route: str) -> None:
        """Called before every request: users meet an error where the health page does not look."""
        if self._failing and route not in {"/health", "/metrics"} and not route.startswith("/fault/"):
            raise RuntimeError("the fault that was asked for")

    async def _hang(self, _request: web.Request) -> web.Response:
        """Requests get no answer any more, while the process lives."""
        self._hanging = True
        return self._done("hang")

    async def _slow(self, request: web.Request) -> web.Response:
        """Work takes longer by ?seconds=; 0 ends it."""
        self._slow_s = _number(request, "seconds", 1.0)
        return self._done(f"slow by {self._slow_s:g} s")

    async def _leak(self, request: web.Request) -> web.Response:
        """Memory grows by ?mib_per_s= until the process ends."""
        mib_per_s = _number(request, "mib_per_s", 8.0)
        self._run(self._grow(mib_per_s))
        return self._done(f"leak of {mib_per_s:g} MiB/s")

    async def _busy(self, request: web.Request) -> web.Response:
        """A noisy load for ?seconds= takes about ?share= of a core; nothing is wrong with that."""
        seconds, share = _number(request, "seconds", 10.0), min(_number(request, "share", 0.5), 0.9)
        self._run(self._burn(seconds, share))
        return self._done(f"busy for {seconds:g} s")

    async def _fill(self, request: web.Request) -> web.Response:
        """Memory grows by ?mib= within ?seconds= and stays there, as a cache does; nothing is wrong with that."""
        mib, seconds = _number(request, "mib", 50.0), max(_number(request, "seconds", 5.0), 0.1)
        self._run(self._grow(mib / seconds, seconds))
        return self._done(f"fill by {mib:g} MiB")

    async def _errors(self, _request: web.Request) -> web.Response:
        """Every request but those for health and metrics is answered with 500."""
        self._failing = True
        return self._done("errors")

    async def _exit(self, request: web.Request) -> web.Response:
        """The process ends with ?code= by an error that nobody caught."""
        code = int(_number(request, "code", 1.0))
        self._log.error("RuntimeError: nobody caught this one")
        asyncio.get_running_loop().call_later(0.05, os._exit, code)
        return self._done(f"exit with {code}")

    async def _saturate(self, _request: web.Request) -> web.Response:
        """A loop without end takes all the processor time, and everything else its turn behind it."""
        self._run(self._spin())
        return self._done("saturate")

    async def _descriptors(self, request: web.Request) -> web.Response:
        """?per_s= sockets are opened and never closed, until the process ends."""
        per_s = _number(request, "per_s", 10.0)
        self._run(self._open(per_s))
        return self._done(f"{per_s:g} descriptors/s")

    async def _spin(self) -> None:
        while True:
            end = time.monotonic() + 0.15
            while time.monotonic() < end:
                sum(range(500))
            await asyncio.sleep(0)

    async def _open(self, per_s: float) -> None:
        while True:
            self._sockets.append(socket.socket())
            await asyncio.sleep(1.0 / max(per_s, 0.01))

    async def _grow(self, mib_per_s: float, for_s: float = float("inf")) -> None:
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            self._leaked.append(b"\x01" * int(mib_per_s * _MIB / 10))  # bytes(n) would touch no page
            await asyncio.sleep(0.1)

    async def _burn(self, seconds: float, share: float) -> None:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            slice_s = random.uniform(0.002, 0.008)
            while time.monotonic() < now + slice_s:
                sum(range(500))
            await asyncio.sleep(slice_s * (1 - share) / share)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _done(self, what: str) -> web.Response:
        if not os.environ.get("SECRET_FAULTS"):  # where who reads the log is to find out by himself
            self._log.warning("fault switched on: %s", what)
        return web.json_response({"fault": what})


def _number(request: web.Request, name: str, default: float) -> float:
    try:
        number = float(request.query.get(name, default))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 86400:
        raise web.HTTPBadRequest(text=f"{name} must be a number from 0 to 86400")
    return number
