"""From the facts of an incident to its spans: detect, diagnose, select, act and verify under one root."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from agents import events as e
from utils.clock import rfc3339
from utils.event import Fact
from utils.tracing import Span, Value, span_id_of, trace_id_of

Wall = Callable[[float], datetime]


def incident_spans(facts: Sequence[Fact], wall: Wall) -> tuple[Span, ...]:
    """`facts` are those of one incident, in the order of the journal. Empty while the incident is open."""
    opened = next((fact for fact in facts if isinstance(fact, e.IncidentOpened)), None)
    closed = next((fact for fact in reversed(facts) if isinstance(fact, e.IncidentClosed)), None)
    if opened is None or closed is None:
        return ()
    tree = _Tree(opened, wall)
    for fact in facts:
        tree.fold(fact)
    return (tree.root(closed), *tree.children)


def _utc(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def trace_item(spans: Sequence[Span], wall_of_unix: Callable[[float], datetime] = _utc) -> dict[str, Any]:
    """A trace as the lists and files show it; `spans` begin with the root. Make it once: it costs 20 µs."""
    root = spans[0]
    return {
        "trace_id": root.trace_id,
        "name": root.name,
        "service": root.attributes.get("nightwarden.service", ""),
        "incident": root.attributes.get("nightwarden.incident", ""),
        "started_at": rfc3339(wall_of_unix(root.start_s)),
        "seconds": round(root.end_s - root.start_s, 6),
        "spans": [
            {
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "name": span.name,
                "started_at": rfc3339(wall_of_unix(span.start_s)),
                "seconds": round(span.end_s - span.start_s, 6),
                "ok": span.ok,
                "attributes": dict(span.attributes),
            }
            for span in spans
        ],
    }


class _Tree:
    """Each child lasts from the fact before it to the fact that ends it."""

    def __init__(self, opened: e.IncidentOpened, wall: Wall) -> None:
        self._opened = opened
        self._incident = opened.incident or opened.id
        self._wall = wall
        self._began = opened.first_sign_at or opened.at
        self._last = opened.at  # where the step that comes next began
        self._cause = "unknown"
        self._acts: dict[str, e.FixStarted] = {}
        self.children: list[Span] = [self._child("detect", opened, self._began, {"symptom": opened.symptom})]

    def fold(self, fact: Fact) -> None:
        match fact:
            case e.CauseFound():
                self._cause = fact.best.name
                found: dict[str, Value] = {
                    "cause": fact.best.name,
                    "culprit": fact.best.service,
                    "confidence": fact.best.confidence,
                }
                self._step("diagnose", fact, found)
            case e.FixChosen():
                self._step("select", fact, {"fix": fact.fix, "probability": fact.probability})
            case e.FixStarted():
                self._acts[fact.fix] = fact
            case e.FixApplied():
                act = self._acts.get(fact.fix)
                target: dict[str, Value] = {"fix": fact.fix, "target": fact.service, "outcome": fact.outcome}
                begun = act.at if act else self._last
                self.children.append(self._child("act", fact, begun, target, ok=fact.outcome != "failed"))
                self._last = fact.at
            case e.FixVerified() | e.FixFailed():
                self._step("verify", fact, {"fix": fact.fix}, ok=isinstance(fact, e.FixVerified))
            case _:
                pass

    def root(self, closed: e.IncidentClosed) -> Span:
        return Span(
            trace_id=trace_id_of(self._incident),
            span_id=span_id_of(self._incident),
            name="incident",
            start_s=self._unix(self._began),
            end_s=self._unix(closed.at),
            attributes=_named(
                {
                    "service": self._opened.service,
                    "incident": self._incident,
                    "cause": self._cause,
                    "outcome": closed.outcome,
                }
            ),
        )

    def _step(self, name: str, fact: Fact, attributes: dict[str, Value], *, ok: bool = True) -> None:
        self.children.append(self._child(name, fact, self._last, attributes, ok=ok))
        self._last = fact.at

    def _child(
        self, name: str, fact: Fact, begun: float, attributes: dict[str, Value], *, ok: bool = True
    ) -> Span:
        return Span(
            trace_id=trace_id_of(self._incident),
            span_id=span_id_of(f"{name}:{fact.id}"),
            parent_id=span_id_of(self._incident),
            name=name,
            start_s=self._unix(begun),
            end_s=self._unix(fact.at),
            ok=ok,
            attributes=_named(attributes | {"fact": fact.id}),
        )

    def _unix(self, at: float) -> float:
        return self._wall(at).timestamp()


def _named(attributes: dict[str, Value]) -> dict[str, Value]:
    return {f"nightwarden.{name}": value for name, value in attributes.items()}


class OpenIncidents:
    """Keeps the facts of each open incident until it ends; both are bounded.

    Rebuilt by replaying the journal, so a trace is whole though the daemon died meanwhile.
    """

    def __init__(self, incidents: int = 1000, facts: int = 500) -> None:
        self._facts: dict[str, list[Fact]] = {}
        self._incidents = incidents
        self._limit = facts

    def fold(self, facts: Iterable[Fact]) -> list[Sequence[Fact]]:
        """The facts of each incident that ended just now."""
        ended: list[Sequence[Fact]] = []
        for fact in facts:
            if isinstance(fact, e.IncidentOpened):
                self._begin(fact)
            kept = self._facts.get(fact.incident)
            if kept is None:
                continue
            if len(kept) < self._limit or isinstance(fact, e.IncidentClosed):
                kept.append(fact)
            if isinstance(fact, e.IncidentClosed):
                ended.append(self._facts.pop(fact.incident))
        return ended

    def _begin(self, fact: e.IncidentOpened) -> None:
        if len(self._facts) >= self._incidents:
            del self._facts[next(iter(self._facts))]
        self._facts[fact.incident] = []
