"""The verdicts of the owner: what it says about an incident, filled in from the incident."""

from typing import Literal

from agents.events import (
    Event,
    FixFailed,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentRetried,
    ProbeObserved,
)
from agents.incident.records import Act, Incident
from agents.incident.verification import interrupts


def failed(
    incident: Incident,
    act: Act,
    reason: str,
    *,
    interrupted: bool = False,
    harmful: bool = False,
    suspect: str = "",
) -> FixFailed:
    return FixFailed(
        incident=incident.id,
        service=act.target,
        fix=act.fix,
        cause_name=act.cause_name,
        culprit=act.culprit,
        reason=reason,
        interrupted=interrupted,
        harmful=harmful,
        suspect=suspect,
    )


def failed_by_health(
    incident: Incident, act: Act, fact: HealthChanged, *, harmful: bool = False, suspect: str = ""
) -> FixFailed:
    reason = f"{fact.service} is {fact.health}: {fact.reason}"
    interrupted = interrupts(act, fact)
    return failed(incident, act, reason, interrupted=interrupted, harmful=harmful, suspect=suspect)


def blamed(incident: Incident, act: Act, reason: str) -> HarmFound:
    return HarmFound(
        incident=incident.id,
        service=act.target,
        act=act.id,
        fix=act.fix,
        cause_name=act.cause_name,
        reason=reason,
    )


def failed_by_probes(incident: Incident, act: Act, bad: int, last: ProbeObserved) -> FixFailed:
    reason = f"{bad} probes in a row failed: {last.reason}"
    return failed(incident, act, reason, interrupted=interrupts(act, last))


def verified(incident: Incident, act: Act, at: float) -> list[Event]:
    verified = FixVerified(
        incident=incident.id,
        service=act.target,
        fix=act.fix,
        cause_name=act.cause_name,
        culprit=act.culprit,
        seconds=round(at - act.started_at, 3),
    )
    return [verified, closed(incident, "healed", at, f"{act.fix} of {act.target}")]


def closed(
    incident: Incident, outcome: Literal["healed", "passed_by_itself", "withdrawn"], at: float, message: str
) -> IncidentClosed:
    return IncidentClosed(
        incident=incident.id,
        service=incident.service,
        outcome=outcome,
        message="; ".join(part for part in (message, _unverified(incident)) if part),
        seconds=round(at - incident.opened_at, 3),
    )


def _unverified(incident: Incident) -> str:
    """What nobody knows to have helped, since a new fault came first."""
    acts = [act for act in incident.acts if act.outcome == "interrupted"]
    if not acts:
        return ""
    *_, last = acts
    faults = "a new fault" if len(acts) == 1 else f"{len(acts)} new faults"
    return f"{faults} came before a fix was verified, the last one after {last.fix} of {last.target} for {last.cause_name}"


def escalated(incident: Incident, reason: str) -> IncidentEscalated:
    return IncidentEscalated(
        incident=incident.id, service=incident.service, reason=reason, round=incident.rounds
    )


def retry(incident: Incident, reason: str) -> IncidentRetried:
    return IncidentRetried(
        incident=incident.id, service=incident.service, round=incident.rounds + 1, reason=reason
    )
