"""Incidents as people and programs read them: JSON for the API, the lines of `explain`, the figures of the summary."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from agents.events import Cause
from agents.incident.records import Act, Fault, Incident
from agents.incident.story import plain
from agents.incident.verification import WAIT

DAY_S = 86400.0


def incident_json(incident: Incident, rfc3339: Callable[[float], str]) -> dict[str, Any]:
    """As DESIGN.md gives it, and more where it met several faults. `rfc3339` turns `at` into wall time."""
    shown: dict[str, Any] = {
        "id": incident.id,
        "service": incident.service,
        "status": incident.shown_status,
        "opened_at": rfc3339(incident.opened_at),
        "closed_at": None if incident.closed_at is None else rfc3339(incident.closed_at),
        "symptoms": [plain(symptom) for symptom in incident.symptoms],
        "cause": None if incident.cause is None else _cause_json(incident.cause),
        "rivals": [_cause_json(rival) for rival in incident.rivals],
        "acts": [_act_json(act, rfc3339) for act in incident.acts],
        "message": incident.message,
    }
    for line, act in zip(shown["acts"], incident.acts, strict=True):
        if act.target != incident.service:
            line["service"] = act.target
    return shown if len(incident.faults) < 2 else _with_all_faults(shown, incident, rfc3339)


def _with_all_faults(
    shown: dict[str, Any], incident: Incident, rfc3339: Callable[[float], str]
) -> dict[str, Any]:
    """Its cause is that of the last one: those before it stand in the evidence, each act says what it was for."""
    *before, _ = incident.faults
    told = dict.fromkeys(f"before that, {_fault_words(fault)}" for fault in before)
    if (cause := shown["cause"]) is not None:
        cause["evidence"] += told
    for line, act in zip(shown["acts"], incident.acts, strict=True):
        line |= {"service": act.target, "cause": act.cause_name, "reason": plain(act.reason)}
    return shown | {"faults": [_fault_json(fault, rfc3339) for fault in incident.faults]}


def _fault_words(fault: Fault) -> str:
    cause = f" ({fault.cause.name} of {fault.cause.service})" if fault.cause else ""
    return plain(f"{fault.symptom}{cause}, whose fix was not verified when the next one came")


def _fault_json(fault: Fault, rfc3339: Callable[[float], str]) -> dict[str, Any]:
    cause = None if fault.cause is None else _cause_json(fault.cause)
    return {"at": rfc3339(fault.at), "symptom": plain(fault.symptom), "cause": cause}


def _cause_json(cause: Cause) -> dict[str, Any]:
    return {
        "name": cause.name,
        "service": cause.service,
        "confidence": cause.confidence,
        "evidence": [plain(line) for line in cause.evidence],
    }


def _act_json(act: Act, rfc3339: Callable[[float], str]) -> dict[str, Any]:
    way_back = {"undo": plain(act.undo)} if act.undo and not act.undone else {}
    needless = {"needed": False} if act.how == "symptom_gone" else {}  # a last look found nothing to do
    return (
        way_back
        | needless
        | {
            "fix": act.fix,
            "layer": act.layer,
            "outcome": act.outcome,
            "started_at": rfc3339(act.started_at),
            "seconds": round(act.seconds, 3),
            "undone": act.undone,
        }
    )


def explain(incident: Incident) -> list[str]:
    """What happened and why, in the order in which it happened, seconds from the opening."""
    lines = [f"incident {incident.id} of {incident.service}: {incident.shown_status}"]
    if incident.question:
        lines.append(f"asks: may it {incident.asks_for}? nightwarden approve {incident.question}")
    if incident.waits_for:
        lines.append(f"waits: limit {incident.waits_for}")
    if incident.damaged:
        lines.append(f"damaged files: {', '.join(incident.damaged)}")
    lines += [f"{line.at - incident.opened_at:+8.1f} s  {line.text}" for line in incident.timeline]
    lines += [f"undo of {act.fix}: {plain(act.undo)}" for act in incident.acts if act.undo]
    return lines


class Figures(Struct, frozen=True):
    """None where there is nothing to count from."""

    incidents: int
    open: int
    escalated: int
    recoveries: int  # incidents that a fix healed
    auto_fix_success_rate: float | None  # of decided acts; waiting is none
    rollbacks_7d: int
    mttd_s: float | None  # first bad sign that we saw to opening
    mttr_s: float | None  # opening to healed
    acts_by_day: dict[str, dict[str, int]]


def figures(incidents: Iterable[Incident], now: float, day: Callable[[float], str]) -> Figures:
    """`day` names the calendar day of an `at`, for example 2026-05-01."""
    known = list(incidents)
    healed = [incident for incident in known if incident.outcome == "healed"]
    acts = [act for incident in known for act in incident.acts if act.fix != WAIT]
    decided = [act for act in acts if act.outcome in {"verified", "failed"}]
    verified = sum(act.outcome == "verified" for act in decided)
    return Figures(
        incidents=len(known),
        open=sum(not incident.ended for incident in known),
        escalated=sum(incident.status == "escalated" for incident in known),
        recoveries=len(healed),
        auto_fix_success_rate=verified / len(decided) if decided else None,
        rollbacks_7d=sum("rollback" in act.fix and now - act.started_at <= 7 * DAY_S for act in acts),
        mttd_s=_mean([incident.opened_at - incident.first_sign_at for incident in known]),
        mttr_s=_mean([(i.closed_at or i.opened_at) - i.opened_at for i in healed]),
        acts_by_day=_by_day(acts, day),
    )


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _by_day(acts: Iterable[Act], day: Callable[[float], str]) -> dict[str, dict[str, int]]:
    days: dict[str, Counter[str]] = {}
    for act in acts:
        days.setdefault(day(act.started_at), Counter())[act.fix] += 1
    return {name: dict(counted) for name, counted in sorted(days.items())}
