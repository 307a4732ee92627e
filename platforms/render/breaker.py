"""A circuit breaker: an API that is down is asked now and then, and everybody else hears so at once."""

from math import inf

FAILURES = 5  # in a row
FIRST_S = 5.0
LONGEST_S = 60.0


class Breaker:
    """
    >>> breaker = Breaker()
    >>> for _ in range(FAILURES): breaker.failed(0.0)
    >>> breaker.wait_s(1.0), breaker.wait_s(5.0), breaker.wait_s(5.1)
    (4.0, 0.0, 4.9)
    >>> breaker.succeeded(); breaker.wait_s(5.2)
    0.0
    """

    def __init__(self) -> None:
        self._failures = 0
        self._open_for_s = 0.0
        self._closed_at = -inf
        self._failing_since = inf

    def failing_s(self, now: float) -> float:
        """Since the first failure that no success has followed."""
        return max(now - self._failing_since, 0.0)

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    def wait_s(self, now: float) -> float:
        """Until somebody may try; whoever hears 0 while it is open is the one who tries."""
        if not self.is_open:
            return 0.0
        if now < self._closed_at:
            return round(self._closed_at - now, 3)
        self._closed_at = now + self._open_for_s
        return 0.0

    def failed(self, now: float) -> None:
        self._failures += 1
        self._failing_since = min(self._failing_since, now)
        if self._failures >= FAILURES:
            self._open_for_s = min(max(self._open_for_s * 2, FIRST_S), LONGEST_S)
            self._closed_at = now + self._open_for_s

    def succeeded(self) -> None:
        self._failures, self._open_for_s, self._closed_at, self._failing_since = 0, 0.0, -inf, inf
