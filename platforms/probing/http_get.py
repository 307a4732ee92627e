"""One HTTP/1.1 GET on a fresh connection, for the price of a few system calls.

A fresh connection, because keep-alive hides a full accept queue. Our own, because aiohttp costs three times as much
processor time (`python -m benchmarks probe`); https takes the usual road through it.
"""

import asyncio
import base64
import errno
import socket
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from platforms.probing.http_answer import Answer, AnswerParser

_READ = 262_144
_ADDRESS_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


class Target(Struct, frozen=True):
    url: str
    accept: str
    scheme: str
    host: str
    port: int
    request: bytes


@lru_cache(maxsize=1024)
def target(url: str, accept: str) -> Target:
    """Raises ValueError for what is no http or https address."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{url} is not an http address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        f"Accept: {accept}",
        "User-Agent: nightwarden",
        "Connection: close",
    ]
    if parts.username is not None:
        pair = f"{parts.username}:{parts.password or ''}"
        lines.append("Authorization: Basic " + base64.b64encode(pair.encode()).decode())
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return Target(url, accept, parts.scheme, host, port, request)


def is_our_own_fault(error: OSError) -> bool:
    """We ran out of something ourselves: that says nothing about who was asked."""
    return error.errno in _ADDRESS_ERRORS


async def connect(host: str, port: int) -> socket.socket:
    """A connected socket that does not block. Of several failures the first is told."""
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    for family, address in await addresses(host, port):
        try:
            found = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            failures.append(error)
            continue
        try:
            found.setblocking(False)  # noqa: FBT003 (its only form)
            await loop.sock_connect(found, address)
        except OSError as error:
            found.close()
            failures.append(error)
        except BaseException:
            found.close()
            raise
        else:
            return found
    raise failures[0] if failures else OSError(errno.ENOENT, f"{host} has no address")


async def addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """Addresses are used as they are; the one name that is everywhere needs no thread for its look-up."""
    if host == "localhost":
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port))]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, (host, port))]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


async def get(where: Target, body_limit: int) -> Answer:
    """The answer, its body cut at `body_limit`. Raises OSError, ValueError; the caller sets the deadline."""
    if where.scheme == "https":
        return await _get_https(where, body_limit)
    loop = asyncio.get_running_loop()
    connection = await connect(where.host, where.port)
    try:
        await loop.sock_sendall(connection, where.request)
        parser = AnswerParser(body_limit)
        while not parser.done:
            parser.feed(await loop.sock_recv(connection, _READ))
        return parser.answer()
    finally:
        connection.close()


async def _get_https(where: Target, body_limit: int) -> Answer:
    import aiohttp

    no_reuse = aiohttp.TCPConnector(force_close=True)
    try:
        async with (
            aiohttp.ClientSession(connector=no_reuse, headers={"User-Agent": "nightwarden"}) as session,
            session.get(where.url, allow_redirects=False, headers={"Accept": where.accept}) as response,
        ):
            body = bytearray()
            async for piece in response.content.iter_chunked(_READ):
                body += piece
                if len(body) > body_limit:
                    return Answer(response.status, bytes(body[:body_limit]), cut=True)
            return Answer(response.status, bytes(body))
    except aiohttp.ClientOSError as error:
        raise error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error from error
    except aiohttp.ClientError as error:
        raise ValueError(str(error)) from error
