"""Health from probes: streaks keyed by incarnation, and the latency that is usual for a service."""

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Literal

Health = Literal["starting", "healthy", "unhealthy", "down", "stopped", "unknown"]

FAILED_TO_UNHEALTHY = 2  # in a row
_GOOD_PROBES_REMEMBERED = 61
_SLOW_FOR_ONE = (
    10  # so many slow probes in a row count as one: a trouble of minutes does not become the usual
)


def much_slower(latency_s: float, usual_s: float) -> bool:
    """Several times slower than usual, and so slow that a caller notices.

    >>> much_slower(0.02, usual_s=0.002), much_slower(0.4, usual_s=0.002)
    (False, True)
    """
    return latency_s >= max(4 * usual_s, usual_s + 0.1)


@dataclass
class Vitals:
    """What is known of the present life of one service; `incarnation` is None while it has none.

    >>> vitals = Vitals()
    >>> vitals.begin("a", at=0.0)
    >>> vitals.observe("a", ok=True, at=1.0, start_timeout_s=20)
    'healthy'
    >>> vitals.became("healthy")
    >>> vitals.observe("a", ok=False, at=2.0, start_timeout_s=20)
    >>> vitals.observe("a", ok=False, at=3.0, start_timeout_s=20)
    'unhealthy'
    """

    incarnation: str | None = None
    health: Health = "unknown"
    failed: int = 0  # probes in a row
    failing_since: float = 0.0  # the first of them
    failed_at: float = 0.0  # the last of them that counted
    begun_at: float = 0.0  # as far as we watched

    def begin(self, incarnation: str, at: float) -> None:
        self.incarnation, self.health, self.failed, self.begun_at = incarnation, "starting", 0, at

    def end(self, health: Health) -> None:
        self.incarnation, self.health, self.failed = None, health, 0

    def resume(self, at: float) -> None:
        """Watching begins anew: nothing counts that was seen before."""
        self.failed, self.begun_at = 0, at

    def became(self, health: Health) -> None:
        self.health = health

    def observe(
        self, incarnation: str, ok: bool | None, at: float, start_timeout_s: float, apart_s: float = 0.0
    ) -> Literal["healthy", "unhealthy"] | None:
        """Count one probe, begun at `at`, and return what the service is now, if that is news; `became` makes it old.

        Failures nearer to one another than `apart_s` are one: two extra looks at one blip are no trend.
        """
        if ok is None or incarnation != self.incarnation:
            return None
        if ok:
            self.failed = 0
            return None if self.health == "healthy" else "healthy"
        if self.failed and at - self.failed_at < apart_s:
            return None
        self.failed, self.failed_at = self.failed + 1, at
        if self.failed == 1:
            self.failing_since = at
        booting = self.health == "starting" and at - self.begun_at < start_timeout_s
        if self.failed < FAILED_TO_UNHEALTHY or booting or self.health == "unhealthy":
            return None
        return "unhealthy"

    @property
    def suspicious(self) -> bool:
        """A healthy service has just failed for the first time."""
        return self.failed == 1 and self.health == "healthy"

    @property
    def failing(self) -> bool:
        return self.failed >= FAILED_TO_UNHEALTHY


class UsualLatency:
    """Median over the last good probes: a slowness that has just begun does not become the usual.

    >>> usual = UsualLatency()
    >>> for latency_s in (0.01, 0.02, 0.01, 0.9): usual.learn(latency_s)
    >>> usual.value_s()
    0.01
    """

    def __init__(self) -> None:
        self._latencies_s: deque[float] = deque(maxlen=_GOOD_PROBES_REMEMBERED)
        self._slow = 0  # in a row

    def learn(self, latency_s: float) -> None:
        usual_s = self.value_s()
        self._slow = self._slow + 1 if usual_s and much_slower(latency_s, usual_s) else 0
        if self._slow % _SLOW_FOR_ONE == 0:
            self._latencies_s.append(latency_s)

    def value_s(self) -> float:
        return median(self._latencies_s) if self._latencies_s else 0.0
