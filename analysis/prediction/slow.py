"""Slow rises towards a ceiling: the same robust trend over the last hour and the last hours, so that a leak of two days is
seen as well as one of an hour.

A daily wave rises for hours too. It ends below the ceiling, which shows in time: it slows down, and at its pace the ceiling
is far. So only what arrives within two hours is told; by then a wave that will turn lies well below.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from analysis.trend import Point, Trend, fit

SLICES_S = (60.0, 240.0)
POINTS = 60
MIN_POINTS = 15
HORIZONS = 8.0  # how many horizons ahead a slow rise is told
LATEST = 2.0  # how much later than that the slowest believable trend may arrive
MIN_TAU = 0.5
MIN_RISE_OF_NOISE = 4.0
MIN_RISE_OF_LIMIT = 0.01
MAX_GAIN_RATIO = 4.0
JUMP = 0.5  # of all that it rose, in one slice: a step


class Slices:
    """Medians of the last 60 slices of time."""

    def __init__(self, slice_s: float) -> None:
        self.points: deque[Point] = deque(maxlen=POINTS)
        self._slice_s = slice_s
        self._open: list[float] = []
        self._since = 0.0

    def add(self, at: float, value: float) -> bool:
        """Whether a slice was completed by what came before this value."""
        if self._open and at - self._since < self._slice_s:
            self._open.append(value)
            return False
        complete = bool(self._open)
        if complete:
            self.points.append((self._since + self._slice_s / 2, median(self._open)))
        self._open, self._since = [value], at
        return complete


class SlowSeries:
    """About 3 kB of one series in one life of a service."""

    def __init__(self) -> None:
        self._scales = [Slices(slice_s) for slice_s in SLICES_S]
        self._found: list[Trend | None] = [None for _ in SLICES_S]

    def add(self, at: float, value: float, limit: float, horizon_s: float) -> Trend | None:
        """The trend that ends at the ceiling within the time that is told; the shortest that does."""
        bound_s = HORIZONS * horizon_s
        for number, scale in enumerate(self._scales):
            if scale.add(at, value):
                self._found[number] = _judge(list(scale.points), limit, bound_s)
        return next((trend for trend in self._found if trend), None)


def _judge(points: list[Point], limit: float, bound_s: float) -> Trend | None:
    while len(points) >= MIN_POINTS:
        if _worth_a_fit(points, limit, bound_s):
            trend = fit(points)
            if trend and arrives(trend, points, limit, bound_s):
                return trend
        points = points[len(points) // 2 :]
    return None


def _worth_a_fit(points: Sequence[Point], limit: float, bound_s: float) -> bool:
    rise = points[-1][1] - points[0][1]
    return rise > 0 and (limit - points[-1][1]) * (points[-1][0] - points[0][0]) <= 2 * bound_s * rise


def arrives(trend: Trend, points: Sequence[Point], limit: float, bound_s: float) -> bool:
    """Whether this is a rise, not a step nor a wave near its top, and ends at the ceiling in time."""
    level = median(value for _, value in points[-3:])
    if trend.low <= 0 or trend.tau < MIN_TAU or not 0 < trend.gain_ratio <= MAX_GAIN_RATIO:
        return False
    if trend.rise < max(MIN_RISE_OF_NOISE * trend.noise, MIN_RISE_OF_LIMIT * limit):
        return False
    if max(after - before for (_, before), (_, after) in pairwise(points)) > JUMP * trend.rise:
        return False
    if trend.ceiling(level) < limit:
        return False
    return (
        trend.time_to(limit, level) <= bound_s
        and trend.time_to(limit, level, slope=trend.low) <= LATEST * bound_s
    )
