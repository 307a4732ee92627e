"""Sums over the past of every row, so that any window's mean, spread and slope costs the same."""

import numpy as np

from analysis.prediction.record import Floats, Record, Rows


def since(samples: Record, span: float, rows: Rows) -> Rows:
    """For each of `rows`, the first row of its entity that is younger than `span`."""
    first = np.empty(len(samples), np.intp)
    for own, _ in samples.entities():
        t = samples.t[own]
        first[own] = own.start + np.searchsorted(t, t - span, side="right")
    return first[rows]


class Sums:
    """Running sums of one metric; a missing value counts as none. Centred, so that nothing cancels."""

    def __init__(self, values: Floats, age: Floats) -> None:
        there = np.isfinite(values)
        self.centre = float(values[there].mean()) if there.any() else 0.0
        centred = np.where(there, values - self.centre, 0.0)
        self._count = _running(there.astype(float))
        self._sum = _running(centred)
        self._squares = _running(centred * centred)
        self._ages = _running(age * there)
        self._ages_squared = _running(age * age * there)
        self._product = _running(age * centred)

    def mean(self, first: Rows, end: Rows) -> Floats:
        """Of rows `first` to before `end`, from the centre."""
        return self._over(self._sum, first, end) / self._known(first, end)

    def mean_and_deviation(self, first: Rows, end: Rows) -> tuple[Floats, Floats]:
        mean = self.mean(first, end)
        square = self._over(self._squares, first, end) / self._known(first, end)
        return mean, np.sqrt(np.maximum(square - mean * mean, 0.0))

    def slope(self, first: Rows, end: Rows) -> Floats:
        """Of the least-squares line, per unit of age; 0 where there is none."""
        known = self._known(first, end)
        mean = self._over(self._sum, first, end) / known
        age = self._over(self._ages, first, end) / known
        spread = self._over(self._ages_squared, first, end) / known - age * age
        shared = self._over(self._product, first, end) / known - age * mean
        return np.where(spread > 1e-9, shared / np.maximum(spread, 1e-9), 0.0)

    def _known(self, first: Rows, end: Rows) -> Floats:
        return np.maximum(self._over(self._count, first, end), 1.0)

    @staticmethod
    def _over(running: Floats, first: Rows, end: Rows) -> Floats:
        return np.asarray(running[end] - running[first])


def _running(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])
