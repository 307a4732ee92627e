"""Will a resource run out? One series of one life of a service, judged against its ceiling.

A load peak, a saw-tooth and a cache that fills up also rise. What tells a leak from them: it rises on nearly every step,
it does not slow down enough to end below the ceiling, and it enters ground from which the series never fell back.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from statistics import median

from msgspec import Struct

from analysis.prediction.slow import HORIZONS as SLOW_HORIZONS
from analysis.prediction.slow import SlowSeries
from analysis.trend import MIN_POINTS, Point, Trend, fit

EARLY, ACT, REACHED = 1, 2, 3

BUCKETS = 60
EARLY_HORIZONS = 4.0  # how many horizons ahead something is said at all
LATE_TOLERANCE = 1.5  # how much later than the horizon the slowest believable trend may arrive
MAX_EXTRAPOLATION = 4.0  # a trend is believed for this many times its own age
MIN_TAU = 0.6
MIN_RISE_OF_LIMIT = 0.02
MIN_RISE_OF_NOISE = 4.0
MAX_GAIN_RATIO = 3.0  # beyond it the rise is younger than the points that were fitted
FALL = 0.05  # a fall by this share ends a rise
NEW_GROUND = 1.02  # only so far above the highest value from which it fell is a rise new
IN_A_ROW = 3
STILL_PACE = 0.2  # the last values rise at least by this share of what the trend says

# A rise too quick for slices is judged by the last values themselves, once start-up is over.
QUICK_POINTS = 15
QUICK_HORIZON_S = 6.0  # enough for a restart with grace, and late enough to let peaks end by themselves
QUICK_RISE_OF_LIMIT = 0.2
QUICK_LEVEL_OF_LIMIT = 0.6


class Outlook(Struct, frozen=True):
    """What lies ahead: `level` says how urgent, `trend` is None where the ceiling is reached already."""

    level: int
    lead_time_s: float
    confidence: float
    trend: Trend | None = None


class Series:
    """Medians of at most 60 slices of time; about 5 kB with what it keeps of the last hours, unless `slow` is off."""

    def __init__(self, incarnation: str, *, slow: bool = True) -> None:
        self.incarnation = incarnation
        self._points: deque[tuple[float, float]] = deque(maxlen=BUCKETS)
        self._slice: list[float] = []
        self._slice_at = 0.0
        self._peak = 0.0
        self._known_ground = 0.0  # the highest value from which it fell again
        self._over = 0
        self._believed = 0
        self._last: deque[Point] = deque(maxlen=QUICK_POINTS)
        self._born_at: float | None = None
        self._slow = SlowSeries() if slow else None

    def add(
        self, at: float, value: float, limit: float, *, horizon_s: float, warmup_s: float
    ) -> Outlook | None:
        if not isfinite(value):
            return None
        self._last.append((at, value))
        self._born_at = at if self._born_at is None else self._born_at
        self._note(at, value, max(horizon_s, 2 * warmup_s) / BUCKETS)
        self._over = self._over + 1 if value >= limit else 0
        if self._over >= IN_A_ROW:
            return Outlook(REACHED, 0.0, 0.99)
        outlook = self._judge(at, limit, horizon_s, warmup_s) or self._judge_quickly(
            at, value, limit, warmup_s
        )
        slow = self._slow.add(at, value, limit, horizon_s) if self._slow is not None else None
        if outlook is None and slow is not None:
            outlook = _slow_outlook(slow, at, limit, horizon_s)
        self._believed = self._believed + 1 if outlook else 0
        return outlook if self._believed >= IN_A_ROW else None

    def _note(self, at: float, value: float, slice_s: float) -> None:
        if not self._points or at - self._slice_at >= slice_s:
            self._slice_at, self._slice = at, []
            self._points.append((at, value))
        self._slice.append(value)
        level = median(self._slice)
        self._points[-1] = ((self._slice_at + at) / 2, level)
        if level >= self._peak:
            self._peak = level
        elif level < self._peak * (1 - FALL):
            self._known_ground = max(self._known_ground, self._peak)

    def _judge(self, at: float, limit: float, horizon_s: float, warmup_s: float) -> Outlook | None:
        points = list(self._points)
        level = median(value for _, value in points[-3:])
        if level <= self._known_ground * NEW_GROUND:
            return None
        # A rise that began late in the window is judged from there on, once it is old enough itself.
        while len(points) >= MIN_POINTS and points[-1][0] - points[0][0] >= warmup_s:
            if _worth_a_fit(points, level, limit, horizon_s):
                trend = fit(points)
                outlook = _outlook(trend, at, limit, horizon_s) if trend else None
                if trend and outlook and not _has_stopped(self._last, trend):
                    return outlook
            points = points[len(points) // 2 :]
        return None

    def _judge_quickly(self, at: float, value: float, limit: float, warmup_s: float) -> Outlook | None:
        """The newest stretch of the last values in which it did nothing but rise."""
        grown_up = self._born_at is not None and at - self._born_at >= warmup_s
        high = value >= QUICK_LEVEL_OF_LIMIT * limit and value > self._known_ground * NEW_GROUND
        points = list(self._last)
        if not (grown_up and high) or value - points[0][1] < QUICK_RISE_OF_LIMIT * limit:
            return None
        trend = fit(points[_calm(points) :])
        if trend is None or trend.rise < QUICK_RISE_OF_LIMIT * limit:
            return None
        lead_s = max(trend.time_to(limit, value), 1.0)
        slowing = trend.gain_ratio < 1 / MAX_GAIN_RATIO or trend.ceiling(value) < limit
        if lead_s > QUICK_HORIZON_S or slowing:
            return None
        return Outlook(
            ACT, lead_s, trend.confidence((limit - value) / QUICK_HORIZON_S / LATE_TOLERANCE), trend
        )


def _calm(points: Sequence[Point]) -> int:
    """How many of the first values are from before the rise: up to the last that is no higher than the first tenth."""
    first, top = points[0][1], points[-1][1]
    return max(n for n, (_, value) in enumerate(points) if value <= first + (top - first) / 10)


def _worth_a_fit(points: Sequence[Point], level: float, limit: float, horizon_s: float) -> bool:
    """A cheap bound, so that a service at rest costs nothing."""
    rise = level - points[0][1]
    span_s = points[-1][0] - points[0][0]
    return rise > 0 and (limit - level) * span_s <= 2 * EARLY_HORIZONS * horizon_s * rise


def _has_stopped(last: Sequence[Point], trend: Trend) -> bool:
    """A step, or a cache that has filled up, rose too, but does so no more, as its last values show."""
    values = [value for _, value in last]
    third = len(values) // 3
    if third == 0:
        return False
    noise = median(abs(after - before) for before, after in pairwise(values))
    expected = trend.slope * (last[-1][0] - last[0][0]) * 2 / 3
    rise = median(values[-third:]) - median(values[:third])
    return expected >= MIN_RISE_OF_NOISE * noise and rise < STILL_PACE * expected


def _is_leak(trend: Trend, level: float, limit: float) -> bool:
    return (
        trend.low > 0
        and trend.tau >= MIN_TAU
        and trend.rise >= max(MIN_RISE_OF_LIMIT * limit, MIN_RISE_OF_NOISE * trend.noise)
        and trend.gain_ratio <= MAX_GAIN_RATIO
        and trend.ceiling(level) >= limit
    )


def _outlook(trend: Trend, at: float, limit: float, horizon_s: float) -> Outlook | None:
    level = trend.value_at(at)
    if not _is_leak(trend, level, limit):
        return None
    lead_s = max(trend.time_to(limit, level), 1.0)  # 0 is said of values seen, not of a line
    latest_s = trend.time_to(limit, level, slope=trend.low)
    if lead_s > MAX_EXTRAPOLATION * trend.span_s:
        return None
    if lead_s <= horizon_s:
        urgency, bound_s = ACT, horizon_s * LATE_TOLERANCE
    else:
        urgency, bound_s = EARLY, horizon_s * EARLY_HORIZONS
    if latest_s > bound_s:
        return None
    return Outlook(urgency, lead_s, trend.confidence((limit - level) / bound_s), trend)


def _slow_outlook(trend: Trend, at: float, limit: float, horizon_s: float) -> Outlook | None:
    """Told early, and as urgent only once the slowest believable trend arrives in time too."""
    level = trend.value_at(at)
    lead_s = max(trend.time_to(limit, level), 1.0)
    soon = trend.time_to(limit, level, slope=trend.low) <= horizon_s * LATE_TOLERANCE
    bound_s = SLOW_HORIZONS * horizon_s
    if lead_s <= horizon_s and not soon:
        lead_s = horizon_s * (1 + 1e-6)
    confidence = trend.confidence((limit - level) / bound_s)
    return Outlook(ACT if lead_s <= horizon_s else EARLY, lead_s, confidence, trend)
