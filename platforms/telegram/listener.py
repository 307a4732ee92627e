"""Hears updates by long polling, one after the other; an update is confirmed only after it was handled.

The library's own updater confirms before anybody has looked, tells nobody of time-outs, and ends for good when the token
is refused once; hence our own loop around its `get_updates`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from platforms.telegram.failures import FailureError
from platforms.telegram.hearing import Moved, meaning
from platforms.telegram.port import Press, Said, Trouble

if TYPE_CHECKING:
    from telegram import Update

_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 30.0
_CONFLICT_RETRY_S = 10.0  # two pollers end each other's polls: leave the other one its turn
_HANDLED_S = 20.0
_EMPTY_S = 1.0  # a poll that came back empty at once is not repeated faster than this


class Polling(Protocol):
    async def name(self) -> str: ...
    async def listen_by_polling(self, commands: Sequence[tuple[str, str]]) -> None: ...
    async def updates(self, offset: int, *, wait: bool = True) -> "tuple[Update, ...]": ...


class Listener:
    """`heard` handles one at a time; `report` is told of conflicts and of handlers that fail."""

    def __init__(
        self,
        heard: Callable[[Press | Said | Moved], Awaitable[None]],
        report: Callable[[Trouble], None],
        now: Callable[[], float],
        commands: Sequence[tuple[str, str]] = (),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.deaf_since: float | None = None
        self.problem = ""
        self.last_ok_at: float | None = None
        self._heard, self._report, self._now, self._jitter = heard, report, now, jitter
        self._commands = commands
        self._bot_name: str | None = None
        self._offset = self._confirmed = 0
        self._failures = 0

    async def run(self, wire: Polling) -> None:
        while True:
            try:
                await self._listen(wire)
            except FailureError as failure:
                await self._pause(failure)

    async def confirm(self, wire: Polling) -> None:
        """At the end: what was handled is not heard again after a restart."""
        if self._offset != self._confirmed:
            await wire.updates(self._offset, wait=False)
            self._confirmed = self._offset

    async def _listen(self, wire: Polling) -> None:
        loop = asyncio.get_running_loop()
        if self._bot_name is None:
            name = await wire.name()
            await wire.listen_by_polling(self._commands)
            self._bot_name = name
        since = loop.time()
        updates = await wire.updates(self._offset)
        self._confirmed = self._offset
        self._failures, self.deaf_since, self.problem, self.last_ok_at = 0, None, "", self._now()
        for update in updates:
            if update.update_id >= self._offset:
                await self._take(update)
                self._offset = update.update_id + 1
        if not updates and loop.time() - since < _EMPTY_S:
            await asyncio.sleep(_EMPTY_S)

    async def _take(self, update: "Update") -> None:
        found = meaning(update, self._bot_name or "")
        if found is None:
            return
        try:
            async with asyncio.timeout(_HANDLED_S):
                await self._heard(found)
        except Exception as error:  # noqa: BLE001 - one press that cannot be handled must not make us deaf
            kind = type(found).__name__.lower()
            self._report(Trouble("handler", f"a {kind} could not be handled: {type(error).__name__}"))

    async def _pause(self, failure: FailureError) -> None:
        self.problem = failure.text
        if self.deaf_since is None:
            self.deaf_since = self._now()
        self._failures += 1
        if failure.kind == "conflict":
            self._report(Trouble("conflict", f"somebody else listens with our bot's token: {failure.text}"))
            pause_s = _CONFLICT_RETRY_S
        elif failure.kind == "token":
            self._report(Trouble("token", failure.text))
            pause_s = _LAST_RETRY_S
        else:
            doubled_s = _FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10)
            pause_s = max(failure.wait_s, min(_LAST_RETRY_S, doubled_s))
        await asyncio.sleep(pause_s * (0.5 + 0.5 * self._jitter()) if not failure.wait_s else pause_s)
