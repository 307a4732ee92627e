"""What a report says: one frozen object, from which the page and the Markdown are made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from agents.incident.records import Act, Incident
from agents.incident.story import plain
from dashboard.reports.chart import Mark
from dashboard.reports.curves import OWN, Curve, Curves

BEFORE_S, AFTER_S = 600.0, 60.0
CHARTS = 2


class Report(Struct, frozen=True, kw_only=True):
    """Texts are plain, but written in part by what was watched: escape them."""

    id: str
    service: str
    title: str
    opened: str
    closed: str
    opened_at: float
    lasted_s: float
    symptoms: tuple[str, ...]
    cause: str
    evidence: tuple[str, ...]
    rivals: tuple[str, ...]
    acts: tuple[str, ...]
    learnt: tuple[str, ...]
    timeline: tuple[tuple[float, str], ...]  # seconds from the opening
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...]


def report_of(
    incident: Incident,
    curves: Curves,
    rates: Iterable[Mapping[str, Any]],
    rfc3339: Callable[[float], str],
    redact: Callable[[str], str],
) -> Report:
    """`rates` as `PeopleView.success_rates` gives them."""
    ended = incident.closed_at if incident.closed_at is not None else incident.touched_at
    cause = incident.cause

    def words(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(redact(plain(line)) for line in lines)

    return Report(
        id=incident.id,
        service=incident.service,
        title=redact(plain(f"{incident.service}: {_outcome(incident)}")),
        opened=rfc3339(incident.opened_at),
        closed=rfc3339(ended),
        opened_at=incident.opened_at,
        lasted_s=ended - incident.opened_at,
        symptoms=words(incident.symptoms),
        cause=f"{cause.name} of {cause.service}, {cause.confidence:.0%} sure" if cause else "not found",
        evidence=words(cause.evidence if cause else ()),
        rivals=words(f"{r.name} of {r.service}, {r.confidence:.0%}" for r in incident.rivals),
        acts=words(_act(act, incident) for act in incident.acts),
        learnt=words(_learnt(incident, rates)),
        timeline=tuple(
            (line.at - incident.opened_at, redact(plain(line.text))) for line in incident.timeline
        ),
        curves=_curves(incident, curves, ended),
        marks=tuple(_marks(incident, ended)),
    )


def _outcome(incident: Incident) -> str:
    last = next((act for act in reversed(incident.acts) if act.outcome == "verified"), None)
    if incident.outcome == "healed" and last is not None:
        return f"healed by {last.fix}"
    return {"passed_by_itself": "passed by itself", "withdrawn": "withdrawn"}.get(
        incident.outcome, incident.status
    )


def _act(act: Act, incident: Incident) -> str:
    began = f"{act.started_at - incident.opened_at:+.1f} s: {act.fix} of {act.target} for {act.cause_name}"
    became = act.outcome + (f" ({act.reason})" if act.reason else "")
    back = "; taken back" if act.undone else f"; to undo it: {act.undo}" if act.undo else ""
    return f"{began}, {act.seconds:.1f} s, {became}{back}"


def _learnt(incident: Incident, rates: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """The record of each pair that was tried here, as it stands now."""
    tried = {f"{act.cause_name}/{act.fix}" for act in incident.acts}
    for rate in rates:
        if rate.get("key") in tried:
            tally = rate.get("by_service", {}).get(incident.service, {})
            cause, _, fix = str(rate["key"]).partition("/")
            counted = f"{incident.service} was well {tally.get('well', 0)} of {tally.get('times', 0)} times"
            passes = rate.get("passes", 0.0)
            meanwhile = f", {passes:.0%} pass meanwhile" if passes else ""
            yield f"after {fix} against {cause} {counted}; it helps in {tally.get('helps', 0.0):.0%}{meanwhile}"


def _curves(incident: Incident, curves: Curves, ended: float) -> tuple[Curve, ...]:
    """The metrics whose values moved most around the incident, against what they were before it."""
    since, until = incident.opened_at - BEFORE_S, ended + AFTER_S
    culprit = incident.cause.service if incident.cause else incident.service
    names = dict.fromkeys((culprit, incident.service))
    found = [
        curve
        for name in names
        for metric in curves.metrics(name)
        if (curve := curves.of(name, metric, since, until))
    ]
    found.sort(key=lambda curve: (-_moved(curve, incident.opened_at), curve.metric not in OWN, curve.metric))
    return tuple(curve for curve in found[:CHARTS] if _moved(curve, incident.opened_at) > 0)


def _moved(curve: Curve, opened_at: float) -> float:
    """Largest distance from the median before, in units of what it varied by before."""
    before = sorted(value for at, value in zip(curve.at, curve.values, strict=True) if at < opened_at)
    if not before:
        return 0.0
    median = before[len(before) // 2]
    usual = before[int(len(before) * 0.9)] - before[int(len(before) * 0.1)]
    scale = max(usual, abs(median) * 0.05, 1e-9)
    return max(abs(value - median) for value in curve.values) / scale


def _marks(incident: Incident, ended: float) -> Sequence[Mark]:
    marks = [Mark(incident.opened_at, "incident opened", "bad")]
    marks += [Mark(act.started_at, f"{act.fix} started", "act") for act in incident.acts]
    return [*marks, Mark(ended, f"incident {incident.status}", "good")]
