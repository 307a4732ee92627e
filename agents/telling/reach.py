"""Whether people can be told at all: Telegram works, or the second channel does, and people were told there that it must."""

from collections.abc import Callable

from agents.telling.second import Second
from agents.telling.speaker import Message
from platforms.telegram.port import Health

LASTED_S = 3.0  # a call that fails is tried again within a second or two
ANNOUNCED_S = 12.0  # so that a blip is no message, and the next but one beat of the heart comes in time
KEY = "outage"


class Reach:
    """The clock of `health` is the loop's, that of `now` the daemon's."""

    def __init__(self, health: Callable[[], Health], second: Second, clock: Callable[[], float]) -> None:
        self._health, self._second, self._clock = health, second, clock

    def outage_s(self) -> float:
        """For how long Telegram has been out of reach, by a message that cannot be sent or a poll that fails; 0: it works."""
        health = self._health()
        since = [at for at in (health.failing_since, health.deaf_since) if at is not None]
        return self._clock() - min(since) if since else 0.0

    def look(self, now: float) -> None:
        """An outage that lasts is told on the second channel, which proves that it works."""
        outage_s = self.outage_s()
        if outage_s < ANNOUNCED_S:
            self._second.announce(None)
            return
        text = (
            f"Telegram cannot be reached: {self._health().problem}. What is urgent comes here until it can."
        )
        self._second.announce(Message(KEY, text, urgent=True, rang_at=now - outage_s))

    def why_not(self) -> str:
        """Why nobody can be told now; empty while somebody can."""
        outage_s = self.outage_s()
        if self._second.failing:
            return "the second channel fails"
        if outage_s < LASTED_S or self._second.announced():
            return ""
        return f"it has been out of reach for {outage_s:.0f} s, and nobody was told elsewhere"
