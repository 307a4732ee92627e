"""What an incident is: frozen records and the pure transitions by which facts change them."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from agents.events import (
    AgentHealthChanged,
    Cause,
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
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ServiceStopped,
    StartRetried,
)
from agents.incident.story import sentence

Status = Literal["open", "waiting_approval", "recovering", "verifying", "closed", "escalated", "withdrawn"]
Kind = Literal["exit", "probe", "file", "prediction"]
KIND_OF_SYMPTOM: dict[str, Kind] = {
    "exit": "exit",
    "found_dead": "exit",
    "file_damaged": "file",
    "failure_predicted": "prediction",
}
ENDED = ("closed", "withdrawn")
TIMELINE_LINES = 80
SYMPTOMS = 12
ACTS = 50


class Act(Struct, frozen=True, omit_defaults=True, gc=False):
    """One fix from permission to verdict. `id` is that of its FixStarted."""

    id: str
    fix: str
    target: str
    layer: str
    cause_name: str
    culprit: str
    started_at: float
    deadline_s: float = 86400.0
    outcome: Literal["started", "applied", "verified", "failed", "dropped"] = "started"
    how: str = ""  # FixApplied.outcome
    applied_at: float = 0.0
    after: str = ""  # incarnation of the target after the act; empty: any
    seconds: float = 0.0
    undo: str = ""
    undone: bool = False
    reason: str = ""

    @property
    def in_hand(self) -> bool:
        return self.outcome in {"started", "applied"}


class Line(Struct, frozen=True, gc=False):
    at: float
    text: str


class Incident(Struct, frozen=True, omit_defaults=True, gc=False):
    """Everything known about one incident; `id` is that of the fact that opened it."""

    id: str
    service: str
    opened_at: float
    first_sign_at: float
    symptom: str
    kind: Kind
    incarnation: str = ""
    status: Status = "open"
    closed_at: float | None = None
    outcome: str = ""
    symptoms: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()  # declared files that fail their check
    cause: Cause | None = None
    rivals: tuple[Cause, ...] = ()
    acts: tuple[Act, ...] = ()
    waits_for: str = ""  # the limit that holds a chosen fix back
    escalated_at: float = 0.0
    rounds: int = 0  # of slow probing
    sign_at: float = 0.0  # the newest symptom
    touched_at: float = 0.0
    message: str = ""
    timeline: tuple[Line, ...] = ()

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def act(self) -> Act | None:
        """The act that waits for its outcome or its verdict."""
        return self.acts[-1] if self.acts and self.acts[-1].in_hand else None


def opened(fact: IncidentOpened, damaged: tuple[str, ...] = ()) -> Incident:
    blank = Incident(
        id=fact.incident,
        service=fact.service,
        opened_at=fact.at,
        first_sign_at=fact.first_sign_at or fact.at,
        symptom=fact.symptom,
        kind=KIND_OF_SYMPTOM.get(fact.symptom, "probe"),
        incarnation=fact.incarnation,
        symptoms=(f"{fact.symptom}: {fact.reason}",),
        damaged=damaged,
        sign_at=fact.at,
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
    return _noted(incident, fact, symptoms=known[-SYMPTOMS:], sign_at=fact.at, **changes)


def _health(incident: Incident, fact: HealthChanged) -> Incident:
    if fact.health not in {"down", "unhealthy"}:
        return _noted(incident, fact) if fact.health in {"healthy", "stopped"} else incident
    kind = KIND_OF_SYMPTOM.get(fact.symptom, incident.kind)
    if kind == "prediction":
        kind = "probe"  # what was predicted has come true
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


def _cause(incident: Incident, fact: CauseFound) -> Incident:
    return _noted(incident, fact, cause=fact.best, rivals=fact.rivals)


def _refused(incident: Incident, fact: FixRefused) -> Incident:
    if incident.act is not None:  # judged already: the incident is past this choice
        return _noted(incident, fact)
    status = "waiting_approval" if fact.limit == "approval" else "open"
    if fact.final:
        return _noted(incident, fact, waits_for="", status="open")
    return _noted(incident, fact, waits_for=fact.limit, status=status)


def _started(incident: Incident, fact: FixStarted) -> Incident:
    act = Act(
        id=fact.id,
        fix=fact.fix,
        target=fact.service,
        layer=fact.agent.removesuffix("_recovery"),
        cause_name=fact.cause_name,
        culprit=fact.culprit,
        started_at=fact.at,
        deadline_s=fact.deadline_s,
    )
    return _noted(incident, fact, status="recovering", waits_for="", acts=(*incident.acts, act)[-ACTS:])


def _applied(incident: Incident, fact: FixApplied) -> Incident:
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


def _with(incident: Incident, act: Act) -> tuple[Act, ...]:
    return tuple(act if known.id == act.id else known for known in incident.acts)


def _decided(incident: Incident, fact: FixVerified | FixFailed) -> Incident:
    act = incident.act
    if act is None:
        return _noted(incident, fact)
    verified = isinstance(fact, FixVerified)
    act = replace(
        act,
        outcome="verified" if verified else "failed",
        reason="" if isinstance(fact, FixVerified) else fact.reason,
        seconds=fact.seconds if isinstance(fact, FixVerified) else fact.at - act.started_at,
    )
    status = incident.status if verified else "open"
    return _noted(incident, fact, status=status, acts=_with(incident, act))


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
    FileDamaged: _damaged,
    FileRepaired: _repaired,
    FailurePredicted: _predicted,
    CauseFound: _cause,
    FixChosen: _noted,
    FixRefused: _refused,
    FixStarted: _started,
    FixApplied: _applied,
    FixVerified: _decided,
    FixFailed: _decided,
    StartRetried: _noted,
    FixesExhausted: _noted,
    IncidentEscalated: _escalated,
    IncidentRetried: _retried,
    IncidentClosed: _closed,
    ServiceStopped: _stopped,
}
