"""Telegram as a Messenger: one outbox per chat, one listener, and answers to every press.

messenger = TelegramMessenger(token, chats=[12345], ears=Ears(heard=...))
messenger.put("incident/7", "<b>shop</b> is down", ((Button("Why", "w:7"),),), urgent=True)
await messenger.run()  # for ever; puts made before are kept
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from platforms.telegram.answers import Answers
from platforms.telegram.content import Content
from platforms.telegram.failures import FailureError
from platforms.telegram.gate import REFUSAL, Gate, Once, stranger
from platforms.telegram.hearing import Moved
from platforms.telegram.lane import Events, Lane
from platforms.telegram.listener import Listener
from platforms.telegram.pace import Pace, overall
from platforms.telegram.port import Buttons, Ears, Health, Press, Said, Trouble, TroubleKind
from platforms.telegram.wire import BotWire
from utils.parts import Parts

OFFICIAL = "https://api.telegram.org/bot"
_SAME_TROUBLE_S = 600.0
_SAME_REFUSAL_S = 3600.0
_DRAIN_S = 2.0  # for what waits when we are stopped
_CLOSE_S = 1.0
_A_MOMENT_S = 0.1


async def opened(token: str, base_url: str) -> BotWire:
    """In a thread: the library takes a third of a second to load."""
    return await asyncio.to_thread(BotWire, token, base_url)


class TelegramMessenger:
    """Every text passes `redact`. `now` is the clock of Health; `chats` is who is told, `users` who may act."""

    def __init__(
        self,
        token: str,
        chats: Iterable[int],
        ears: Ears,
        *,
        users: Iterable[int] = (),
        commands: Sequence[tuple[str, str]] = (),
        base_url: str = OFFICIAL,
        redact: Callable[[str], str] = str,
        now: Callable[[], float] | None = None,
        open_wire: Callable[[str, str], Awaitable[BotWire]] = opened,
    ) -> None:
        self._now = now or asyncio.get_running_loop().time
        self._token, self._base_url, self._open_wire = token, base_url, open_wire
        self._ears, self._redact = ears, redact
        chats = tuple(dict.fromkeys(chats))
        self._gate = Gate(chats, users)
        self._answers = Answers()
        self._listener = Listener(self._heard, self._report, self._now, commands)
        self._troubles, self._refusals = Once(_SAME_TROUBLE_S), Once(_SAME_REFUSAL_S)
        all_chats = overall()
        self._lanes = {
            chat: Lane(chat, Pace(chat, all_chats), self._events(chat), self._now) for chat in chats
        }
        self._last_ok_at: float | None = None
        self._wire: BotWire | None = None

    def put(
        self,
        key: str,
        text: str,
        buttons: Buttons = (),
        *,
        urgent: bool = False,
        photo: bytes | None = None,
        ring: bool = False,
        only: int = 0,
    ) -> None:
        if not text.strip():
            raise ValueError(f"the message of {key} needs a text")
        content = Content(self._redact(text), buttons, photo)
        for chat_id, lane in self._lanes.items():
            if only in (0, chat_id, lane.address):
                lane.put(key, content, urgent=urgent, ring=ring)

    def remember(self, ids: Iterable[tuple[str, int, int]]) -> None:
        for key, chat_id, message_id in ids:
            if lane := self._lanes.get(chat_id):
                lane.remember(key, message_id)

    def allow(self, users: Iterable[int]) -> None:
        self._gate.allow(users)

    def forget(self, key: str) -> None:
        for lane in self._lanes.values():
            lane.forget(key)

    def answer(self, query_id: str, text: str = "", *, alert: bool = False) -> None:
        self._answers.answer(query_id, self._redact(text), alert=alert)

    @property
    def health(self) -> Health:
        lanes = self._lanes.values()
        failing = [lane.failing_since for lane in lanes if lane.failing_since is not None]
        times = [at for at in (self._last_ok_at, self._listener.last_ok_at) if at is not None]
        problems = [lane.problem for lane in lanes if lane.problem] + [self._listener.problem]
        return Health(
            last_ok_at=max(times, default=None),
            waiting=sum(len(lane.waiting) for lane in lanes),
            failing_since=max(failing) if failing and len(failing) == len(lanes) else None,
            unreachable=tuple(chat for chat, lane in self._lanes.items() if lane.failing_since is not None),
            deaf_since=self._listener.deaf_since,
            problem=problems[0],
            dropped=sum(lane.dropped for lane in lanes),
        )

    async def run(self) -> None:
        """Until cancelled; then says what it can still say within two seconds."""
        wire = self._wire = self._answers.wire = await self._open_wire(self._token, self._base_url)
        parts = Parts("the messenger")
        try:
            async with asyncio.TaskGroup() as group:
                lanes = [group.create_task(parts.part(lane.run(wire))) for lane in self._lanes.values()]
                try:
                    await self._listener.run(wire)
                finally:
                    await _within(_DRAIN_S, self._drained())
                    parts.end()
                    for task in lanes:
                        task.cancel()
        finally:
            await self._answers.close(_CLOSE_S)
            await _within(_CLOSE_S, self._listener.confirm(wire))
            await _within(_CLOSE_S, wire.close())

    async def _drained(self) -> None:
        await asyncio.gather(*(lane.drained() for lane in self._lanes.values()))

    async def _heard(self, what: Press | Said | Moved) -> None:
        if isinstance(what, Moved):
            if self._gate.knows(what.chat_id) and (lane := self._lanes.get(what.chat_id)):
                lane.move(what.now)
            return
        if lane := self._lanes.get(what.chat_id):
            lane.seen(what.message_id)
        if isinstance(what, Press):
            self._answers.expect(what.query_id)
        if self._gate.admits(what):
            await self._ears.heard(what)
        else:
            await self._refuse(what)

    async def _refuse(self, what: Press | Said) -> None:
        self._report(Trouble("foreign", stranger(what)))
        if isinstance(what, Press):
            self._answers.answer(what.query_id, REFUSAL, alert=True)
        elif what.command and self._refusals.first((what.chat_id, what.user_id), self._now()) and self._wire:
            try:
                message_id = await self._wire.create(what.chat_id, Content(REFUSAL))
            except FailureError:
                return  # it was a courtesy
            if lane := self._lanes.get(what.chat_id):
                lane.seen(message_id)

    def _events(self, chat_id: int) -> Events:
        return Events(
            kept=lambda key, message_id: self._ears.kept(key, chat_id, message_id),
            told=lambda key: self._ears.told(key, chat_id),
            trouble=self._trouble,
            answered=self._answered,
            moved=self._gate.follow,
        )

    def _answered(self) -> None:
        self._last_ok_at = self._now()

    def _trouble(self, kind: TroubleKind, text: str) -> None:
        self._report(Trouble(kind, text))

    def _report(self, trouble: Trouble) -> None:
        if self._troubles.first(trouble, self._now()):
            self._ears.report(trouble)


async def _within(seconds: float, work: Awaitable[None]) -> None:
    """Wait for it, also while we are being cancelled; what takes longer, or fails, is left."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=seconds)
    if task.cancel():
        await asyncio.wait({task}, timeout=_A_MOMENT_S)
    elif not task.cancelled():
        task.exception()
