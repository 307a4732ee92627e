"""How facts change an incident: pure transitions, one for each kind of fact."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from agents.events import (
    AdviceGiven,
    AgentHealthChanged,
    AlertReceived,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CauseFound,
    Fact,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ServiceStopped,
    StartRetried,
)
from agents.incident.records import (
    ACTS,
    FAULTS,
    KIND_OF_SYMPTOM,
    SYMPTOMS,
    TIMELINE_LINES,
    Act,
    Fault,
    Incident,
    Line,
    Status,
)
from agents.incident.story import sentence
from agents.wellbeing import OF_MODELS


def opened(fact: IncidentOpened, damaged: tuple[str, ...] = ()) -> Incident:
    symptom = f"{fact.symptom}: {fact.reason}"
    blank = Incident(
        id=fact.incident,
        service=fact.service,
        opened_at=fact.at,
        first_sign_at=fact.first_sign_at or fact.at,
        symptom=fact.symptom,
        kind=KIND_OF_SYMPTOM.get(fact.symptom, "probe"),
        incarnation=fact.incarnation,
        symptoms=(symptom,),
        damaged=damaged,
        faults=(Fault(fact.at, symptom),),
        sign_at=fact.at,
        sign=symptom,
    )
    return _noted(blank, fact)


def fold(incident: Incident, fact: Fact) -> Incident:
    """The incident after `fact`; facts of other kinds leave it as it is."""
    step = _STEPS.get(type(fact))
    return incident if step is None else step(incident, fact)


def last_act(incident: Incident, act_id: str, fix: str = "") -> Act | None:
    """The act with this id, else the newest undecided one of this fix."""
    named = next((act for act in incident.acts if act.id == act_id), None)
    return named or next((act for act in reversed(incident.acts) if act.fix == fix and act.in_hand), None)


# --- the steps -------------------------------------------------------------------------------------------------------


def _noted(incident: Incident, fact: Fact, **changes: object) -> Incident:
    """With a line in the timeline; of a long one the middle is forgotten, never the beginning or the end."""
    text = sentence(fact)
    lines = (*incident.timeline, Line(fact.at, text))
    if len(lines) > TIMELINE_LINES:
        half = TIMELINE_LINES // 2
        lines = (*lines[:half], *lines[half + 1 :])
    return replace(incident, touched_at=fact.at, message=text, timeline=lines, **changes)


def _symptom(incident: Incident, fact: Fact, text: str, **changes: object) -> Incident:
    known = incident.symptoms if text in incident.symptoms else (*incident.symptoms, text)
    return _noted(incident, fact, symptoms=known[-SYMPTOMS:], sign_at=fact.at, sign=text, **changes)


def _health(incident: Incident, fact: HealthChanged) -> Incident:
    if fact.health not in {"down", "unhealthy"}:
        return _noted(incident, fact) if fact.health in {"healthy", "stopped"} else incident
    kind = KIND_OF_SYMPTOM.get(fact.symptom, incident.kind)
    if kind in {"prediction", "alert"}:
        kind = "probe"  # what was predicted has come true, and what others saw we see ourselves
    incarnation = fact.incarnation or incident.incarnation
    return _symptom(
        incident, fact, f"{fact.symptom or fact.health}: {fact.reason}", kind=kind, incarnation=incarnation
    )


def _damaged(incident: Incident, fact: FileDamaged) -> Incident:
    damaged = incident.damaged if fact.path in incident.damaged else (*incident.damaged, fact.path)
    return _symptom(incident, fact, f"file_damaged: {fact.path}: {fact.problem}", damaged=damaged)


def _repaired(incident: Incident, fact: FileRepaired) -> Incident:
    return _noted(incident, fact, damaged=tuple(path for path in incident.damaged if path != fact.path))


def _predicted(incident: Incident, fact: FailurePredicted) -> Incident:
    text = f"failure_predicted: {fact.failure} ({fact.metric})"
    if text in incident.symptoms:
        return replace(incident, sign_at=fact.at)
    return _symptom(incident, fact, text)


def _alerted(incident: Incident, fact: AlertReceived) -> Incident:
    if not fact.firing:
        return _noted(incident, fact)
    text = f"alert: {fact.alert}: {fact.summary}"
    return incident if text in incident.symptoms else _symptom(incident, fact, text)


def _cause(incident: Incident, fact: CauseFound) -> Incident:
    faults = incident.faults
    if faults:
        faults = (*faults[:-1], replace(faults[-1], cause=fact.best))
    return _noted(incident, fact, cause=fact.best, rivals=fact.rivals, faults=faults)


def _refused(incident: Incident, fact: FixRefused) -> Incident:
    if incident.act is not None:  # judged already: the incident is past this choice
        return _noted(incident, fact)
    status = "waiting_approval" if fact.limit == "approval" else "open"
    if fact.final:
        return _noted(incident, fact, waits_for="", status="open")
    return _noted(incident, fact, waits_for=fact.limit, status=status)


def _asked(incident: Incident, fact: ApprovalRequested) -> Incident:
    return _noted(incident, fact, question=fact.id, asks_for=fact.what)


def _answered(incident: Incident, fact: ApprovalDenied | ApprovalExpired) -> Incident:
    return _noted(incident, fact, question="", asks_for="")


def _started(incident: Incident, fact: FixStarted) -> Incident:
    if fact.undo_of:
        return _noted(incident, fact)
    if fact.approval:
        incident = replace(incident, question="", asks_for="")
    act = Act(
        id=fact.id,
        fix=fact.fix,
        target=fact.service,
        layer=fact.agent.removesuffix("_recovery"),
        cause_name=fact.cause_name,
        culprit=fact.culprit,
        started_at=fact.at,
        deadline_s=fact.deadline_s,
        patience_s=fact.patience_s,
    )
    return _noted(incident, fact, status="recovering", waits_for="", acts=(*incident.acts, act)[-ACTS:])


def _applied(incident: Incident, fact: FixApplied) -> Incident:
    if fact.undo_of:
        return _taken_back(incident, fact)
    act = last_act(incident, fact.cause, fact.fix)
    if act is None or not act.in_hand:
        return _noted(incident, fact)
    act = replace(
        act,
        outcome="applied",
        how=fact.outcome,
        applied_at=fact.at,
        after=fact.incarnation,
        seconds=fact.seconds or fact.at - act.started_at,
        undo=fact.undo,
    )
    return _noted(incident, fact, status="verifying", acts=_with(incident, act))


def _taken_back(incident: Incident, fact: FixApplied) -> Incident:
    act = last_act(incident, fact.undo_of)
    if act is None or fact.outcome == "failed":
        return _noted(incident, fact)
    return _noted(incident, fact, acts=_with(incident, replace(act, undone=True)))


def _with(incident: Incident, act: Act) -> tuple[Act, ...]:
    return tuple(act if known.id == act.id else known for known in incident.acts)


def _decided(incident: Incident, fact: FixVerified | FixFailed) -> Incident:
    act = incident.act
    if act is None:
        return _noted(incident, fact)
    if isinstance(fact, FixVerified):
        act = replace(act, outcome="verified", reason="", seconds=fact.seconds)
        return _noted(incident, fact, acts=_with(incident, act))
    outcome, seconds = "interrupted" if fact.interrupted else "failed", fact.at - act.started_at
    act = replace(act, outcome=outcome, reason=fact.reason, seconds=seconds, suspect=fact.suspect)
    acts = _with(incident, act)
    faults = incident.faults
    if fact.interrupted:
        faults = (*faults, Fault(incident.sign_at, incident.sign))[-FAULTS:]
    return _noted(incident, fact, status="open", acts=acts, faults=faults)


def _blamed(incident: Incident, fact: HarmFound) -> Incident:
    act = last_act(incident, fact.act)
    return _noted(incident, fact, acts=_with(incident, replace(act, suspect="")) if act else incident.acts)


def _escalated(incident: Incident, fact: IncidentEscalated) -> Incident:
    return _noted(incident, fact, status="escalated", escalated_at=fact.at, waits_for="")


def _retried(incident: Incident, fact: IncidentRetried) -> Incident:
    return _noted(incident, fact, status="open", rounds=fact.round)


def _closed(incident: Incident, fact: IncidentClosed) -> Incident:
    status: Status = "withdrawn" if fact.outcome == "withdrawn" else "closed"
    acts = tuple(replace(act, outcome="dropped") if act.in_hand else act for act in incident.acts)
    changes = {"status": status, "closed_at": fact.at, "outcome": fact.outcome, "acts": acts, "waits_for": ""}
    return _noted(incident, fact, **changes)


def _stopped(incident: Incident, fact: ServiceStopped) -> Incident:
    """Whatever life comes next was not made by the act, and is as good."""
    acts = tuple(
        replace(act, after="") if act.in_hand and act.target == fact.service else act for act in incident.acts
    )
    return _noted(incident, fact, acts=acts)


_STEPS: dict[type[Fact], Callable[[Incident, Any], Incident]] = {
    HealthChanged: _health,
    AgentHealthChanged: _health,
    **dict.fromkeys(OF_MODELS, _health),
    FileDamaged: _damaged,
    FileRepaired: _repaired,
    FailurePredicted: _predicted,
    AlertReceived: _alerted,
    CauseFound: _cause,
    AdviceGiven: _noted,
    FixChosen: _noted,
    FixRefused: _refused,
    ApprovalRequested: _asked,
    ApprovalGiven: _noted,
    ApprovalDenied: _answered,
    ApprovalExpired: _answered,
    FixStarted: _started,
    FixApplied: _applied,
    FixVerified: _decided,
    FixFailed: _decided,
    HarmFound: _blamed,
    StartRetried: _noted,
    FixesExhausted: _noted,
    IncidentEscalated: _escalated,
    IncidentRetried: _retried,
    IncidentClosed: _closed,
    ServiceStopped: _stopped,
}
