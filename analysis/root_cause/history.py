"""Remembers the samples of the last quarter of an hour, in bounded memory, and cuts the window around an alarm out of them.

Taking a sample costs next to nothing: rates and means are made, and samples brought to one grid, when somebody asks.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Collection, Sequence
from math import nan
from operator import itemgetter
from typing import TYPE_CHECKING

from analysis.root_cause.kinds import Kind, kind_of, typical
from analysis.series import sources

if TYPE_CHECKING:
    from analysis.root_cause.window import Column, Floats, Window

STEP_S = 10.0
ROWS = 90
NEWEST = 2  # rows of these are judged; those of the guard band before them may show the fault already
LEAST_KNOWN = 20  # samples of a series, or nothing is usual for it
MOST_METRICS = 60  # of one scrape
MOST_SERIES = 20_000
MOST_SCRAPES = 4  # of one service, told apart by the names in them
_FIRST: dict[Kind, int] = {"latency": 0, "traffic": 1, "good": 2, "bad": 2, "cpu": 3, "memory": 3}


class _Scrape:
    """Samples with the same names; of each the values that the wanted series are made of."""

    __slots__ = ("latest", "names", "picked", "samples", "wanted")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        every = sources(names)
        every.sort(key=lambda source: _FIRST.get(kind_of(source.name), 4))
        self.wanted = every[:MOST_METRICS]
        places = sorted({place for each in self.wanted for place in (each.index, each.per) if place >= 0})
        self.picked = {place: at for at, place in enumerate(places)}
        self.samples: deque[tuple[float, array[float]]] = deque(maxlen=ROWS + 1)
        self.latest: tuple[float, array[float]] | None = None

    def take(self, at: float, values: Sequence[float]) -> None:
        if not self.picked:
            return
        got = itemgetter(*self.picked)(values)
        self.latest = (at, array("d", got if isinstance(got, tuple) else (got,)))
        if not self.samples or at - self.samples[-1][0] >= STEP_S * 0.9:
            self.samples.append(self.latest)


class History:
    """One for all services of a daemon; a cache, empty after a restart."""

    def __init__(self) -> None:
        self._scrapes: dict[str, list[_Scrape]] = {}
        self._series = 0

    def take(self, service: str, at: float, names: Sequence[str], values: Sequence[float]) -> None:
        scrapes = self._scrapes.setdefault(service, [])
        scrape = next((known for known in scrapes if known.names == names), None)
        if scrape is None:
            scrape = _Scrape(names)
            if self._series + len(scrape.wanted) > MOST_SERIES:
                return
            scrapes.append(scrape)
            self._series += len(scrape.wanted)
            if len(scrapes) > MOST_SCRAPES:
                self._series -= len(scrapes.pop(0).wanted)
        scrape.take(at, values)

    def forget(self, service: str) -> None:
        self._series -= sum(len(scrape.wanted) for scrape in self._scrapes.pop(service, ()))

    def window(
        self,
        services: Collection[str],
        calls: Sequence[tuple[str, str]],
        suffers: str,
        now: float,
        age_s: float,
    ) -> Window | None:
        """What is known of these services now, an alarm of one of them being so old; None while too little is."""
        import numpy as np

        from analysis.root_cause.window import Column, Window

        newest = min(NEWEST + int(age_s / STEP_S), ROWS // 6)
        found = {
            Column(service, source.name): values
            for service in services
            for scrape in self._scrapes.get(service, ())
            if len(scrape.samples) >= LEAST_KNOWN
            for source, values in zip(scrape.wanted, _on_grid(scrape, now), strict=True)
        }
        kept = [
            column for column, values in found.items() if np.sum(~np.isnan(values[:-newest])) >= LEAST_KNOWN
        ]
        if not kept:
            return None
        table = np.stack([found[column] for column in kept], axis=1)
        table = table[np.flatnonzero(~np.isnan(table).all(axis=1))[0] :]
        return Window(
            columns=kept,
            before=table[:-newest],
            after=table[-newest:],
            services=tuple(dict.fromkeys(column.service for column in kept)),
            calls=calls,
            target=_target(kept, suffers),
        )


def _on_grid(scrape: _Scrape, now: float) -> Floats:
    """A row for each wanted series: the last value of each step of the grid that ends now; nan where there was none.

    As the detector reads it: a counter that has no past, or began anew, has no value.
    """
    import numpy as np

    every = list(scrape.samples)
    if scrape.latest is not None and scrape.latest is not every[-1]:
        every.append(scrape.latest)
    times = np.array([at for at, _ in every])
    values = np.array([taken for _, taken in every])
    grown = np.diff(values, axis=0, prepend=nan)
    grown[grown < 0] = nan
    elapsed = np.diff(times, prepend=nan)
    rows = ROWS - 1 - ((now - times) / STEP_S).astype(np.intp)
    seen = (rows >= 0) & (rows < ROWS)
    grid = np.full((len(scrape.wanted), ROWS), nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, source in enumerate(scrape.wanted):
            series = values[:, scrape.picked[source.index]]
            if source.kind != "gauge":
                per = elapsed if source.kind == "rate" else grown[:, scrape.picked[source.per]]
                series = np.where(per > 0, grown[:, scrape.picked[source.index]] / per, nan)
            grid[place, rows[seen]] = series[seen]
    return grid


def _target(columns: Sequence[Column], suffers: str) -> tuple[str, str] | None:
    metrics = [column.metric for column in columns if column.service == suffers]
    slow = [metric for metric in metrics if kind_of(metric) == "latency"]
    return (suffers, min(slow, key=typical)) if slow else None
