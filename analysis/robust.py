"""Robust z-scores of all series in one matrix: each row is a ring of a series' last samples.

The centre is the median and the scale comes from quantiles, so neither a spike nor a short incident moves them, while a
level that lasts fills the ring and becomes normal. Needs numpy, so import this module only where it is used.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.series import Source

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

WINDOW = 64
GUARD = 6  # the newest samples are not yet part of what is usual, so that no trouble hides itself
WARMUP = 20 + GUARD
THRESHOLD = 8.0
IN_A_ROW = 4
REFRESHED_AT_ONCE = 512
MAX_SERIES = 120_000
IQR_PER_SIGMA = 1.349
RANGE_PER_SIGMA = 3.29  # from the 5 % to the 95 % quantile


class Matrix:
    """Rows are series; a tick scores every row that got a sample since the last one."""

    def __init__(self, window: int = WINDOW) -> None:
        self.window = window
        self.keys: list[tuple[str, str]] = []  # (service, metric) of each row
        self._rows: dict[tuple[str, str], int] = {}
        self._ring: Floats = np.empty((0, window))
        self._columns: dict[str, NDArray[Any]] = {
            name: np.empty(0, dtype)
            for name, dtype in (
                ("count", np.int64), ("latest", np.float64), ("center", np.float64), ("scale", np.float64),
                ("floor", np.float64), ("share", np.float64), ("only_up", np.bool_), ("streak", np.int64),
                ("new", np.bool_), ("refreshed", np.int64),
            )
        }  # fmt: skip

    def rows(self, service: str, found: Sequence[Source]) -> Rows:
        """Row numbers of these series, made where they are new; -1 once the matrix is full."""
        numbers, born = [], []
        for source in found:
            key = (service, source.name)
            row = self._rows.get(key, -1)
            if row < 0 and len(self.keys) < MAX_SERIES:
                row = self._rows[key] = len(self.keys)
                self.keys.append(key)
                born.append((row, source))
            numbers.append(row)
        self._grow()
        if born:
            rows = np.array([row for row, _ in born])
            self._columns["floor"][rows] = [source.floor for _, source in born]
            self._columns["share"][rows] = [source.share for _, source in born]
            self._columns["only_up"][rows] = [source.only_up for _, source in born]
        return np.array(numbers, dtype=np.intp)

    def push(self, rows: Rows, values: Floats) -> None:
        """One new sample for each row; what is no number is no sample."""
        kept = np.isfinite(values) & (rows >= 0)
        rows, values = rows[kept], values[kept]
        column = self._columns
        self._ring[rows, column["count"][rows] % self.window] = values
        column["count"][rows] += 1
        column["latest"][rows] = values
        column["new"][rows] = True

    def forget(self, rows: Rows) -> None:
        """A new life: what was usual is unknown again."""
        rows = rows[rows >= 0]
        self._ring[rows] = np.nan
        for name in ("count", "streak", "refreshed"):
            self._columns[name][rows] = 0
        self._columns["new"][rows] = False

    def rest(self) -> None:
        """After a gap: no streak goes on over it."""
        self._columns["streak"][:] = 0

    def score(self) -> list[tuple[int, float]]:
        """(row, sigmas) of the series that were far from usual for several samples in a row; refreshes baselines."""
        column = self._columns
        new = np.flatnonzero(column["new"])
        column["new"][new] = False
        warm = new[column["refreshed"][new] > 0]
        deviation = column["latest"][warm] - column["center"][warm]
        sigmas = np.abs(deviation) / column["scale"][warm]
        far = (sigmas >= THRESHOLD) & ((deviation > 0) | ~column["only_up"][warm])
        column["streak"][warm] = np.where(far, column["streak"][warm] + 1, 0)
        lasting = column["streak"][warm] >= IN_A_ROW
        found = [(int(row), float(sigma)) for row, sigma in zip(warm[lasting], sigmas[lasting], strict=True)]
        self._refresh()
        return found

    def latest(self, row: int) -> tuple[float, float]:
        """(value, usual value)."""
        return float(self._columns["latest"][row]), float(self._columns["center"][row])

    def _refresh(self) -> None:
        """Centre and scale of the rows that changed most since they were last worked out; a slice of all per tick."""
        column = self._columns
        behind = column["count"] - column["refreshed"]
        due = np.flatnonzero((column["count"] >= WARMUP) & (behind > 0))
        if len(due) > REFRESHED_AT_ONCE:
            due = due[np.argpartition(behind[due], -REFRESHED_AT_ONCE)[-REFRESHED_AT_ONCE:]]
        if not len(due):
            return
        here = np.arange(len(due))
        known = self._ring[due]
        for age in range(1, GUARD + 1):
            known[here, (column["count"][due] - age) % self.window] = np.nan
        ordered = np.sort(known, axis=1)  # nan comes last
        last = np.minimum(column["count"][due], self.window) - GUARD - 1

        def quantile(share: float) -> Floats:
            picked: Floats = ordered[here, np.rint(share * last).astype(np.intp)]
            return picked

        center = quantile(0.5)
        spread = np.maximum(
            (quantile(0.75) - quantile(0.25)) / IQR_PER_SIGMA,
            (quantile(0.95) - quantile(0.05)) / RANGE_PER_SIGMA,
        )
        floor = np.maximum(column["floor"][due], column["share"][due] * np.abs(center))
        column["center"][due] = center
        column["scale"][due] = np.maximum(spread, floor)
        column["refreshed"][due] = column["count"][due]

    def _grow(self) -> None:
        size = len(self._ring)
        if len(self.keys) <= size:
            return
        bigger = max(256, 2 * size, len(self.keys))
        ring = np.full((bigger, self.window), np.nan)
        ring[:size] = self._ring
        self._ring = ring
        for name, values in self._columns.items():
            column = np.zeros(bigger, values.dtype)
            column[:size] = values
            self._columns[name] = column


class Scrape:
    """Reads the scrapes of one service that have the same names: keeps the counters' last values."""

    def __init__(self, matrix: Matrix, service: str, names: Sequence[str], found: Sequence[Source]) -> None:
        self.names = names
        self.rows = matrix.rows(service, found)
        self.series = tuple(source.name for source in found)
        self.of_life = tuple(source.resource for source in found)
        self.resources = self.rows[np.array([source.resource for source in found], dtype=np.bool_)]
        self._index = np.array([source.index for source in found], dtype=np.intp)
        self._per = np.array([source.per for source in found], dtype=np.intp)
        kinds = np.array([source.kind for source in found], dtype="U5")
        self._gauge, self._mean = kinds == "gauge", kinds == "mean"
        self._before: Floats | None = None
        self._before_at = 0.0

    def forget(self) -> None:
        self._before = None

    def read(self, at: float, values: Sequence[float]) -> Floats:
        """The value of each series; nan for a counter that has no past or began anew."""
        now = np.array(values, dtype=np.float64)
        before, elapsed_s = self._before, at - self._before_at
        self._before, self._before_at = now, at
        if before is None or elapsed_s <= 0:
            return np.where(self._gauge, now[self._index], np.nan)
        grown = now - before
        grown[grown < 0] = np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.where(grown[self._per] > 0, grown[self._index] / grown[self._per], np.nan)
        changed = np.where(self._mean, means, grown[self._index] / elapsed_s)
        return np.where(self._gauge, now[self._index], changed)
