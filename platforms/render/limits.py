"""Keeps our calls below the limits that Render documents, in any 60 seconds, with room for acts beside watching."""

import re
from collections import deque
from math import inf

from msgspec import Struct

WINDOW_S = 61.0  # a second more than Render's, for calls overtake one another on their way
SHARE = 0.9  # of each documented limit
WATCHING = 0.75  # of that, what may go on watching: acts find the rest
LONGEST_HOLD_S = 120.0
_LEAST_S = 0.001  # a shorter sleep may not move the clock
_EPOCH = 1e9  # a reset beyond this is a time, not a span
_OF_SERVICE = re.compile(r"(?:PATCH /services/([^/]+)|POST /services/([^/]+)/(?:deploys|suspend|resume))")


class Rule(Struct, frozen=True):
    bucket: str
    a_minute: int


def rule(method: str, path: str) -> Rule:
    """The documented limit that a call falls under.

    >>> rule("GET", "/services").a_minute, rule("POST", "/services/srv-1/deploys").bucket
    (400, 'service srv-1')
    >>> rule("POST", "/services/srv-1/restart"), rule("GET", "/logs").a_minute
    (Rule(bucket='changes', a_minute=30), 30)
    """
    if path == "/logs" or path.startswith("/logs/"):
        return Rule("logs", 30)
    if method == "GET":
        return Rule("reads", 400)
    if found := _OF_SERVICE.fullmatch(f"{method} {path}"):
        return Rule(f"service {found[1] or found[2]}", 10)
    return Rule("changes", 30)


class Bucket:
    """The calls of the last minute, and until when Render wants none."""

    def __init__(self, a_minute: int) -> None:
        self._most = max(1, int(a_minute * SHARE))
        self._taken: deque[float] = deque()
        self._held_until = -inf

    def wait_s(self, now: float, *, urgent: bool) -> float:
        """Until the next call may go; 0: now."""
        while self._taken and self._taken[0] <= now - WINDOW_S:
            self._taken.popleft()
        most = self._most if urgent else max(1, int(self._most * WATCHING))
        over = len(self._taken) - most
        free_at = self._taken[over] + WINDOW_S if over >= 0 else now
        wait_s = max(free_at, self._held_until) - now
        return max(wait_s, _LEAST_S) if wait_s > 0 else 0.0

    def take(self, now: float) -> None:
        self._taken.append(now)

    def hold(self, until: float) -> None:
        self._held_until = max(self._held_until, until)


class Limits:
    """All buckets of one key."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def of(self, method: str, path: str) -> Bucket:
        found = rule(method, path)
        if found.bucket not in self._buckets:
            self._buckets[found.bucket] = Bucket(found.a_minute)
        return self._buckets[found.bucket]


def reset_s(headers: dict[str, str], wall: float) -> float | None:
    """Seconds until calls are welcome again, in whichever of the three forms it is told; None: it is not told.

    >>> reset_s({"retry-after": "7"}, 0), reset_s({"ratelimit-reset": "45"}, 0), reset_s({}, 0)
    (7.0, 45.0, None)
    >>> reset_s({"ratelimit-reset": "1790000030"}, 1790000000.0)
    30.0
    """
    for name in ("retry-after", "ratelimit-reset"):
        try:
            value = float(headers[name])
        except (KeyError, ValueError):
            continue
        if value >= 0 and value != inf:
            return min(max(value - wall if value > _EPOCH else value, 0.0), LONGEST_HOLD_S)
    return None


def is_used_up(headers: dict[str, str]) -> bool:
    """Whether Render says that hardly a call is left, whoever made the others.

    >>> is_used_up({"ratelimit-limit": "400", "ratelimit-remaining": "40"}), is_used_up({"ratelimit-limit": "400"})
    (True, False)
    """
    try:
        limit, left = float(headers["ratelimit-limit"]), float(headers["ratelimit-remaining"])
    except (KeyError, ValueError):
        return False
    return left <= limit * (1 - SHARE) + 1e-9
