"""Failure predictor: says ahead of time which declared ceiling a service will reach."""

from collections.abc import Iterator

from msgspec import Struct, field

from agents.agent import Results, Traits
from agents.events import CauseName, Event, FailurePredicted, ObservationResumed, ServiceSampled
from analysis.exhaustion import Outlook, Series
from config.model import Limits
from config.world import World
from utils.alone import run_alone

__all__ = ["MlFailurePredictor"]

FAILURES: dict[str, CauseName] = {"rss_mib": "memory_leak", "open_files": "connection_exhaustion"}
LAPSED = 3.0  # after so many times its own lead a word that did not come true keeps no other back
VAGUE: CauseName = "unknown"  # a ceiling that somebody declared: what helps is not known, so people are told
UNITS = {"rss_mib": "MiB", "open_files": "open files"}


class Announced(Struct, frozen=True):
    """The latest word on one ceiling in one life of a service."""

    incarnation: str
    lead_time_s: float
    at: float


class State(Struct):
    """Keys are SERVICE/METRIC."""

    announced: dict[str, Announced] = field(default_factory=dict)


class MlFailurePredictor:
    """Each urgency is announced once in a life of the service. Trends are caches, built anew from samples."""

    name = "ml_failure_predictor"
    consumes: tuple[type[Event], ...] = (ServiceSampled, ObservationResumed)
    emits: tuple[type[Event], ...] = (FailurePredicted,)
    traits = Traits()

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State()
        self._series: dict[str, Series] = {}

    def handle(self, event: ServiceSampled | ObservationResumed) -> Results:
        if isinstance(event, ObservationResumed):
            self._series.clear()
            return ()
        service = self.world.config.service(event.service)
        if service is None:
            return ()
        found = (self._judge(event, metric, limit) for metric, limit in _ceilings(service.limits))
        return [prediction for prediction in found if prediction]

    def apply(self, fact: FailurePredicted | ObservationResumed) -> None:
        if isinstance(fact, FailurePredicted):
            said = Announced(fact.incarnation, fact.lead_time_s, fact.at)
            self.state.announced[f"{fact.service}/{fact.metric}"] = said

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
