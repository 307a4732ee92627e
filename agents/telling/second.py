"""The second channel: what is urgent and that nobody has seen for two minutes goes another way."""

import asyncio
from collections.abc import Callable, Iterable

from agents.agent import Outlet
from agents.events import MessagePosted
from agents.telling.port import Channel
from agents.telling.speaker import Message, Speaker
from agents.telling.stories import State
from platforms.telegram.port import Buttons, Health
from platforms.telegram.text import plain
from utils.structured_logger import get_logger

log = get_logger("notifier")
AFTER_S = 120.0
FIRST_RETRY_S, LAST_RETRY_S = 5.0, 300.0
_SUBJECT = 120


class Second:
    """Each ring once; what could not be sent is tried again until somebody has seen it on either way."""

    def __init__(
        self, channel: Channel | None, outlet: Outlet, state: Callable[[], State], *, at_once: bool
    ) -> None:
        self._channel, self._outlet, self._state = channel, outlet, state
        self._after_s = 0.0 if at_once else AFTER_S
        self._due: dict[str, Message] = {}
        self._announced: Message | None = None  # told at once, however long anything else may wait
        self.failing = False  # the last word could not be sent
        self._some = asyncio.Event()

    def look(self, speaker: Speaker, at: float) -> None:
        """What is still unseen now; what was seen meanwhile is not sent."""
        if self._channel is None:
            return
        overdue = {
            key: message for key, (since, message) in speaker.waiting.items() if at - since >= self._after_s
        }
        if self._announced is not None:
            overdue[self._announced.key] = self._announced
        self._due = {key: message for key, message in overdue.items() if not self._was_sent(message)}
        if self._due:
            self._some.set()

    def announce(self, message: Message | None) -> None:
        """Once for each time that it begins; the same outage goes on under the same time."""
        known = self._announced
        if message is None or known is None:
            self._announced = message

    def announced(self) -> bool:
        return self._announced is not None and self._channel is not None and self._was_sent(self._announced)

    def _was_sent(self, message: Message) -> bool:
        channel = self._channel.kind if self._channel else ""
        known = self._state().posted.get(f"{channel} 0 {message.key}")
        return known is not None and known.at >= message.rang_at

    async def run(self) -> None:
        channel = self._channel
        pause_s = FIRST_RETRY_S
        while True:
            await self._some.wait()
            self._some.clear()
            for key, message in tuple(self._due.items()):
                if channel is None or key not in self._due:
                    continue
                text = plain(message.text)
                try:
                    await channel.send(text.partition("\n")[0][:_SUBJECT], text, key)
                except OSError as error:
                    self.failing = True
                    log.warning("second_channel_failed", channel=channel.kind, error=str(error))
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LAST_RETRY_S)
                    break
                pause_s, self.failing = FIRST_RETRY_S, False
                self._due.pop(key, None)
                self._outlet.emit(MessagePosted(key=key, channel=channel.kind))


class Nowhere:
    """A messenger for where there is no Telegram."""

    health = Health(None, 0, None, (), None, "", 0)

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
        """Nobody reads it."""

    def remember(self, ids: Iterable[tuple[str, int, int]]) -> None: ...

    def allow(self, users: Iterable[int]) -> None: ...

    def forget(self, key: str) -> None: ...

    def answer(self, query_id: str, text: str = "", *, alert: bool = False) -> None: ...

    async def run(self) -> None:
        await asyncio.Event().wait()
