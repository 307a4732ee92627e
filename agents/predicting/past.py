"""One service's past as the failure predictor learns from it: figures, events of our own log and failures, by five minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.prediction.record import record
from analysis.series import sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.events import ServiceSampled
    from analysis.prediction.record import Record
    from analysis.series import Source
    from utils.array_files import Singles

PERIOD_S = 300.0
DAY_ROWS = int(86_400 / PERIOD_S)
MOST_ROWS = 10 * DAY_ROWS  # of each of many services
MOST_OF_FEW = 40 * DAY_ROWS
ROWS_OF_ALL = 400 * DAY_ROWS
CHUNK_ROWS = DAY_ROWS
PLACE = ("day", "place", "failure")  # failure: seconds from the row's begin; NaN: none
FIGURES = ("cpu_percent", "rss_mib", "threads", "open_files")
COUNTED = ("troubles", "starts", "changes", "anomalies")
MOST_OTHERS = 8
WIDTH = len(PLACE) + len(FIGURES) + len(COUNTED) + MOST_OTHERS
SAME_FAILURE_S = 1800.0  # failures of one service nearer than this are one
LONGEST_RATE_S = 900.0
MOST_PLANS = 8
_OF_LANGUAGES = ("python_", "process_", "go_")  # what every client library tells of itself


class Past:
    """At most `most` rows, about 22 kB a day. Rows of times in which the service was not well are left out."""

    def __init__(self) -> None:
        self.most = MOST_ROWS
        self.well = False
        self.life = ""
        self._columns = {name: n for n, name in enumerate((*PLACE, *FIGURES, *COUNTED))}
        self._rows: Singles = np.empty((0, WIDTH), np.float32)
        self._filled = 0
        self._slot = -1
        self._failed_at = -np.inf
        self._failure = float("nan")
        self._ill = False
        self._plans: dict[tuple[str, ...], list[tuple[int, Source]]] = {}
        self._counters: dict[int, tuple[float, float, float]] = {}  # column: (at, value, count)
        self._begin()

    def __len__(self) -> int:
        return self._filled

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def sample(self, event: ServiceSampled) -> bool:
        """Whether it completed a row."""
        done = self._at(event.at)
        self._ill = self._ill or not self.well
        if self.life and event.incarnation != self.life:
            self._event("starts")
            self._counters.clear()
        self.life = event.incarnation
        for column, source in self._plan(event.names):
            value = self._value(column, source, event)
            if np.isfinite(value):
                self._sums[column] += value
                self._counts[column] += 1
        return done

    def count(self, what: str, at: float) -> None:
        self._at(at)
        self._event(what)

    def fail(self, at: float) -> bool:
        """Whether this is a failure of its own, not more of the last one."""
        new = at > self._failed_at + SAME_FAILURE_S
        self._failed_at = at
        self._at(at)
        if new and np.isnan(self._failure):
            self._failure = max(at - self._slot * PERIOD_S, 0.0)
        return new

    def rows(self) -> Singles:
        return self._rows[: self._filled, : len(self._columns)].copy()

    def put(self, names: Sequence[str], rows: Singles) -> None:
        """What was before everything that is here; figures that have no room are forgotten.

        What is no older than what is here comes of a clock that was lost, and is forgotten.
        """
        first = self._rows[0] if self._filled else None
        since = self._slot if first is None else first[0] * DAY_ROWS + first[1]
        if since >= 0:
            rows = rows[rows[:, 0] * DAY_ROWS + rows[:, 1] < since]
        for name in names:
            self._column(name)
        wide = np.full((len(rows), WIDTH), np.nan, np.float32)
        for place, name in enumerate(names):
            if name in self._columns:
                wide[:, self._columns[name]] = rows[:, place]
        self._rows = np.concatenate([wide, self._rows[: self._filled]])[-self.most :]
        self._filled = len(self._rows)

    def record(self, names: tuple[str, ...]) -> Record:
        return recorded([(self.names, self._rows[: self._filled])], names)

    def _at(self, at: float) -> bool:
        """Opens the row of this time; what comes late belongs to the open one."""
        slot = int(at // PERIOD_S)
        if slot <= self._slot:
            return False
        done = self._slot >= 0 and self._close()
        if self._slot < 0 and self._filled:
            older = self._rows[:, 0] * DAY_ROWS + self._rows[:, 1] < slot
            self._rows = self._rows[older]
            self._filled = len(self._rows)
        self._slot = slot
        self._begin()
        return done

    def _begin(self) -> None:
        self._sums, self._counts = [0.0] * WIDTH, [0] * WIDTH
        self._ill = False
        self._failure = float("nan")

    def _close(self) -> bool:
        if (self._ill or not self.well) and np.isnan(self._failure):
            return False
        if self._filled == len(self._rows):
            self._grow()
        row = [total / n if n else np.nan for total, n in zip(self._sums, self._counts, strict=True)]
        row[:3] = self._slot // DAY_ROWS, self._slot % DAY_ROWS, self._failure
        for name in COUNTED:
            row[self._columns[name]] = self._sums[self._columns[name]]
        self._rows[self._filled] = row
        self._filled += 1
        return True

    def _grow(self) -> None:
        kept = self._rows[max(self._filled + CHUNK_ROWS - self.most, 0) : self._filled]
        self._filled = len(kept)
        self._rows = np.concatenate([kept, np.empty((CHUNK_ROWS, WIDTH), np.float32)])

    def _event(self, what: str) -> None:
        self._sums[self._columns[what]] += 1.0

    def _column(self, name: str) -> int | None:
        if name not in self._columns and len(self._columns) < WIDTH and not name.startswith(_OF_LANGUAGES):
            self._columns[name] = len(self._columns)
        return self._columns.get(name)

    def _plan(self, names: tuple[str, ...]) -> list[tuple[int, Source]]:
        plan = self._plans.get(names)
        if plan is None:
            found = [(self._column(source.name), source) for source in sources(names)]
            reserved = len(PLACE)
            plan = [(column, source) for column, source in found if column is not None and column >= reserved]
            self._plans[names] = plan
            while len(self._plans) > MOST_PLANS:
                del self._plans[next(iter(self._plans))]
        return plan

    def _value(self, column: int, source: Source, event: ServiceSampled) -> float:
        value = event.values[source.index]
        if source.kind == "gauge":
            return value
        count = event.values[source.per] if source.kind == "mean" else 0.0
        before = self._counters.get(column)
        self._counters[column] = (event.at, value, count)
        if before is None or not 0 < event.at - before[0] <= LONGEST_RATE_S or value < before[1]:
            return float("nan")
        over = count - before[2] if source.kind == "mean" else event.at - before[0]
        return (value - before[1]) / over if over > 0 else float("nan")


def rows_each(services: int) -> int:
    """How much is kept of each: a single service needs weeks until it has failed often enough to learn from.

    >>> [rows_each(services) // DAY_ROWS for services in (0, 1, 10, 20, 100)]
    [40, 40, 40, 20, 10]
    """
    return min(max(ROWS_OF_ALL // max(services, 1), MOST_ROWS), MOST_OF_FEW)


def recorded(pasts: Sequence[tuple[Sequence[str], Singles]], names: tuple[str, ...]) -> Record:
    """Pasts of several services as one record; a figure that one of them does not have is missing."""
    entity, times, values, failures = [], [], [], []
    for number, (own, rows) in enumerate(pasts):
        begins = (rows[:, 0].astype(float) * DAY_ROWS + rows[:, 1]) * PERIOD_S
        failed = np.flatnonzero(np.isfinite(rows[:, 2]))
        failures += [(number, float(begins[n] + rows[n, 2])) for n in failed]
        found = np.full((len(rows), len(names)), np.nan)
        for place, name in enumerate(names):
            if name in own:
                found[:, place] = rows[:, list(own).index(name)]
        entity.append(np.full(len(rows), number))
        times.append(begins + PERIOD_S)  # a row is known at its end
        values.append(found)
    return record(np.concatenate(entity), np.concatenate(times), np.concatenate(values), names, failures)
