"""The few requests that change something: only with the token, few at once, answered when they are durable."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, cast

import msgspec
from aiohttp import web

from dashboard.answers import as_json, problem, starting
from dashboard.view import CommandRefusedError, Commands, Desk, UnknownServiceError, Word

WRITES_AT_ONCE = 8
DURABLE_WITHIN_S = 20.0
BODY_WITHIN_S = 5.0
BY = "api"

MAX_SNOOZE_S = 7 * 86400.0
Act = Callable[[Commands, str], Awaitable[None]]
ACTS: dict[str, Act] = {
    "stop": lambda commands, service: commands.stop(service, BY),
    "start": lambda commands, service: commands.start(service, BY),
    "pause": lambda commands, _: commands.pause(BY),
    "resume": lambda commands, _: commands.resume(BY),
}


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may come with a word about an incident."""

    approval: str = ""  # the question; without it the incident's open one
    typed: str = ""  # what has to be typed to confirm
    for_s: Annotated[float, msgspec.Meta(ge=0, le=MAX_SNOOZE_S)] = 0.0  # of snooze


class Writes:
    """The handlers of POST /api/..."""

    def __init__(self, desk: Desk, at_once: int = WRITES_AT_ONCE) -> None:
        self._desk = desk
        self._free = at_once

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if refusal := refused(self._desk.token, request.headers.get("Authorization", "")):
            return refusal
        if self._free <= 0:
            return problem(429, "busy", "too many commands at once", {"Retry-After": "1"})
        self._free -= 1
        try:
            return await self._answer(request)
        finally:
            self._free += 1

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """POST /api/incidents/{id}/{word}."""
        if refusal := refused(self._desk.token, request.headers.get("Authorization", "")):
            return refusal
        if self._free <= 0:
            return problem(429, "busy", "too many commands at once", {"Retry-After": "1"})
        self._free -= 1
        try:
            return await self._decide(request)
        finally:
            self._free += 1

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await request.read()
            said = msgspec.json.decode(body or b"{}", type=Said)
        except TimeoutError:
            return problem(408, "timeout", "the body did not arrive in time")
        except msgspec.DecodeError as error:
            return problem(400, "bad_body", f"the body is a JSON object or nothing: {error}")
        if self._desk.commands is None:
            return starting(self._desk)
        word, incident = request.path.rpartition("/")[2], request.match_info["id"]
        try:
            async with asyncio.timeout(DURABLE_WITHIN_S):
                answer = await self._desk.commands.decide(
                    cast("Word", word), said.approval or incident, BY, said.typed, said.for_s
                )
        except CommandRefusedError as error:
            return problem(409, "refused", str(error))
        except TimeoutError:
            return problem(
                503, "not_durable", "the word could not be saved in time; it may still take effect"
            )
        if not answer.accepted:
            return problem(409, "refused", answer.answer, incident=incident)
        return as_json({"command": word, "incident": incident, "answer": answer.answer, "durable": True})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                await request.read()  # commands take no body; one that is too large is refused here
        except TimeoutError:
            return problem(408, "timeout", "the body did not arrive in time")
        command, service = request.path.rpartition("/")[2], request.match_info.get("name", "")
        if self._desk.commands is None:
            return starting(self._desk)
        try:
            async with asyncio.timeout(DURABLE_WITHIN_S):
                await ACTS[command](self._desk.commands, service)
        except UnknownServiceError:
            return problem(404, "unknown_service", "no service has this name", service=service)
        except CommandRefusedError as error:
            return problem(409, "refused", str(error))
        except TimeoutError:
            return problem(
                503, "not_durable", "the command could not be saved in time; it may still take effect"
            )
        return as_json({"command": command, "service": service, "durable": True})


def refused(token: str, authorization: str) -> web.Response | None:
    """None where the bearer token is right. Compared in constant time."""
    if not token:
        why = "commands are refused because no token is configured: set NIGHTWARDEN_TOKEN and start again"
        return problem(403, "no_token_configured", why)
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(
        given.strip().encode("utf-8", "surrogateescape"), token.encode("utf-8", "surrogateescape")
    )
    if scheme.lower() == "bearer" and same:
        return None
    return problem(
        401, "unauthorized", "needs the header Authorization: Bearer NIGHTWARDEN_TOKEN", _CHALLENGE
    )


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="nightwarden"'}
