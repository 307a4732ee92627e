"""Smoothers of a stream of scores; each keeps what it needs of the past, so that blocks of any size come out the same."""

from typing import Protocol

import numpy as np

from analysis.detection.rows import Floats


class Smoother(Protocol):
    def of(self, scores: Floats) -> Floats: ...


class AsIs:
    def of(self, scores: Floats) -> Floats:
        return scores


class Mean:
    """Of the last `length` scores."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._past: Floats = np.empty(0)

    def of(self, scores: Floats) -> Floats:
        joined = np.concatenate([self._past, scores])
        self._past = joined[-self._length + 1 :] if self._length > 1 else joined[:0]
        sums = np.cumsum(joined)
        sums[self._length :] -= sums[: -self._length].copy()
        there = np.minimum(np.arange(1, len(joined) + 1), self._length)
        return np.asarray((sums / there)[len(joined) - len(scores) :])


class PeakHold:
    """Rises at once with the mean of the last three, falls slowly: an incident is one hill instead of many needles."""

    def __init__(self, rows: int = 3, half_life: float = 8.0) -> None:
        self._mean = Mean(rows)
        self._keep = 0.5 ** (1.0 / half_life)
        self._level = -np.inf

    def of(self, scores: Floats) -> Floats:
        keep, level = self._keep, self._level
        held = []
        for score in self._mean.of(scores).tolist():
            level = score if score > level else keep * level + (1.0 - keep) * score
            held.append(level)
        self._level = level
        return np.array(held)
