"""The learnt detector of one service: several views of the same rows, each on its own usual scale, fused into one score."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.detection.forecast import Forecast
from analysis.detection.forest import Forest, grown
from analysis.detection.neighbours import Neighbours
from analysis.detection.onset import Onset
from analysis.detection.rows import Floats, Scale, Singles, earlier, scale_of, trailing_mean
from analysis.detection.smoothing import AsIs, Mean, PeakHold, Smoother
from analysis.detection.subspace import Subspace

HIGH = 0.99  # the quantile of its own past at which a view's score counts as one
REMEMBERED = 64  # rows of past that the views look back on
SETTLED = 30  # rows before a new life that say where metrics stood
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
        self.onset = Onset(self.forecast.residuals(z, len(z)) / self.forecast.spread)
        self._tail = z[-REMEMBERED:]
        self._recent = rows[-SETTLED:]
        self._lesson = Lesson(self.forecast, z)
        self.metrics = rows.shape[1]
        self.errors: Floats = np.zeros(self.metrics)  # of the forecast of the last row, in usual errors

    def expected(self, row: Floats) -> Floats:
        """What was forecast where `row`, the last one scored, came; about, where it was far out."""
        return np.asarray(row - self.errors * self.forecast.spread * self.scale.spread)

    def settle(self, moved: NDArray[np.bool_], rows: Floats) -> None:
        """A new life began with `rows`: these metrics may stand elsewhere than before it."""
        with np.errstate(all="ignore"):
            step = np.nanmedian(rows, axis=0) - np.nanmedian(self._recent, axis=0)
        step[~(moved & np.isfinite(step))] = 0.0
        self.scale = Scale(self.scale.centre + step, self.scale.spread)
        self._recent = rows[-SETTLED:]
        self._tail = np.concatenate([self._tail, self.scale.of(rows)])[-REMEMBERED:]

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
        errors = self.forecast.residuals(joined, len(rows))
        strange = self.forecast.strange(errors)
        for view, votes in self._views:
            raw = strange if view is self.forecast else view.raw(joined, len(rows))
            for vote in votes:
                total += vote.of(raw)
        self._tail = joined[-REMEMBERED:]
        self._recent = np.concatenate([self._recent, rows[-SETTLED:]])[-SETTLED:]
        self.errors = errors[-1] / self.forecast.spread
        self._lesson.take(z, strange[:, 0])
        return np.log1p(total) + self.onset.of(errors / self.forecast.spread)


class Lesson:
    """What was scored waits here until it is old enough to be learnt from."""

    def __init__(self, forecast: Forecast, z: Floats) -> None:
        self._forecast = forecast
        self._before = min(forecast.reach, len(z))
        size = self._before + LEARN_AFTER + LEARN_EVERY
        self._rows = np.empty(
            (size, z.shape[1]), dtype=np.float16
        )  # thousandths of a spread are enough to learn from
        self._rows[: self._before] = z[-self._before :]
        self._strangeness: Singles = np.zeros(size, dtype=np.float32)
        self._filled = self._before
        self.room = LEARN_EVERY

    def take(self, z: Floats, strangeness: Floats) -> None:
        """At most `room` rows."""
        here = slice(self._filled, self._filled + len(z))
        self._rows[here], self._strangeness[here] = z, strangeness
        self._filled += len(z)
        self.room -= len(z)
        if self.room:
            return
        self.room = LEARN_EVERY
        if self._filled == len(self._rows):
            lesson = slice(0, self._before + LEARN_EVERY)
            strange = self._strangeness[self._before : self._before + LEARN_EVERY]
            self._forecast.learn(self._rows[lesson].astype(np.float64), LEARN_EVERY, strange)
            self._filled -= LEARN_EVERY
            for kept in (self._rows, self._strangeness):
                kept[: self._filled] = kept[LEARN_EVERY:].copy()


def _members(z: Floats, forecast: Forecast) -> list[tuple[View, list[Vote]]]:
    if z.shape[1] > 1:
        return [
            (forecast, [Vote(0, 1.0, PeakHold), Vote(1, 1.0, PeakHold)]),
            (Subspace(z), [Vote(0, 0.7, AsIs)]),
            (ForestView(z), [Vote(0, 0.5, PeakHold)]),
        ]
    return [
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
