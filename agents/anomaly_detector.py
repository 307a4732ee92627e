"""Anomaly detector: reports metrics that are far from what is usual for them. Evidence only: it opens no incident.

From the first minutes by robust statistics of each metric; once a service has some hours of history, also by an ensemble
that a worker process learns from it and that sees how its metrics move together.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, field

from agents.agent import Outlet, Results, Traits
from agents.events import AnomalyDetected, Event, ObservationResumed, ServiceSampled, Tick
from analysis.series import sources
from config.world import World
from utils.alone import run_alone
from utils.workers import WorkerError

if TYPE_CHECKING:
    from pathlib import Path

    from agents.detecting.watch import Watch
    from analysis.robust import Floats, Matrix, Scrape
    from utils.workers import Workers

__all__ = ["AnomalyDetector", "State"]

log = structlog.get_logger()
MUTE_S = 300.0
LEARN_EVERY_S = 60.0
MOST_WATCHED = 200  # services that are learnt
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

    def __init__(self, world: World, workers: Workers | None = None) -> None:
        """Without `workers` nothing is learnt: the statistics do alone."""
        self.world = world
        self._workers = workers
        self._watches: dict[str, Watch] = {}
        self.state = State()
        self._matrix: Matrix | None = None
        self._scrapes: dict[str, list[Scrape]] = {}
        self._lives: dict[str, str] = {}

    def handle(self, event: ServiceSampled | Tick | ObservationResumed) -> Results:
        if isinstance(event, Tick):
            return self._judge(event.at)
        if isinstance(event, ServiceSampled):
            return self._take(event)
        self._resume()
        return ()

    async def run(self, outlet: Outlet) -> None:
        del outlet  # what is learnt here is told when it sees something
        while True:
            await asyncio.sleep(LEARN_EVERY_S)
            for service, watch in list(self._watches.items()):
                if self._workers is not None and not watch.recalled:
                    await self._recall(self._workers, service, watch)
                if self._workers is not None and watch.due():
                    await self._learn(self._workers, service, watch)

    def apply(self, fact: AnomalyDetected | ObservationResumed) -> None:
        if isinstance(fact, AnomalyDetected):
            reported = self.state.reported
            reported.pop(key := f"{fact.service}/{fact.metric}", None)
            reported[key] = Reported(fact.at, fact.value, fact.expected, fact.sigmas)
            if len(reported) > MOST_REMEMBERED:
                del reported[next(iter(reported))]

    def _take(self, sample: ServiceSampled) -> Results:
        from analysis.robust import Matrix

        if self._matrix is None:
            self._matrix = Matrix()
        matrix = self._matrix
        scrapes = self._scrapes.setdefault(sample.service, [])
        if self._lives.get(sample.service, sample.incarnation) != sample.incarnation:
            for scrape in scrapes:
                scrape.forget()
                matrix.forget(scrape.resources)
            if (watch := self._watches.get(sample.service)) is not None:
                watch.new_life()
        self._lives[sample.service] = sample.incarnation
        scrape = self._scrape(matrix, scrapes, sample)
        values = scrape.read(sample.at, sample.values)
        matrix.push(scrape.rows, values)
        return self._watched(sample, scrape, values) if self._workers is not None else ()

    def _watched(self, sample: ServiceSampled, scrape: Scrape, values: Floats) -> Results:
        from agents.detecting.watch import Watch

        watch = self._watches.get(sample.service)
        if watch is None:
            if len(self._watches) >= MOST_WATCHED or not len(values):
                return ()
            watch = self._watches[sample.service] = Watch(scrape.series, scrape.of_life)
        if watch.history.names != scrape.series[: len(watch.history.names)]:
            if watch.young and len(scrape.series) > len(watch.history.names):
                del self._watches[sample.service]  # its first scrape was not yet all that it tells
            return ()
        return [
            AnomalyDetected(
                service=sample.service,
                metric=metric,
                value=each.value,
                expected=each.expected,
                sigmas=each.sigmas,
            )
            for metric, each in watch.take(sample.at, values)
            if not self._muted(sample.service, metric, sample.at)
        ]

    async def _recall(self, workers: Workers, service: str, watch: Watch) -> None:
        """What was seen before a restart of ours."""
        from agents.detecting.learning import DEADLINE_S, recalled

        watch.recalled = True
        try:
            kept = await workers.run(recalled, DEADLINE_S, self._path(service))
        except (WorkerError, OSError, ValueError, LookupError, MemoryError) as error:
            log.warning("normal_not_recalled", service=service, error=str(error))
            return
        if kept is not None and kept[0] == watch.history.names:
            watch.history.put(kept[1])

    def _path(self, service: str) -> Path:
        return self.world.state_dir / "models" / f"{service}.history"

    async def _learn(self, workers: Workers, service: str, watch: Watch) -> None:
        from agents.detecting.learning import DEADLINE_S, kept_and_learnt

        try:
            rows = watch.asking()
            promised = self.world.config.learning.false_alarms_per_day
            watch.learnt(
                await workers.run(
                    kept_and_learnt, DEADLINE_S, self._path(service), watch.history.names, rows, promised
                )
            )
            log.info("normal_learnt", service=service, minutes=len(rows), metrics=len(watch.history.names))
        except (WorkerError, OSError, ValueError, ArithmeticError, LookupError, MemoryError) as error:
            watch.learnt(None)
            log.warning("normal_not_learnt", service=service, error=str(error))

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
