"""Telegram and the second channel, from when we hold the lease until we lose it or end."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

from agents.agent import Outlet
from agents.events import MessagePosted
from agents.incident.story import plain
from agents.telling.hearing import Hearing
from agents.telling.port import Contacts
from agents.telling.reach import Reach
from agents.telling.second import Nowhere, Second
from agents.telling.speaker import Speaker
from agents.telling.stories import State
from config.world import World
from platforms.telegram.port import Ears, Messenger, Press, Said, Trouble
from utils.parts import PartLostError
from utils.structured_logger import get_logger

log = get_logger("notifier")
GATHER_S = 0.3  # what happens together is said together
LOOK_S, IDLE_LOOK_S = 1.0, 5.0
END_S = 5.0
TELLING = ("conflict", "moved", "handler")  # strangers could flood people by what they press: that stays here
ANSWERS = "answer/"  # begins the keys of what is said once and to one chat


class Correspondence:
    """`changed` is set when the state is another one than before; `say` is the terminal."""

    def __init__(
        self,
        world: World,
        contacts: Contacts,
        outlet: Outlet,
        state: Callable[[], State],
        changed: asyncio.Event,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._say = say
        self._world, self._outlet, self._state, self._changed = world, outlet, state, changed
        zone = ZoneInfo(world.config.notify.timezone)
        self._hearing = Hearing(world, contacts.people, state, outlet.now)
        self._second = Second(contacts.second, outlet, state, at_once=contacts.messenger is None)
        ears = Ears(heard=self._heard, kept=self._kept, told=self._told, report=self._report)
        make = contacts.messenger
        self._messenger: Messenger = make(ears) if make is not None else Nowhere()
        self._hearing.messenger = self._messenger
        self._reach = Reach(lambda: self._messenger.health, self._second, asyncio.get_running_loop().time)
        self._contacts = contacts
        self._speaker = Speaker(self._messenger, state(), zone, contacts.photo, contacts.page)
        self._allowed: frozenset[int] | None = None

    async def run(self) -> None:
        self._contacts.ailing = self._reach.why_not
        running = [asyncio.create_task(self._messenger.run()), asyncio.create_task(self._second.run())]
        try:
            while not self._world.why_silent():
                self._allow()
                now = self._outlet.now()
                self._speaker.speak(self._state(), now)
                self._reach.look(now)
                self._second.look(self._speaker, now)
                for task in running:
                    if task.cancelled():
                        raise PartLostError("what talks to people was cancelled from outside")
                    if task.done():
                        task.result()
                await self._until_changed()
        finally:
            self._contacts.ailing = lambda: ""  # another daemon tells, or the next life of the notifier
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=END_S)

    async def _until_changed(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S if self._speaker.is_waiting(self._state()) else IDLE_LOOK_S):
                await self._changed.wait()
        await asyncio.sleep(GATHER_S)
        self._changed.clear()

    def _allow(self) -> None:
        """Those whom the configuration in force names."""
        approvers = self._world.config.approvals.approvers
        allowed = frozenset(one.telegram_id for one in approvers if one.telegram_id is not None)
        if allowed != self._allowed:
            self._allowed = allowed
            self._messenger.allow(allowed)

    # --- what the messenger says ---

    async def _heard(self, what: Press | Said) -> None:
        await self._hearing.heard(what)
        self._changed.set()

    def _kept(self, key: str, chat: int, message: int) -> None:
        if not key.startswith(ANSWERS):
            self._outlet.emit(MessagePosted(key=key, channel="telegram", chat=chat, message=message))

    def _told(self, key: str, _: int) -> None:
        self._speaker.told(key)

    def _report(self, trouble: Trouble) -> None:
        log.warning("telegram", kind=trouble.kind, text=trouble.text)
        self._say(plain(f"telegram: {trouble.text}"))
        if trouble.kind in TELLING:
            text = f"Telegram: {trouble.text}"
            self._outlet.emit(MessagePosted(key=f"trouble/{trouble.kind}", channel="page", text=text))
            self._changed.set()
