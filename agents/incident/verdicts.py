"""The verdicts of the owner: what it says about an incident, filled in from the incident."""

from typing import Literal

from agents.events import Event, FixFailed, FixVerified, IncidentClosed, IncidentEscalated, IncidentRetried
from agents.incident.records import Act, Incident


def failed(incident: Incident, act: Act, reason: str) -> FixFailed:
    return FixFailed(
        incident=incident.id,
        service=act.target,
        fix=act.fix,
        cause_name=act.cause_name,
        culprit=act.culprit,
        reason=reason,
    )


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
        message=message,
        seconds=round(at - incident.opened_at, 3),
    )


def escalated(incident: Incident, reason: str) -> IncidentEscalated:
    return IncidentEscalated(
        incident=incident.id, service=incident.service, reason=reason, round=incident.rounds
    )


def retry(incident: Incident, reason: str) -> IncidentRetried:
    return IncidentRetried(
        incident=incident.id, service=incident.service, round=incident.rounds + 1, reason=reason
    )
