"""One chat's outbox: in order, never faster than allowed, never given up.

A message whose sending may have been done though nobody answered is sent again: at least once. The double is looked for
right below the number of the one that got through, and taken away.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from platforms.telegram.content import Content
from platforms.telegram.failures import FailureError
from platforms.telegram.living import Living, LivingMessages, mark
from platforms.telegram.pace import Pace
from platforms.telegram.port import TroubleKind
from platforms.telegram.waiting import Item, Waiting
from platforms.telegram.wire import Wire

_MOST_CHORES = 50
_FIRST_RETRY_S, _LAST_RETRY_S, _SHUT_RETRY_S = 1.0, 60.0, 600.0


class Events(Struct, frozen=True):
    """Whom a lane tells what."""

    kept: Callable[[str, int], None]
    told: Callable[[str], None]
    trouble: Callable[[TroubleKind, str], None]
    answered: Callable[[], None]  # the other side spoke to us
    moved: Callable[[int], None] = lambda _: None  # the chat has this id now


class Lane:
    """`chat_id` is the configured one; `address` follows a group that moved. `now` dates `failing_since`."""

    def __init__(
        self,
        chat_id: int,
        pace: Pace,
        events: Events,
        now: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.chat_id = self.address = chat_id
        self.failing_since: float | None = None
        self.problem = ""
        self.dropped = 0
        self.waiting = Waiting()
        self._pace, self._events, self._now, self._jitter = pace, events, now, jitter
        self._living = LivingMessages()
        self._chores: deque[int] = deque(maxlen=_MOST_CHORES)  # messages to take away
        self._changed, self._stepped = asyncio.Event(), asyncio.Event()
        self._not_before = -inf
        self._tries = 0
        self._shut = False
        self._maybe_doubled = False

    def put(self, key: str, content: Content, *, urgent: bool = False, ring: bool = False) -> None:
        if not ring and self.waiting.get(key) is None and self._living.shows(key, content):
            return
        if given_up := self.waiting.put(key, content, urgent=urgent, ring=ring):
            self._give_up(given_up, "too many messages wait, so that the oldest was given up")
        self._changed.set()

    def remember(self, key: str, message_id: int) -> None:
        self._living.remember(key, message_id)

    def seen(self, message_id: int) -> None:
        """Somebody wrote there: the chat is open, and numbers up to this one are given."""
        self._living.seen(message_id)
        if self._shut:
            self._shut, self._not_before = False, -inf
            self._changed.set()

    def forget(self, key: str) -> None:
        if item := self.waiting.get(key):
            item.last = True
        else:
            self._living.forget(key)

    def move(self, address: int) -> None:
        """The group has another id now, and none of its old messages."""
        if address == self.address:
            return
        advice = f"the group {self.address} is {address} now: write that into TELEGRAM_CHAT_ID"
        self._events.trouble("moved", advice)
        self._events.moved(address)
        self.address = address
        self._living.clear()
        self._chores.clear()

    async def drained(self) -> None:
        """Until nothing waits, or nothing gets through."""
        while self.waiting and self.failing_since is None:
            self._stepped.clear()
            await self._stepped.wait()

    async def run(self, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            wait_s = self._wait_s(loop.time())
            if wait_s > 0:
                await self._sleep(wait_s)
            else:
                await self._step(wire)

    def _wait_s(self, now: float) -> float:
        if not self.waiting and not self._chores:
            return inf
        return max(self._not_before - now, self._pace.wait_s(now, urgent=self.waiting.any_urgent))

    async def _sleep(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(None if wait_s == inf else wait_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _step(self, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        self._pace.take(loop.time())
        try:
            if head := self.waiting.head():
                await self._say(wire, *head)
            else:
                await self._tidy(wire)
        except FailureError as failure:
            self._failed(failure, loop.time())
        else:
            self._tries, self._shut = 0, False
            self.failing_since, self.problem = None, ""
            self._events.answered()
        finally:
            self._pace.ended(loop.time())
            self._stepped.set()

    async def _say(self, wire: Wire, key: str, item: Item) -> None:
        wanted, content, version, ring = item.wanted, item.content, item.version, item.ring
        item.ring = False
        living = self._living.get(key)
        try:
            if living is None or ring:
                living = await self._create(wire, key, content, living)
            else:
                await self._edit(wire, living, content)
        except FailureError as failure:
            item.ring |= ring
            self._maybe_doubled |= failure.maybe_done and (living is None or ring)
            self._sort_out(key, item, version, failure)
            return
        living.shows, living.photo = mark(wanted), hash(content.photo) if content.photo else living.photo
        if self.waiting.settled(key, item, version):
            self._events.told(key)
            if item.last:
                self._living.forget(key)

    async def _create(self, wire: Wire, key: str, content: Content, old: Living | None) -> Living:
        message_id = await wire.create(self.address, content)
        if self._maybe_doubled:
            self._chores.extend(self._living.doubles_below(message_id))
            self._maybe_doubled = False
        if old is not None:
            self._chores.append(old.message_id)
        living = self._living.created(key, message_id, pictured=content.photo is not None)
        self._events.kept(key, message_id)
        return living

    async def _edit(self, wire: Wire, living: Living, content: Content) -> None:
        if content.photo is not None and hash(content.photo) == living.photo:
            content = replace(content, photo=None)  # it shows that picture already
        try:
            living.pictured = await wire.edit(
                self.address, living.message_id, content, pictured=living.pictured
            )
        except FailureError as failure:
            if failure.kind != "unchanged":
                raise
            living.pictured = living.pictured or content.photo is not None

    def _sort_out(self, key: str, item: Item, version: int, failure: FailureError) -> None:
        """What concerns this message only is settled here; the rest is raised on."""
        if failure.kind == "gone":
            self._living.forget(key)  # the next round creates it anew
        elif failure.kind == "illegible":
            self._events.trouble("rejected", f"Telegram does not take a message as it is: {failure.text}")
            poorer = item.content.poorer()
            if item.version == version and poorer is not None:
                item.content = poorer
            elif self.waiting.settled(key, item, version):
                self._give_up(key, "Telegram takes a message in no form")
        else:
            raise failure

    async def _tidy(self, wire: Wire) -> None:
        """Take one message away; what cannot be taken away stays."""
        message_id = self._chores[0]
        try:
            await wire.retire(self.address, message_id)
        except FailureError as failure:
            if failure.kind in ("network", "flooded", "token"):
                raise
        if self._chores and self._chores[0] == message_id:
            self._chores.popleft()

    def _failed(self, failure: FailureError, now: float) -> None:
        self.problem = failure.text
        if failure.kind == "moved":
            self.move(failure.chat_id)
            return
        if self.failing_since is None:
            self.failing_since = self._now()
        if failure.kind == "flooded":
            self._events.answered()
            self._not_before = now + failure.wait_s + self._jitter()
            return
        if failure.kind == "token":
            self._events.trouble("token", failure.text)
        self._shut = failure.kind == "shut"
        longest_s = _LAST_RETRY_S if failure.kind == "network" else _SHUT_RETRY_S
        pause_s = min(longest_s, _FIRST_RETRY_S * 2.0 ** min(self._tries, 20))
        self._tries += 1
        self._not_before = now + pause_s * (0.5 + 0.5 * self._jitter())

    def _give_up(self, key: str, why: str) -> None:
        self.dropped += 1
        self._events.trouble("dropped", f"{why} ({key})")
