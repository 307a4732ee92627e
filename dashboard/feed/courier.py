"""Fetches at the dashboard elsewhere what people ask of this daemon, does it, and brings the answer."""

import asyncio
import logging
from collections import deque

import msgspec

from dashboard.commands import BY
from dashboard.feed.link import FAILURES, Link, NotTakenError, wait_s
from dashboard.feed.wire import ANSWER, POLL, POLL_S, Answered, Asked, Poll
from dashboard.view import CommandRefusedError, Commands, UnknownServiceError, View

ANSWER_TRIES = 5
TIMEOUT_S = 10.0
BEFORE_FED_S = 0.5
SERVED_KEPT = 64

log = logging.getLogger("nightwarden.feed")


class Courier:
    """One command is done once, however often it is handed out."""

    def __init__(self, view: View, commands: Commands, link: Link, daemon: str) -> None:
        self._view = view
        self._commands = commands
        self._link = link
        self._daemon = daemon
        self._served: deque[str] = deque(maxlen=SERVED_KEPT)
        self._in_hand: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                try:
                    await self._fetch()
                    failures = 0
                except NotTakenError as error:  # 409: the first feed is still on its way
                    failures += 1
                    await asyncio.sleep(BEFORE_FED_S if error.status == 409 else wait_s(failures))
                except FAILURES:  # the sender tells
                    failures += 1
                    await asyncio.sleep(wait_s(failures))
        finally:
            for task in self._in_hand.values():
                task.cancel()

    async def _fetch(self) -> None:
        poll = Poll(self._daemon, [*self._in_hand, *self._served])
        for asked in msgspec.convert(await self._link.send(POLL, poll, POLL_S + TIMEOUT_S), list[Asked]):
            if asked.id not in poll.have:
                self._in_hand[asked.id] = asyncio.create_task(self._serve(asked))

    async def _serve(self, asked: Asked) -> None:
        try:
            await self._bring(await self._done(asked))
        finally:
            self._served.append(asked.id)
            del self._in_hand[asked.id]

    async def _bring(self, answer: Answered) -> None:
        for tries in range(1, ANSWER_TRIES + 1):
            try:
                await self._link.send(ANSWER, answer, TIMEOUT_S)
            except FAILURES as error:
                failure = type(error).__name__
                await asyncio.sleep(wait_s(tries))
            else:
                return
        log.warning("an answer could not be brought to the dashboard: %s", failure)

    async def _done(self, asked: Asked) -> Answered:
        try:
            return await self._do(asked)
        except UnknownServiceError:
            return Answered(id=asked.id, outcome="unknown_service", accepted=False)
        except CommandRefusedError as refused:
            return Answered(id=asked.id, outcome="refused", text=str(refused), accepted=False)
        except Exception:  # whoever waits there has to hear something
            log.exception("%s failed", asked.kind)
            text = "this is a fault of the daemon; its log has it"
            return Answered(id=asked.id, outcome="refused", text=text, accepted=False)

    async def _do(self, asked: Asked) -> Answered:
        match asked.kind:
            case "stop":
                await self._commands.stop(asked.about, BY)
            case "start":
                await self._commands.start(asked.about, BY)
            case "pause":
                await self._commands.pause(BY)
            case "resume":
                await self._commands.resume(BY)
            case "report":
                text = await self._view.report(asked.about, "md" if asked.typed == "md" else "html")
                return Answered(id=asked.id, outcome="done" if text is None else "said", text=text or "")
            case _:
                said = await self._commands.decide(asked.kind, asked.about, BY, asked.typed, asked.for_s)
                return Answered(id=asked.id, outcome="said", text=said.answer, accepted=said.accepted)
        return Answered(id=asked.id, outcome="done")
