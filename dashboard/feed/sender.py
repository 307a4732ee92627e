"""Feeds a dashboard elsewhere: what changed, at most every two seconds, at a twentieth of the loop's time."""

import asyncio
import gzip
import hashlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Raw

from dashboard.feed.link import FAILURES, Link, NotTakenError, wait_s
from dashboard.feed.tail import Tail
from dashboard.feed.wire import FEED, Parts, flat, packed
from dashboard.view import View

EVERY_S = 2.0
SHARE = 20.0  # for each second of work so many of rest
TIMEOUT_S = 10.0
BACKLOG = 300
COMPRESSION = 1

log = logging.getLogger("nightwarden.feed")


class Sender:
    """`daemon` names this life of the process. `run` until cancelled; a dashboard that is away costs nothing."""

    def __init__(
        self, view: View, link: Link, daemon: str, started_at: float, every_s: float = EVERY_S
    ) -> None:
        self._view = view
        self._link = link
        self._who = {"daemon": daemon, "started_at": started_at}
        self._every_s = every_s
        self._tail = Tail()
        self._told: dict[
            str, bytes
        ] = {}  # digest of each part as the dashboard has it; empty: it has nothing
        self._told_to = 0
        self._trouble = ""

    async def listen(self) -> None:
        """Keep the newest facts; a subscription that ends, as we were too slow, begins anew."""
        after = ""
        while True:
            async for item in self._view.subscribe(after, BACKLOG):
                self._tail.add(item)
                after = item["id"] or after
            await asyncio.sleep(1)

    async def run(self) -> None:
        failures = 0
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                spent_s = await self._push()
            except FAILURES as error:
                failures += 1
                self._say(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
                await asyncio.sleep(wait_s(failures))
                continue
            failures = 0
            self._say("")
            passed_s = asyncio.get_running_loop().time() - begun
            await asyncio.sleep(max(0.0, self._every_s - passed_s, SHARE * spent_s))

    def _say(self, trouble: str) -> None:
        """Once for each kind of trouble, not for each try."""
        if trouble != self._trouble:
            if trouble:
                log.warning("the dashboard is not fed: %s", trouble)
            else:
                log.info("the dashboard is fed again")
        self._trouble = trouble

    async def _push(self) -> float:
        """Seconds of the loop that it took."""
        loop = asyncio.get_running_loop()
        parts: dict[str, bytes] = {}
        spent_s = 0.0
        for name, read in _parts(self._view):
            begun = loop.time()
            parts[name] = packed(read())
            spent_s += loop.time() - begun
            await asyncio.sleep(0)  # each part is a piece of work of its own
        if not await self._tell(parts):
            self._told, self._told_to = {}, 0
            if not await self._tell(parts):
                raise NotTakenError(200, "it has everything and asks for more")
        return spent_s

    async def _tell(self, parts: dict[str, bytes]) -> bool:
        """False: it lacks what was told before."""
        digests = {name: hashlib.blake2b(part, digest_size=16).digest() for name, part in parts.items()}
        news = {name: Raw(part) for name, part in parts.items() if self._told.get(name) != digests[name]}
        last = self._tail.last
        message = packed(
            {
                **self._who,
                "whole": not self._told,
                "ready": self._view.ready,
                "parts": news,
                "stream": self._tail.after(self._told_to),
            }
        )
        body = await asyncio.to_thread(gzip.compress, message, COMPRESSION)
        heard = await self._link.post(FEED, body, TIMEOUT_S, gzipped=True)
        if heard["whole"]:
            return False
        self._told, self._told_to = digests, last
        return True


def _parts(view: View) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name in Parts.__struct_fields__:
        yield name, (lambda: flat(view.families())) if name == "families" else getattr(view, name)
