"""One service's own detector in the daemon: history by the minute, a learnt ensemble, an alarm that keeps its promise."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analysis.detection.ensemble import Ensemble
from analysis.detection.rows import Floats, Singles

PERIOD_S = 60.0
LEAST_ROWS = 360  # six hours
MOST_ROWS = 2880  # two days
MOST_METRICS = 64
DAY_ROWS = 86_400.0 / PERIOD_S
PROMISE = 0.001  # share of rows that alarm falsely, where nothing else is asked for
FITTED_SHARE = 0.7  # the rest of the history calibrates the alarm
GROWTH = 4
NAMED = 3  # metrics that show an anomaly
SETTLING_ROWS = 10  # after a new life: what belongs to a life is centred anew


class Learnt(Struct):
    """What a worker sends back: fitted on the older part of the history, calibrated on the newer, ready for the next row."""

    ensemble: Ensemble
    level: float  # above it, a score is an alarm
    rows: int
    promise: float


class Shown(Struct, frozen=True):
    """A metric that shows an anomaly: its value, what was forecast, and the difference in usual errors."""

    metric: int
    value: float
    expected: float
    sigmas: float


def learn(rows: Singles, promise: float = PROMISE) -> Learnt:
    history = rows.astype(np.float64)
    fitted = int(len(history) * FITTED_SHARE)
    ensemble = Ensemble(history[:fitted])
    scores = ensemble.score(history[fitted:])
    return Learnt(ensemble, level_of(scores, promise), len(history), promise)


def level_of(scores: Floats, promise: float = PROMISE) -> float:
    """The quantile of the promise; beyond the highest seen where there are too few rows to know it."""
    ordered = np.sort(scores)
    place = (1.0 - promise) * (len(ordered) + 1)
    if place <= len(ordered):
        return float(ordered[int(np.ceil(place)) - 1])
    spread = float(ordered[-1] - np.quantile(ordered, 0.9))
    return float(ordered[-1] + 0.5 * spread + 1e-6)


class History:
    """Means by the minute of the metrics that were there first; bounded."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names[:MOST_METRICS])
        self._rows: Singles = np.empty((0, len(self.names)), dtype=np.float32)
        self._filled = 0
        self._sum = np.zeros(len(self.names))
        self._count = np.zeros(len(self.names))
        self._ends_at = 0.0

    def __len__(self) -> int:
        return self._filled

    def take(self, at: float, values: Floats) -> Floats | None:
        """The row of the minute that this sample ends, if it does."""
        row = None
        if at >= self._ends_at:
            row = self._close() if self._ends_at and at < self._ends_at + PERIOD_S else None
            self._ends_at = at + PERIOD_S
            self._sum[:], self._count[:] = 0.0, 0.0
        part = values[: len(self.names)]
        known = np.isfinite(part)
        self._sum[known] += part[known]
        self._count += known
        return row

    def rows(self) -> Singles:
        return self._rows[: self._filled].copy()

    def put(self, rows: Singles) -> None:
        """What was before everything that is here."""
        joined = np.concatenate([rows, self.rows()])[-MOST_ROWS:]
        self._rows, self._filled = joined, len(joined)

    def _close(self) -> Floats:
        with np.errstate(invalid="ignore"):
            row = self._sum / np.where(self._count > 0, self._count, np.nan)
        if self._filled == len(self._rows):
            kept = self._rows[-MOST_ROWS + LEAST_ROWS :]
            self._filled = len(kept)
            self._rows = np.concatenate([kept, np.empty((LEAST_ROWS, len(self.names)), dtype=np.float32)])
        self._rows[self._filled] = row
        self._filled += 1
        return row


class Guard:
    """A learnt ensemble on its service: which rows are alarms, and which metrics show them."""

    def __init__(self, learnt: Learnt) -> None:
        self._ensemble, self.level = learnt.ensemble, learnt.level
        self.rows = learnt.rows
        self._promise = learnt.promise
        self._step = max(0.05 * abs(self.level), 1e-3)
        self._settling: list[Floats] = []
        self._unsettled: NDArray[np.bool_] | None = None

    def new_life(self, of_life: Sequence[bool]) -> None:
        """A restart or a deploy: the metrics that belong to a life may stand elsewhere now."""
        self._settling = []
        self._unsettled = np.array(of_life[: self._ensemble.metrics], dtype=bool)

    def judge(self, row: Floats) -> list[Shown]:
        if self._unsettled is not None:
            self._settle(row)
            return []
        score = float(self._ensemble.score(row[None])[0])
        alarm = score > self.level
        # the level follows the stream, so that as many rows alarm as were promised whatever drifts
        self.level += self._step * (float(alarm) - self._promise)
        return self._shown(row) if alarm else []

    def _settle(self, row: Floats) -> None:
        self._settling.append(row)
        if len(self._settling) < SETTLING_ROWS:
            return
        assert self._unsettled is not None
        self._ensemble.settle(self._unsettled, np.array(self._settling))
        self._settling, self._unsettled = [], None

    def _shown(self, row: Floats) -> list[Shown]:
        errors = self._ensemble.errors
        expected = self._ensemble.expected(row)
        first = np.argsort(-np.abs(errors))[:NAMED]
        return [
            Shown(int(each), float(row[each]), float(expected[each]), float(abs(errors[each])))
            for each in first
            if np.isfinite(row[each])
        ]
