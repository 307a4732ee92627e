"""Robust trend of a series towards a limit: Theil-Sen slope, its confidence interval, and signs of levelling off.

>>> line = [(float(t), 100 + 2.0 * t) for t in range(20)]
>>> trend = fit(line)
>>> round(trend.slope, 3), round(trend.time_to(200, value=138), 1)
(2.0, 31.0)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import erf, inf, sqrt
from statistics import median

from msgspec import Struct

Point = tuple[float, float]

Z_99 = 2.576
MIN_POINTS = 6


class Trend(Struct, frozen=True):
    """Per second; `low` and `high` bound the slope with 99 % confidence; `tau` is 1 when every later value is higher."""

    slope: float
    low: float
    high: float
    tau: float
    span_s: float
    rise: float  # along the fitted line, over the span
    offset: float  # of the fitted line, at time 0
    noise: float  # typical distance of a value from the line
    gain_ratio: float  # slope of the later half over that of the earlier one; below 1 it levels off

    def value_at(self, at: float) -> float:
        return self.offset + self.slope * at

    def time_to(self, limit: float, value: float, *, slope: float | None = None) -> float:
        """Seconds until `limit`, from `value`; infinite where it is not approached."""
        pace = self.slope if slope is None else slope
        if value >= limit:
            return 0.0
        return (limit - value) / pace if pace > 0 else inf

    def ceiling(self, value: float) -> float:
        """Where a rise that slows down this way would end (Aitken's extrapolation); infinite for a steady one."""
        if self.gain_ratio >= 1:
            return inf
        if self.gain_ratio <= 0:
            return value
        half_gain = max(self.rise, 0.0) / (1 + 1 / self.gain_ratio)
        return value + half_gain * self.gain_ratio / (1 - self.gain_ratio)

    def confidence(self, needed_slope: float) -> float:
        """Probability that the true slope is at least `needed_slope`, at most 0.99."""
        sigma = max((self.high - self.low) / (2 * Z_99), 1e-12)
        return min(0.99, 0.5 * (1 + erf((self.slope - needed_slope) / (sigma * sqrt(2)))))


def fit(points: Sequence[Point]) -> Trend | None:
    """The trend of points in order of time; None when there are too few to say anything."""
    if len(points) < MIN_POINTS or points[-1][0] <= points[0][0]:
        return None
    first, second = points[: len(points) // 2], points[len(points) // 2 :]
    early_slopes, late_slopes = sorted(_within(first)), sorted(_within(second))
    slopes = sorted([*early_slopes, *late_slopes, *_between(first, second)])
    slope = _middle(slopes)
    low, high = _interval(slopes, len(points))
    early, late = _middle(early_slopes), _middle(late_slopes)
    offset = median(value - slope * at for at, value in points)
    span_s = points[-1][0] - points[0][0]
    return Trend(
        slope=slope,
        low=low,
        high=high,
        tau=_agreement(slopes) / len(slopes),
        span_s=span_s,
        rise=slope * span_s,
        offset=offset,
        noise=median(abs(value - offset - slope * at) for at, value in points),
        gain_ratio=late / early if early > 0 else inf,
    )


def _within(points: Sequence[Point]) -> list[float]:
    """Slopes of all pairs."""
    return [
        (later - earlier) / (at - since)
        for index, (since, earlier) in enumerate(points)
        for at, later in points[index + 1 :]
        if at > since
    ]


def _between(first: Sequence[Point], second: Sequence[Point]) -> list[float]:
    return [
        (later - earlier) / (at - since) for since, earlier in first for at, later in second if at > since
    ]


def _agreement(ordered: Sequence[float]) -> int:
    """Kendall's count of rising minus falling pairs."""
    return len(ordered) - bisect_right(ordered, 0) - bisect_left(ordered, 0)


def _middle(ordered: Sequence[float]) -> float:
    if not ordered:
        return 0.0
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _interval(slopes: Sequence[float], count: int) -> tuple[float, float]:
    """Sen's rank interval of the median slope."""
    spread = Z_99 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    below = int((len(slopes) - spread) / 2)
    above = int((len(slopes) + spread) / 2) + 1
    return slopes[max(below, 0)], slopes[min(above, len(slopes) - 1)]
