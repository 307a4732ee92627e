"""Measures how far the event loop lags behind, so that our own slowness is not blamed on others."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

_BLOCKS_REMEMBERED = 256


class LagMeter:
    """Beats while somebody measures; a beat that comes late shows a stretch in which the loop did nothing else.

    A stretch is known to within one period: it may have begun that much earlier than noted.
    """

    def __init__(self, period_s: float = 0.05) -> None:
        self._period_s = period_s
        self._blocks: deque[tuple[float, float]] = deque(maxlen=_BLOCKS_REMEMBERED)  # (due, came)
        self._users = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def measuring(self) -> Iterator[None]:
        self._users += 1
        if self._timer is None:
            self._set()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def lagged(self, since: float, until: float) -> float:
        """The longest stretch within the interval in which the loop was held up; both in loop time."""
        # Results of I/O run before the timers of the same turn, so the beat that would tell may still be pending.
        worst_s = until - max(self._due, since) if self._timer is not None else 0.0
        for due, came in reversed(self._blocks):
            if came <= since:
                break
            worst_s = max(worst_s, min(came, until) - max(due, since))
        return max(worst_s, 0.0)

    def _set(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + self._period_s
        self._timer = loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._due > self._period_s / 2:
            self._blocks.append((self._due, now))
        self._set()
