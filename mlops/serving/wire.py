"""The thin layer of ASGI under the hot path: a body with a limit in, a complete JSON answer out."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

encode = msgspec.json.Encoder().encode
BODY_S = 6.0  # less than a server that ends waits for requests in hand
_JSON = (b"content-type", b"application/json")


class TooLargeError(Exception):
    """The body exceeds the limit."""


class TooSlowError(Exception):
    """The body is not there in time."""


class ForeignError(Exception):
    """A browser sends it for a page of another origin, which may be anybody's."""


class GoneError(Exception):
    """The client left before its request was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body; what is declared too large, or comes from a page of somebody else, is not read at all."""
    host, origin = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise TooLargeError
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
    if origin and origin.rpartition(b"//")[2] != host:
        raise ForeignError
    try:
        async with asyncio.timeout(BODY_S):
            return await _read(receive, limit)
    except TimeoutError:
        raise TooSlowError from None


async def _read(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        if len(body) > limit:
            raise TooLargeError
        return body
    pieces, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise TooLargeError
    if message["type"] != "http.request":
        raise GoneError
    return b"".join(pieces)


async def answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body)), _JSON]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
