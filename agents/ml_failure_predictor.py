"""Failure predictor: says ahead of time which declared ceiling a service will reach, and which services are about to fail.

The first by trends, from the first minutes. The second by what a worker process learns from our own log of failures, once
there are enough of them and only where it does better than chance: people are told, and nothing acts on it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, field

from agents.agent import Outlet, Results, Traits
from agents.events import (
    AnomalyDetected,
    CauseName,
    ChangeObserved,
    Event,
    FailurePredicted,
    FixStarted,
    Health,
    HealthChanged,
    ObservationResumed,
    ServiceSampled,
)
from analysis.exhaustion import Outlook, Series
from config.model import Limits
from config.world import World
from utils.alone import run_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.predicting.foresight import Foresight
    from utils.workers import Workers

__all__ = ["MlFailurePredictor"]

log = structlog.get_logger()
FAILURES: dict[str, CauseName] = {"rss_mib": "memory_leak", "open_files": "connection_exhaustion"}
LAPSED = 3.0  # after so many times its own lead a word that did not come true keeps no other back
VAGUE: CauseName = "unknown"  # what helps is not known, so people are told
RECALLED_AFTER_S = 60.0  # starting up comes first
LEARNT = "learnt"  # stands for the metric where signs of failures were learnt
UNITS = {"rss_mib": "MiB", "open_files": "open files"}


class Announced(Struct, frozen=True):
    """The latest word on one ceiling in one life of a service."""

    incarnation: str
    lead_time_s: float
    at: float


class State(Struct):
    """Keys of `announced` are SERVICE/METRIC, of `health` SERVICE."""

    announced: dict[str, Announced] = field(default_factory=dict)
    health: dict[str, Health] = field(default_factory=dict)


class MlFailurePredictor:
    """Each urgency is announced once in a life of the service. Trends are caches, built anew from samples."""

    name = "ml_failure_predictor"
    consumes: tuple[type[Event], ...] = (
        ServiceSampled, ObservationResumed, HealthChanged, ChangeObserved, AnomalyDetected, FixStarted,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (FailurePredicted,)
    traits = Traits()

    def __init__(self, world: World, workers: Workers | None = None) -> None:
        """Without `workers` nothing is learnt: the trends do alone."""
        self.world = world
        self.state = State()
        self._series: dict[str, Series] = {}
        self._workers = workers
        self._foresight: Foresight | None = None

    def handle(self, event: Event) -> Results:
        if isinstance(event, ServiceSampled):
            return self._on_sample(event)
        if isinstance(event, ObservationResumed):
            self._series.clear()
        elif self._foresight is not None and self.world.config.service(event.service) is not None:
            assert isinstance(event, HealthChanged | ChangeObserved | AnomalyDetected | FixStarted)
            self._foresight.note(event, self._well(event.service))
        return ()

    def apply(self, fact: Event) -> None:
        if isinstance(fact, FailurePredicted):
            said = Announced(fact.incarnation, fact.lead_time_s, fact.at)
            self.state.announced[f"{fact.service}/{fact.metric}"] = said
        elif isinstance(fact, HealthChanged):
            self.state.health[fact.service] = fact.health

    async def run(self, outlet: Outlet) -> None:
        if self._workers is None:
            await asyncio.Event().wait()
            return
        await asyncio.sleep(RECALLED_AFTER_S)
        foresight = self._learns()
        foresight.recall(self._declared())
        await foresight.recall_learnt(self._workers)
        try:
            while True:
                await asyncio.sleep(self.world.retrain_s)
                self._keep(foresight)
                now = outlet.now()
                await foresight.learn(self._workers, now, self.world.unix(now))
        finally:
            self._keep(foresight)

    def _on_sample(self, event: ServiceSampled) -> Results:
        service = self.world.config.service(event.service)
        if service is None:
            return ()
        found = [self._judge(event, metric, limit) for metric, limit in _ceilings(service.limits)]
        if self._workers is not None:
            found.append(self._foresee(event))
        return [prediction for prediction in found if prediction]

    def _foresee(self, event: ServiceSampled) -> FailurePredicted | None:
        """What signs tell; said once within the time that it is about."""
        foresight = self._learns()
        word = foresight.sample(event, self._well(event.service))
        said = self.state.announced.get(f"{event.service}/{LEARNT}")
        if word is None or (said is not None and event.at < said.at + foresight.horizon_s):
            return None
        return FailurePredicted(
            service=event.service,
            failure=VAGUE,
            metric=LEARNT,
            value=word.chance,
            limit=word.threshold,
            lead_time_s=word.lead_s,
            confidence=word.chance,
            incarnation=event.incarnation,
            reasons=word.reasons,
        )

    def _learns(self) -> Foresight:
        if self._foresight is None:
            from agents.predicting.foresight import Foresight

            self._foresight = Foresight(self.world.state_dir / "models")
        return self._foresight

    def _well(self, service: str) -> bool:
        return self.state.health.get(service) == "healthy"

    def _declared(self) -> list[str]:
        return [service.name for service in self.world.config.services]

    def _keep(self, foresight: Foresight) -> None:
        try:
            foresight.keep(self._declared())
        except OSError as error:
            log.warning("pasts_not_kept", error=str(error))

    def _judge(self, event: ServiceSampled, metric: str, limit: float) -> FailurePredicted | None:
        try:
            value = event.values[event.names.index(metric)]
        except ValueError:
            return None
        key = f"{event.service}/{metric}"
        series = self._series.get(key)
        if series is None or series.incarnation != event.incarnation:
            series = self._series[key] = Series(event.incarnation)
        windows = self.world.config.windows
        outlook = series.add(
            event.at, value, limit, horizon_s=windows.predict_horizon_s, warmup_s=windows.predict_warmup_s
        )
        if outlook is None or self._said(key, event, outlook):
            return None
        return _prediction(event, metric, value, limit, outlook)

    def _said(self, key: str, event: ServiceSampled, outlook: Outlook) -> bool:
        """Whether nothing would be new: the same life, no more urgent than what was said of it, and that may still come."""
        said = self.state.announced.get(key)
        if said is None or said.incarnation != event.incarnation:
            return False
        if said.lead_time_s > 0 and event.at > said.at + LAPSED * said.lead_time_s:
            return False
        horizon_s = self.world.config.windows.predict_horizon_s
        return _urgency(outlook.lead_time_s, horizon_s) <= _urgency(said.lead_time_s, horizon_s)


def _urgency(lead_time_s: float, horizon_s: float) -> int:
    if lead_time_s <= 0:
        return 2
    return 1 if lead_time_s <= horizon_s else 0


def _ceilings(limits: Limits) -> Iterator[tuple[str, float]]:
    if limits.memory_mib is not None:
        yield "rss_mib", limits.memory_mib
    if limits.open_files is not None:
        yield "open_files", float(limits.open_files)
    yield from ((name, limit) for name, limit in limits.metrics.items() if name not in FAILURES)


def _prediction(
    event: ServiceSampled, metric: str, value: float, limit: float, outlook: Outlook
) -> FailurePredicted:
    return FailurePredicted(
        service=event.service,
        failure=FAILURES.get(metric, VAGUE),
        metric=metric,
        value=value,
        limit=limit,
        lead_time_s=outlook.lead_time_s,
        confidence=outlook.confidence,
        incarnation=event.incarnation,
        reasons=_reasons(metric, value, limit, outlook),
    )


def _reasons(metric: str, value: float, limit: float, outlook: Outlook) -> tuple[str, ...]:
    unit = UNITS.get(metric, metric)
    if outlook.trend is None:
        return (f"{value:g} {unit} is at the ceiling of {limit:g}",)
    trend = outlook.trend
    steps = f"on {(1 + trend.tau) / 2:.0%} of all steps"
    pace = f"{trend.slope * 60:.2f} {unit} a minute (99 % interval {trend.low * 60:.2f} to {trend.high * 60:.2f})"
    return (
        f"{metric} rose by {trend.rise:.1f} {unit} in {trend.span_s:.0f} s, {steps}",
        f"at {pace} it reaches {limit:g} in {outlook.lead_time_s:.0f} s",
    )


if __name__ == "__main__":
    run_alone(__file__)
