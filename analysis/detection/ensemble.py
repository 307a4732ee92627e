"""The learnt detector of one service: several views of the same rows, each on its own usual scale, fused into one score."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from analysis.detection.forecast import Forecast
from analysis.detection.forest import Forest, grown
from analysis.detection.neighbours import Neighbours
from analysis.detection.rows import Floats, Scale, Singles, earlier, scale_of, trailing_mean
from analysis.detection.smoothing import AsIs, Mean, PeakHold, Smoother
from analysis.detection.subspace import Subspace

HIGH = 0.99  # the quantile of its own past at which a view's score counts as one
REMEMBERED = 64  # rows of past that the views look back on
LEARN_EVERY = 512
LEARN_AFTER = 1024  # rows: an incident that lasts less does not teach
FOREST_MEANS = (6, 24)


class View(Protocol):
    def raw(self, z: Floats, new: int) -> Floats: ...


class ForestView:
    """Isolation Forest on the rows with their recent means and spreads."""

    reach = max(FOREST_MEANS)

    def __init__(self, z: Floats, seed: int = 0) -> None:
        self.forest: Forest = grown(_features(z), seed)

    def raw(self, z: Floats, new: int) -> Floats:
        return self.forest.score(_features(z[-new - self.reach :])[-new:])[:, None]


class Vote:
    """One column of a view, smoothed, in units of how high it usually gets."""

    def __init__(self, column: int, weight: float, smoother: Callable[[], Smoother]) -> None:
        self.column, self.weight = column, weight
        self._smoother = smoother()
        self._usual, self._high = 0.0, 1.0

    def calibrate(self, raw: Floats) -> None:
        smooth = self._smoother.of(raw[:, self.column])
        self._usual = float(np.median(smooth))
        above = float(np.quantile(smooth, HIGH)) - self._usual
        self._high = max(above, 1e-3 * abs(self._usual) + 1e-9)

    def of(self, raw: Floats) -> Floats:
        smooth = self._smoother.of(raw[:, self.column])
        return self.weight * np.log1p(np.maximum((smooth - self._usual) / self._high, 0.0))


class Ensemble:
    """Fitted on rows in time order, which need not be clean; then scores rows that follow, one or many at a time."""

    def __init__(self, rows: Floats) -> None:
        self.scale: Scale = scale_of(rows)
        z = self.scale.of(rows)
        self.forecast = Forecast(z)
        self._views: list[tuple[View, list[Vote]]] = [
            (view, votes) for view, votes in _members(z, self.forecast)
        ]
        for view, votes in self._views:
            raw = view.raw(z, len(z))
            for vote in votes:
                vote.calibrate(raw)
        self._tail = z[-REMEMBERED:]
        self._lesson = Lesson(self.forecast, z)

    def score(self, rows: Floats) -> Floats:
        parts, start = [], 0
        while start < len(rows):
            part = rows[start : start + self._lesson.room]
            parts.append(self._part(part))
            start += len(part)
        return np.concatenate(parts) if parts else np.empty(0)

    def _part(self, rows: Floats) -> Floats:
        z = self.scale.of(rows)
        joined = np.concatenate([self._tail, z])
        total = np.zeros(len(rows))
        for view, votes in self._views:
            raw = view.raw(joined, len(rows))
            if view is self.forecast:
                strangeness = raw[:, 0]
            for vote in votes:
                total += vote.of(raw)
        self._tail = joined[-REMEMBERED:]
        self._lesson.take(z, strangeness)
        return total


class Lesson:
    """What was scored waits here until it is old enough to be learnt from."""

    def __init__(self, forecast: Forecast, z: Floats) -> None:
        self._forecast = forecast
        self._rows: Singles = z[-forecast.reach :].astype(np.float32)
        self._strangeness: Singles = np.empty(0, dtype=np.float32)
        self.room = LEARN_EVERY

    def take(self, z: Floats, strangeness: Floats) -> None:
        """At most `room` rows."""
        self._rows = np.concatenate([self._rows, z.astype(np.float32)])
        self._strangeness = np.concatenate([self._strangeness, strangeness.astype(np.float32)])
        self.room -= len(z)
        if self.room:
            return
        self.room = LEARN_EVERY
        if len(self._strangeness) >= LEARN_AFTER + LEARN_EVERY:
            reach = len(self._rows) - len(self._strangeness)
            lesson = self._rows[: reach + LEARN_EVERY].astype(np.float64)
            self._forecast.learn(lesson, LEARN_EVERY, self._strangeness[:LEARN_EVERY])
            self._rows = self._rows[LEARN_EVERY:]
            self._strangeness = self._strangeness[LEARN_EVERY:]


def _members(z: Floats, forecast: Forecast) -> list[tuple[View, list[Vote]]]:
    if z.shape[1] > 1:
        return [
            (forecast, [Vote(0, 1.0, PeakHold), Vote(1, 1.0, PeakHold)]),
            (Subspace(z), [Vote(0, 1.0, AsIs)]),
            (ForestView(z), [Vote(0, 0.5, PeakHold)]),
        ]
    return [
        (forecast, []),
        (Neighbours(z), [Vote(0, 2.0, AsIs), Vote(1, 1.0, lambda: Mean(30))]),
        (ForestView(z), [Vote(0, 2.0, AsIs)]),
    ]


def _features(z: Floats) -> Floats:
    parts = [z]
    for length in FOREST_MEANS:
        mean = trailing_mean(z, length)
        parts += [mean, np.sqrt(np.maximum(trailing_mean(z * z, length) - mean * mean, 0.0))]
    if z.shape[1] == 1:
        parts += [z - earlier(z, 1), z - parts[3]]
    return np.concatenate(parts, axis=1)
