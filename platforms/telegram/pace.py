"""How fast messages may go: one a second into a chat, 20 a minute into a group, 30 a second in all."""

from collections import deque

_SLACK = 1.05  # our seconds against theirs
_RESERVED = 5  # of a group's minute, for what is urgent


class Window:
    """At most `most` in any `period_s`. Times are loop time."""

    def __init__(self, most: int, period_s: float) -> None:
        self.most = most
        self.period_s = period_s * _SLACK
        self._times: deque[float] = deque()

    def wait_s(self, now: float, reserved: int = 0) -> float:
        while self._times and self._times[0] <= now - self.period_s:
            self._times.popleft()
        most = max(1, self.most - reserved)
        return 0.0 if len(self._times) < most else self._times[-most] + self.period_s - now

    def take(self, now: float) -> None:
        self._times.append(now)

    def ended(self, now: float) -> None:
        """The call was slow; what counts is when it arrived, at the latest now."""
        if self._times:
            self._times[-1] = now


def overall() -> Window:
    """Shared by all chats of one bot."""
    return Window(30, 1.0)


class Pace:
    """One chat's; ids of groups and channels are negative."""

    def __init__(self, chat_id: int, all_chats: Window) -> None:
        self._all = all_chats
        self._second = Window(1, 1.0)
        self._minute = Window(20, 60.0) if chat_id < 0 else None

    def wait_s(self, now: float, *, urgent: bool) -> float:
        waits = [self._all.wait_s(now), self._second.wait_s(now)]
        if self._minute:
            waits.append(self._minute.wait_s(now, 0 if urgent else _RESERVED))
        return max(waits)

    def take(self, now: float) -> None:
        for window in (self._all, self._second, self._minute):
            if window:
                window.take(now)

    def ended(self, now: float) -> None:
        self._second.ended(now)
        if self._minute:
            self._minute.ended(now)
