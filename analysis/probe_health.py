"""Health from probes: streaks keyed by incarnation, and the latency that is usual for a service."""

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Literal

from analysis.warm_up import Boot, Tolerance, says_no

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
    was_well: bool = False  # at any time of this life
    seen_whole: bool = False  # we have watched this life from its beginning on
    answered_at: float | None = None  # when it first gave an answer that was not good
    erring_since: float | None = None  # since when it has answered nothing but errors
    tolerance: Tolerance | None = None  # of that while it boots; None: until its time is over

    def begin(self, incarnation: str, at: float, tolerance: Tolerance | None = None) -> None:
        self.incarnation, self.health, self.failed, self.begun_at = incarnation, "starting", 0, at
        self.seen_whole, self.tolerance, self.was_well = True, tolerance, False
        self.answered_at = self.erring_since = None

    def end(self, health: Health) -> None:
        self.incarnation, self.health, self.failed = None, health, 0

    def resume(self, at: float) -> None:
        """Watching begins anew: nothing counts that was seen before."""
        self.failed, self.begun_at, self.seen_whole = 0, at, False
        self.answered_at = self.erring_since = None

    def became(self, health: Health) -> None:
        self.health = health
        self.was_well = self.was_well or health == "healthy"

    def observe(
        self, incarnation: str, ok: bool | None, at: float, start_timeout_s: float, apart_s: float = 0.0,
        status: int | None = None,
    ) -> Literal["healthy", "unhealthy"] | None:  # fmt: skip
        """Count one probe, begun at `at`, and return what the service is now, if that is news; `became` makes it old.

        Failures nearer to one another than `apart_s` are one: two extra looks at one blip are no trend.
        """
        if ok is None or incarnation != self.incarnation:
            return None
        if ok:
            self.failed = 0
            return None if self.health == "healthy" else "healthy"
        self._note_answer(status, at)
        if self.failed and at - self.failed_at < apart_s:
            return None
        self.failed, self.failed_at = self.failed + 1, at
        if self.failed == 1:
            self.failing_since = at
        early = at - self.begun_at < start_timeout_s and not self._errs(at)
        booting = self.health == "starting" and early
        if self.failed < FAILED_TO_UNHEALTHY or booting or self.health == "unhealthy":
            return None
        return "unhealthy"

    def boot(self, at: float) -> Boot | None:
        """The boot that ends well at this time, where it was seen whole."""
        if self.health != "starting" or not self.seen_whole:
            return None
        answered_s = 0.0 if self.answered_at is None else at - self.answered_at
        return Boot(round(at - self.begun_at, 3), round(answered_s, 3))

    def late_boot_s(self, at: float) -> float:
        """How long the boot took that ends well at this time, after it was given up as too long; 0: there is none."""
        late = self.health == "unhealthy" and not self.was_well and self.seen_whole
        return round(at - self.begun_at, 3) if late else 0.0

    def _note_answer(self, status: int | None, at: float) -> None:
        if status is not None and self.answered_at is None:
            self.answered_at = at
        if not says_no(status):
            self.erring_since = None
        elif self.erring_since is None:
            self.erring_since = at

    def _errs(self, at: float) -> bool:
        """Whether it has answered nothing but errors for longer than its good boots give reason to tolerate."""
        limit, since, first = self.tolerance, self.erring_since, self.answered_at
        if limit is None or since is None or first is None or at - self.begun_at < limit.boot_s:
            return False
        return at - since >= limit.errors_s and at - first >= limit.answers_s

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
