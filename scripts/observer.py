"""What the dashboard shows beyond the agents' own state: folded from facts and telemetry as they pass."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from agents.agent import Results, Traits
from agents.events import (
    AnomalyDetected,
    Event,
    Fact,
    FailurePredicted,
    HealthChanged,
    OperatorCommanded,
    ProbeObserved,
    ServiceSampled,
)
from agents.wellbeing import OF_MODELS
from config.ourselves import is_drill
from dashboard.figures import Figures
from dashboard.reports.curves import Curves
from dashboard.spans import OpenIncidents, incident_spans, trace_item
from dashboard.stream import Stream
from dashboard.timeline import as_item
from utils.event import Record
from utils.tracing import Exporter, TraceLog

KEPT = 1000
COMMANDS_KEPT = 10_000
METRICS_KEPT = 40_000  # of one service; a scrape has at most half as many


class Nothing(Struct):
    """An observer has no state of its own."""

    none: dict[str, str] = field(default_factory=dict)


class Observer:
    """An agent that only listens. Facts reach it through `record`, before anybody acts on them."""

    name = "observer"
    consumes: tuple[type[Event], ...] = (ProbeObserved, ServiceSampled)
    emits: tuple[type[Event], ...] = ()
    traits = Traits(optional=True)

    def __init__(
        self, rfc3339: Callable[[float], str], wall: Callable[[float], datetime], exporter: Exporter | None
    ) -> None:
        self.state = Nothing()
        self.figures = Figures()
        self.curves = Curves()
        self.stream = Stream()
        self.traces = TraceLog(shown=trace_item)
        self.predictions: deque[FailurePredicted] = deque(maxlen=KEPT)
        self.anomalies: deque[AnomalyDetected] = deque(maxlen=KEPT)
        self.commands: deque[OperatorCommanded] = deque(maxlen=COMMANDS_KEPT)
        self.health: dict[str, HealthChanged] = {}
        self.samples: dict[str, dict[str, tuple[float, float]]] = {}  # service -> metric -> (value, at)
        self._open = OpenIncidents()
        self._rfc3339 = rfc3339
        self._wall = wall
        self._exporter = exporter
        self._keep: dict[type, Callable[[Any], None]] = {
            FailurePredicted: self.predictions.appendleft,
            AnomalyDetected: self.anomalies.appendleft,
            OperatorCommanded: self.commands.appendleft,
            **dict.fromkeys(
                (HealthChanged, *OF_MODELS), lambda fact: self.health.__setitem__(fact.service, fact)
            ),
        }

    def handle(self, event: ProbeObserved | ServiceSampled) -> Results:
        if isinstance(event, ServiceSampled):
            seen = self.samples.setdefault(event.service, {})
            if len(seen) > METRICS_KEPT:  # label values that change all the time; what is alive comes again
                seen.clear()
            self.curves.add(event.service, event.names, event.values, event.at)
            for name, value in zip(event.names, event.values, strict=True):
                seen[name] = (value, event.at)
        else:
            self.figures.fold(event)
        return ()

    def apply(self, fact: Fact) -> None:
        """Nothing is durable here."""

    def record(self, record: Record, *, live: bool = True, shown: bool = True) -> None:
        """Fold a record. `live` is False for those of earlier lives, which counters do not count; `shown` is False
        for those that the timeline would forget anyhow."""
        facts = [fact for fact in record.results if not is_drill(fact.service)]
        for fact in facts:
            keep = self._keep.get(type(fact))
            if keep is not None:
                keep(fact)
            if live:
                self.figures.fold(fact)
            if shown:
                self.stream.publish(as_item(fact, self._rfc3339))
        for whole in self._open.fold(facts):
            spans = incident_spans(whole, self._wall)
            self.traces.add(spans)
            if self._exporter is not None and live and spans:
                self._exporter.add(spans)
