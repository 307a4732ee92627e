"""What people ask for here and a daemon elsewhere fetches: each is handed to one life of it, and answered by it or not at all."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from dashboard.feed.wire import Answered, Asked
from dashboard.view import Answer, CommandRefusedError, UnknownServiceError, Word

WAITING_AT_ONCE = 32
FETCHED_WITHIN_S = 4.0


@dataclass
class _Open:
    asked: Asked
    answered: "asyncio.Future[Answered]"
    fetched: asyncio.Event = field(default_factory=asyncio.Event)
    by: str = (
        ""  # the life of the daemon that fetched it: another one never gets it, so that nothing is done twice
    )


class Requests:
    """`ask` on the side of people, `fetch` and `answer` on the daemon's."""

    def __init__(self, fetched_within_s: float = FETCHED_WITHIN_S) -> None:
        self._open: dict[str, _Open] = {}
        self._news = asyncio.Event()
        self._fetched_within_s = fetched_within_s
        self._closed = False

    async def ask(self, asked: Asked) -> Answered:
        """Waits for the answer as long as the caller does. Raises CommandRefusedError where nobody fetches it."""
        if len(self._open) >= WAITING_AT_ONCE:
            raise CommandRefusedError("too many wait for the daemon already; try again in a moment")
        asked = msgspec.structs.replace(asked, id=secrets.token_hex(8))
        waiting = _Open(asked, asyncio.get_running_loop().create_future())
        self._open[asked.id] = waiting
        self._news.set()
        try:
            await self._fetched(waiting)
            return await waiting.answered
        finally:
            del self._open[asked.id]

    async def _fetched(self, waiting: _Open) -> None:
        try:
            async with asyncio.timeout(self._fetched_within_s):
                await waiting.fetched.wait()
        except TimeoutError:
            raise CommandRefusedError(
                f"the daemon did not fetch this within {self._fetched_within_s:g} s: nothing was done"
            ) from None

    async def fetch(
        self, daemon: str, have: list[str], within_s: float, current: Callable[[str], bool]
    ) -> list[Asked]:
        """What this life of the daemon should do; empty after `within_s`, or once it is no longer the current one."""
        mine: list[Asked] = []
        try:
            async with asyncio.timeout(within_s):
                while current(daemon) and not (mine := self._for(daemon, have)) and not self._closed:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return []
        return mine if current(daemon) else []

    def _for(self, daemon: str, have: list[str]) -> list[Asked]:
        mine = [w for w in self._open.values() if w.by in ("", daemon) and w.asked.id not in have]
        for waiting in mine:
            waiting.by = daemon
            waiting.fetched.set()
        return [waiting.asked for waiting in mine]

    def answer(self, answered: Answered) -> bool:
        """False: nobody waits for it any more."""
        waiting = self._open.get(answered.id)
        if waiting is None or waiting.answered.done():
            return False
        waiting.answered.set_result(answered)
        return True

    def close(self) -> None:
        """Whoever waits for something to fetch is let go."""
        self._closed = True
        self._news.set()


class FedCommands:
    """Implements `Commands`: the daemon's own answer comes back, never one of ours."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def decide(self, word: Word, about: str, by: str, typed: str = "", for_s: float = 0.0) -> Answer:  # noqa: ARG002 - the daemon names whoever holds the token
        answer = await self._ask(Asked(id="", kind=word, about=about, typed=typed, for_s=for_s))
        return Answer(answer.accepted, answer.text)

    async def stop(self, service: str, by: str) -> None:  # noqa: ARG002 - as above
        await self._ask(Asked(id="", kind="stop", about=service))

    async def start(self, service: str, by: str) -> None:  # noqa: ARG002 - as above
        await self._ask(Asked(id="", kind="start", about=service))

    async def pause(self, by: str) -> None:  # noqa: ARG002 - as above
        await self._ask(Asked(id="", kind="pause"))

    async def resume(self, by: str) -> None:  # noqa: ARG002 - as above
        await self._ask(Asked(id="", kind="resume"))

    async def _ask(self, asked: Asked) -> Answered:
        answer = await self._requests.ask(asked)
        if answer.outcome == "unknown_service":
            raise UnknownServiceError(asked.about)
        if answer.outcome == "refused":
            raise CommandRefusedError(answer.text)
        return answer
