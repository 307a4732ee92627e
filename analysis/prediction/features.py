"""What the learnt predictor sees of a row: every metric against its own past, over spans that follow the horizon."""

from collections.abc import Iterator

import numpy as np

from analysis.prediction.record import Floats, Matrix, Record, Rows
from analysis.prediction.windows import Sums, since

SPANS = (1 / 6, 0.5, 1.0, 2.0)  # of the horizon's far end
USUAL = 12.0  # horizons: what is usual
COUNTED = (1.0, 4.0, 12.0)  # horizons over which gaps are counted
FAR_SIGMAS = 3.0
CLIP_SIGMAS = 20.0
FLOOR = 0.02  # of a metric's spread over all entities: below it nothing is a deviation
MIN_STEPS = 3.0
NOTHING = 1e-5  # of a metric's spread, or of a sigma: less than that is what rounding left


class Features:
    """Computes rows of the matrix as they are asked for; each depends on its entity's rows up to it alone."""

    def __init__(self, samples: Record, scales: Floats, horizon: float, *, exact: bool = False) -> None:
        """`exact`: what rounding leaves of nothing counts as nothing, so that a tree cannot part rows by it."""
        self._exact = exact
        self.samples = samples
        self.horizon = horizon
        self.scales = scales
        self._start = samples.start_of()
        self._age = samples.t - samples.t[self._start]
        spans = sorted({max(share * horizon, MIN_STEPS * samples.step) for share in SPANS})
        self._spans = spans
        everything = np.arange(len(samples))
        self._first = {span: since(samples, span, everything) for span in (*spans, USUAL * horizon)}
        self._sums = {n: Sums(samples.values[:, n], self._age) for n in np.flatnonzero(scales > 0).tolist()}
        self._far, self._most = self._deviations(everything)

    def rows(self, rows: Rows) -> Matrix:
        """float32, one row for each; the order of the columns is that of `names`."""
        columns = [column.astype(np.float32) for _, column in self._columns(rows)]
        return np.stack(columns, axis=1)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self._columns(np.zeros(1, np.intp)))

    def _columns(self, rows: Rows) -> Iterator[tuple[str, Floats]]:
        for metric, sums in self._sums.items():
            for name, column in self._of_metric(metric, sums, rows):
                yield name, self._cleared(column, 1.0 if " in sigmas" in name else self.scales[metric])
        for name, column in self._of_all(rows):
            yield name, self._cleared(column, 1.0)
        yield from self._gaps(rows)

    def _cleared(self, column: Floats, unit: float) -> Floats:
        return np.where(np.abs(column) < NOTHING * unit, 0.0, column) if self._exact else column

    def _of_metric(self, metric: int, sums: Sums, rows: Rows) -> Iterator[tuple[str, Floats]]:
        name, end = self.samples.names[metric], rows + 1
        floor = FLOOR * self.scales[metric]
        usual, deviation = sums.mean_and_deviation(self._first[USUAL * self.horizon][rows], end)
        value = self.samples.values[rows, metric]
        early = self._early(sums, rows)
        yield name, value
        yield f"{name} in sigmas", (value - sums.centre - usual) / (deviation + floor)
        for number, span in enumerate(self._spans):
            first = self._first[span][rows]
            mean, spread = sums.mean_and_deviation(first, end)
            yield f"{name} mean {number}", mean + sums.centre
            yield f"{name} since the beginning {number}", mean - early
            yield f"{name} mean in sigmas {number}", (mean - usual) / (deviation + floor)
            yield f"{name} spread {number}", spread
            if number:
                yield f"{name} slope {number}", sums.slope(first, end) * span

    def _early(self, sums: Sums, rows: Rows) -> Floats:
        """The mean of the entity's first rows, of as many as there are by now."""
        start = self._start[rows]
        end = np.minimum(start + max(round(self.horizon / 6 / self.samples.step), 5), rows + 1)
        return sums.mean(start, end)

    def _deviations(self, rows: Rows) -> tuple[Floats, Floats]:
        """Per row: how many metrics are far from usual, and the mean of the three furthest."""
        sigmas = np.zeros((len(rows), max(len(self._sums), 1)), np.float32)
        first = self._first[USUAL * self.horizon][rows]
        for column, (metric, sums) in enumerate(self._sums.items()):
            usual, deviation = sums.mean_and_deviation(first, rows + 1)
            away = self.samples.values[rows, metric] - sums.centre - usual
            sigmas[:, column] = np.abs(np.nan_to_num(away / (deviation + FLOOR * self.scales[metric])))
        np.minimum(sigmas, CLIP_SIGMAS, out=sigmas)
        most = np.sort(sigmas, axis=1)[:, -3:].mean(axis=1)
        return (sigmas > FAR_SIGMAS).sum(axis=1).astype(float), most.astype(float)

    def _of_all(self, rows: Rows) -> Iterator[tuple[str, Floats]]:
        for name, values in (("metrics far from usual", self._far), ("furthest metrics", self._most)):
            running = np.concatenate([[0.0], np.cumsum(values)])
            yield name, values[rows]
            for number, span in enumerate((*self._spans, USUAL * self.horizon)):
                first = self._first[span][rows]
                yield f"{name} {number}", (running[rows + 1] - running[first]) / (rows + 1 - first)

    def _gaps(self, rows: Rows) -> Iterator[tuple[str, Floats]]:
        """Missing samples: what was down said nothing."""
        after = np.zeros(len(self.samples), bool)
        after[1:] = np.diff(self.samples.t) > 1.5 * self.samples.step
        after[self.samples.firsts] = False
        last = np.maximum.accumulate(np.where(after, np.arange(len(after)), -1))[rows]
        known = last >= self._start[rows]
        yield (
            "since a gap",
            np.where(known, self.samples.t[rows] - self.samples.t[np.maximum(last, 0)], np.nan),
        )
        running = np.concatenate([[0], np.cumsum(after)])
        for number, horizons in enumerate(COUNTED):
            first = since(self.samples, horizons * self.horizon, rows)
            yield f"gaps {number}", (running[rows + 1] - running[first]).astype(float)


def scales(samples: Record) -> Floats:
    """Each metric's spread over all rows; 0 where no entity's own value ever changes by itself, or all is missing."""
    spread = np.zeros(samples.values.shape[1])
    for metric in range(len(spread)):
        values = samples.values[:, metric]
        there = np.isfinite(values)
        if there.any():
            low, high = values[there].min(), values[there].max()
            spread[metric] = values[there].std() if high > low else 0.0
    return spread
