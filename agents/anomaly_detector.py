"""Anomaly detector: reports metrics that stay far from what is usual for them. Evidence only: it opens no incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from agents.agent import Results, Traits
from agents.events import AnomalyDetected, Event, ObservationResumed, ServiceSampled, Tick
from analysis.series import sources
from config.world import World
from utils.alone import run_alone

if TYPE_CHECKING:
    from analysis.robust import Matrix, Scrape

__all__ = ["AnomalyDetector", "State"]

MUTE_S = 300.0
MOST_AT_ONCE = 5  # of one service in one tick, the farthest first
MOST_REMEMBERED = 500
PLANS_PER_SERVICE = 8


class Reported(Struct, frozen=True):
    at: float
    value: float
    expected: float
    sigmas: float


class State(Struct):
    """Keys are SERVICE/METRIC."""

    reported: dict[str, Reported] = field(default_factory=dict)


class AnomalyDetector:
    """Baselines are caches: lost at a restart, learnt anew from the next samples."""

    name = "anomaly_detector"
    consumes: tuple[type[Event], ...] = (ServiceSampled, Tick, ObservationResumed)
    emits: tuple[type[Event], ...] = (AnomalyDetected,)
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._matrix: Matrix | None = None
        self._scrapes: dict[str, list[Scrape]] = {}
        self._lives: dict[str, str] = {}

    def handle(self, event: ServiceSampled | Tick | ObservationResumed) -> Results:
        if isinstance(event, Tick):
            return self._judge(event.at)
        if isinstance(event, ServiceSampled):
            self._take(event)
        else:
            self._resume()
        return ()

    def apply(self, fact: AnomalyDetected | ObservationResumed) -> None:
        if isinstance(fact, AnomalyDetected):
            reported = self.state.reported
            reported.pop(key := f"{fact.service}/{fact.metric}", None)
            reported[key] = Reported(fact.at, fact.value, fact.expected, fact.sigmas)
            if len(reported) > MOST_REMEMBERED:
                del reported[next(iter(reported))]

    def _take(self, sample: ServiceSampled) -> None:
        from analysis.robust import Matrix

        if self._matrix is None:
            self._matrix = Matrix()
        matrix = self._matrix
        scrapes = self._scrapes.setdefault(sample.service, [])
        if self._lives.get(sample.service, sample.incarnation) != sample.incarnation:
            for scrape in scrapes:
                scrape.forget()
                matrix.forget(scrape.resources)
        self._lives[sample.service] = sample.incarnation
        scrape = self._scrape(matrix, scrapes, sample)
        matrix.push(scrape.rows, scrape.read(sample.at, sample.values))

    def _scrape(self, matrix: Matrix, scrapes: list[Scrape], sample: ServiceSampled) -> Scrape:
        from analysis.robust import Scrape

        for scrape in scrapes:
            if scrape.names == sample.names:
                return scrape
        scrape = Scrape(matrix, sample.service, sample.names, sources(sample.names))
        scrapes.append(scrape)
        del scrapes[:-PLANS_PER_SERVICE]
        return scrape

    def _resume(self) -> None:
        if self._matrix is not None:
            self._matrix.rest()
        for scrapes in self._scrapes.values():
            for scrape in scrapes:
                scrape.forget()

    def _judge(self, at: float) -> Results:
        matrix = self._matrix
        if matrix is None:
            return ()
        found: dict[str, list[AnomalyDetected]] = {}
        for row, sigmas in sorted(matrix.score(), key=lambda item: -item[1]):
            service, metric = matrix.keys[row]
            of_service = found.setdefault(service, [])
            if len(of_service) < MOST_AT_ONCE and not self._muted(service, metric, at):
                value, expected = matrix.latest(row)
                of_service.append(
                    AnomalyDetected(
                        service=service, metric=metric, value=value, expected=expected, sigmas=sigmas
                    )
                )
        return [anomaly for of_service in found.values() for anomaly in of_service]

    def _muted(self, service: str, metric: str, at: float) -> bool:
        last = self.state.reported.get(f"{service}/{metric}")
        return last is not None and at - last.at < MUTE_S


if __name__ == "__main__":
    run_alone(__file__)
