"""Where a daemon elsewhere feeds this dashboard and fetches commands: three addresses, each only with the token."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from dashboard.answers import problem
from dashboard.commands import refused
from dashboard.feed.fed_view import FedView, SupersededError, read
from dashboard.feed.requests import FedCommands, Requests
from dashboard.feed.wire import ANSWER, FEED, POLL, POLL_S, Answered, Poll, packed
from dashboard.observability import create_app
from dashboard.view import Desk

MAX_FEED_BYTES = 64 * 1024 * 1024
CHUNK = 256 * 1024
Take = Callable[[bytes], Awaitable[web.Response]]


def fed_app(desk: Desk, view: FedView, requests: Requests) -> web.Application:
    """The page and endpoints of a daemon that is elsewhere; empty until it is heard."""
    desk.waits = view.waits
    desk.commands = FedCommands(requests)
    app = create_app(desk)
    reception = Reception(desk, view, requests)
    for path, take in ((FEED, reception.feed), (POLL, reception.poll), (ANSWER, reception.answer)):
        app.router.add_post(path, reception.guarded(take))
    app.on_shutdown.append(reception.close)
    return app


class Reception:
    def __init__(self, desk: Desk, view: FedView, requests: Requests) -> None:
        self._desk = desk
        self._view = view
        self._requests = requests

    def guarded(self, take: Take) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Nothing of a body is read before the token was seen."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if refusal := refused(self._desk.token, request.headers.get("Authorization", "")):
                return refusal
            body = bytearray()
            async for chunk in request.content.iter_chunked(CHUNK):
                body += chunk
                if len(body) > MAX_FEED_BYTES:
                    return problem(413, "too_large", f"more than {MAX_FEED_BYTES} bytes")
            try:
                return await take(bytes(body))
            except msgspec.DecodeError as error:
                return problem(400, "bad_body", f"this is not what a daemon of this version says: {error}")
            except SupersededError:
                return problem(409, "superseded", "a newer daemon feeds this dashboard")

        return handle

    async def feed(self, body: bytes) -> web.Response:
        complete = self._view.take(read(body))
        if complete:
            self._desk.view = self._view
        return _message({"whole": not complete})

    async def poll(self, body: bytes) -> web.Response:
        poll = msgspec.msgpack.decode(body, type=Poll)
        if not self._view.is_current(poll.daemon):
            return problem(409, "not_fed", "this daemon does not feed this dashboard, or not yet")
        return _message(await self._requests.fetch(poll.daemon, poll.have, POLL_S, self._view.is_current))

    async def answer(self, body: bytes) -> web.Response:
        return _message({"heard": self._requests.answer(msgspec.msgpack.decode(body, type=Answered))})

    async def close(self, _app: web.Application) -> None:
        self._requests.close()
        self._view.stream.close()


def _message(data: Any) -> web.Response:
    return web.Response(body=packed(data), content_type="application/msgpack")
