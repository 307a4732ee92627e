"""POST /webhooks/...: news of other monitoring systems, believed only when it is signed or authorized."""

import asyncio
import base64
import binascii
import hmac
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from dashboard.alerts import Group, RenderEvent, of_event, of_group
from dashboard.answers import as_json, problem, starting
from dashboard.signing import refusal
from dashboard.view import Alert, CommandRefusedError, Desk, OverloadedError

MAX_BODY = 512 * 1024  # a group may hold hundreds of alerts
AT_ONCE = 8
BODY_WITHIN_S, DURABLE_WITHIN_S = 5.0, 10.0  # Render waits 15 s, Alertmanager 10 s and tries again
RETRY = {"Retry-After": "5"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="nightwarden"'}
B = TypeVar("B")


class Webhooks:
    """The handlers. `wall` is the time of day: signatures are dated by it."""

    def __init__(self, desk: Desk, wall: Callable[[], float] = time.time) -> None:
        self._desk = desk
        self._wall = wall
        self._free = AT_ONCE

    async def alertmanager(self, request: web.Request) -> web.StreamResponse:
        secret = self._desk.alertmanager_secret or self._desk.token
        if not secret:
            return _unset("ALERTMANAGER_WEBHOOK_SECRET or NIGHTWARDEN_TOKEN")
        if not _authorized(secret, request.headers.get("Authorization", "")):
            why = "needs Authorization: Bearer SECRET, or Basic with SECRET as the password"
            return problem(401, "unauthorized", why, _CHALLENGE)
        return await self._in_turn(lambda: self._take_group(request))

    async def render(self, request: web.Request) -> web.StreamResponse:
        if not self._desk.render_secret:
            return _unset("RENDER_WEBHOOK_SECRET")
        return await self._in_turn(lambda: self._take_event(request))

    async def _in_turn(self, work: Callable[[], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        if self._free <= 0:
            return problem(429, "busy", "too many messages at once", RETRY)
        self._free -= 1
        try:
            return await work()
        except TimeoutError:
            return problem(408, "timeout", "the body did not arrive in time")
        except msgspec.DecodeError as error:
            return problem(400, "bad_body", f"the body is not what this address takes: {error}")
        finally:
            self._free += 1

    async def _take_group(self, request: web.Request) -> web.StreamResponse:
        return await self._receive(tuple(of_group(_read(await _body(request), Group))))

    async def _take_event(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        if why := refusal(self._desk.render_secret, request.headers, body, self._wall()):
            return problem(401, "unauthorized", why)
        alert = of_event(_read(body, RenderEvent), request.headers["webhook-id"])
        return await self._receive((alert,))

    async def _receive(self, alerts: tuple[Alert, ...]) -> web.StreamResponse:
        if self._desk.alerts is None:
            return starting(self._desk)
        try:
            async with asyncio.timeout(DURABLE_WITHIN_S):
                told = await self._desk.alerts.receive(alerts)
        except OverloadedError as error:
            return problem(429, "busy", str(error), RETRY)
        except CommandRefusedError as error:
            return problem(503, "not_durable", str(error), RETRY)
        except TimeoutError:
            return problem(503, "not_durable", "the news could not be saved in time", RETRY)
        return as_json({"received": len(alerts), "news": told, "durable": True})


async def _body(request: web.Request) -> bytes:
    """More than other addresses take. Raises TimeoutError, and what the application answers 413 to."""
    async with asyncio.timeout(BODY_WITHIN_S):
        return await request.clone(client_max_size=MAX_BODY).read()


def _read(body: bytes, kind: type[B]) -> B:
    try:
        return msgspec.json.decode(body, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def _authorized(secret: str, authorization: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    mine, theirs = (text.encode("utf-8", "surrogateescape") for text in (secret, given.strip()))
    return hmac.compare_digest(mine, theirs)


def _unset(names: str) -> web.Response:
    why = f"webhooks are refused because no secret is configured: set {names} and start again"
    return problem(403, "no_secret_configured", why)
