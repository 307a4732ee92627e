"""What the owner of incidents remembers, and how facts are folded into it."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, field

from agents.events import (
    AdviceGiven,
    AgentHealthChanged,
    AlertReceived,
    ConfigChanged,
    EventQuarantined,
    Fact,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixApplied,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    LessonLearned,
    ObservationResumed,
    OperatorCommanded,
    ServiceStopped,
)
from agents.incident.records import Incident
from agents.incident.transitions import fold, opened
from agents.incident.verification import EXITS, struck
from agents.lessons import lesson_key, take
from agents.wellbeing import OF_MODELS
from config.model import Config
from config.ourselves import is_drill

OWNER = "render_self_healing_agent"
KEPT_CLOSED = 1000  # older ones stand in the journal only
KEPT_ALERTS = 1000
DELIVERY_KEPT_S = 900.0  # a signed message is too old after twice its tolerance of five minutes
RELAPSE_S = 60.0  # the same symptom this soon after healing: we looked away too early
FORGET_S = 3600.0
LONGEST_FACTOR = 4
OFF = ("operator", "removed", "unused")  # stops after which being down is no trouble


class Health(Struct, frozen=True, gc=False):
    health: str
    at: float
    symptom: str = ""
    incarnation: str = ""
    exit_code: int | None = None
    struck: bool = False  # ended or stopped by a signal that somebody sent


class Healed(Struct, frozen=True, gc=False):
    """The last healing of a service, and by how much verifying it takes longer after relapses."""

    at: float
    symptom: str
    factor: int = 1


class Standing(Struct, frozen=True, gc=False):
    """An alert that fires, as far as we were told."""

    service: str
    at: float


class State(Struct):
    incidents: dict[str, Incident] = field(default_factory=dict)
    by_service: dict[str, str] = field(default_factory=dict)  # the open ones
    health: dict[str, Health] = field(default_factory=dict)
    damaged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    healed: dict[str, Healed] = field(default_factory=dict)
    settled: dict[str, float] = field(default_factory=dict)  # when the last incident of a service ended
    off: dict[str, str] = field(
        default_factory=dict
    )  # services that are down on purpose; "": the daemon stops
    marks: dict[str, float] = field(default_factory=dict)  # "watching": since when we look without a gap
    counts: dict[str, int] = field(default_factory=dict)  # "commands": of people
    alerts: dict[str, Standing] = field(default_factory=dict)  # that fire, by their key
    deliveries: dict[str, float] = field(default_factory=dict)  # signed messages of late: when each was taken
    taught: dict[str, float] = field(default_factory=dict)  # how long to verify, and how long boots may take

    def open_of(self, service: str) -> Incident | None:
        return self.incidents.get(self.by_service.get(service, ""))

    def open_ones(self) -> Iterator[Incident]:
        for incident_id in tuple(self.by_service.values()):
            yield self.incidents[incident_id]

    def open_by_id(self, incident_id: str) -> Incident | None:
        incident = self.incidents.get(incident_id)
        return None if incident is None or incident.ended else incident

    def life_of(self, service: str) -> str:
        health = self.health.get(service)
        return health.incarnation if health else ""

    def factor(self, service: str) -> int:
        """By which verifying takes longer: relapses of late doubled it, or lessons say so."""
        return max(self.doubled(service), int(self.taught.get(lesson_key("verify", service), 1)))

    def doubled(self, service: str) -> int:
        healed = self.healed.get(service)
        return healed.factor if healed else 1

    def is_repeat(self, fact: AlertReceived) -> bool:
        return bool(fact.delivery) and fact.delivery in self.deliveries

    def ended_as_planned(self, config: Config, fact: HealthChanged) -> bool:
        """An exit that the restart policy calls ordinary; a probe that fails after it is no news."""
        service = config.service(fact.service)
        end = fact if fact.symptom in EXITS else self.health.get(fact.service)
        if service is None or end is None or end.symptom not in EXITS:
            return False
        return service.restart == "never" or (service.restart == "on-failure" and end.exit_code == 0)


def fold_state(state: State, fact: Fact) -> None:
    _FOLDS.get(type(fact), _of_incident)(state, fact)


def _health(state: State, fact: HealthChanged) -> None:
    _of_service(state, fact)
    state.health[fact.service] = Health(
        fact.health, fact.at, fact.symptom, fact.incarnation, fact.exit_code, struck(fact)
    )


def _resumed(state: State, fact: ObservationResumed) -> None:
    state.marks["watching"] = fact.at


def _of_service(state: State, fact: Fact) -> None:
    incident = state.open_of(fact.service)
    if incident is not None:
        state.incidents[incident.id] = fold(incident, fact)


def _of_incident(state: State, fact: Fact) -> None:
    incident = state.open_by_id(fact.incident)
    if incident is not None:
        state.incidents[incident.id] = fold(incident, fact)


def _applied(state: State, fact: FixApplied) -> None:
    """Taking an act back may come after the end of its incident, and still belongs there."""
    incident = state.incidents.get(fact.incident)
    if incident is not None and (fact.undo_of or not incident.ended):
        state.incidents[incident.id] = fold(incident, fact)


def _advised(state: State, fact: AdviceGiven) -> None:
    """A model that is slower than the fix explains what is over."""
    incident = state.incidents.get(fact.incident)
    if incident is not None:
        state.incidents[incident.id] = fold(incident, fact)


def _quarantined(state: State, lost: EventQuarantined) -> None:
    """What the hands said of an act and we ourselves failed on: it counts as done, and is verified."""
    if (lost.agent, lost.kind) != (OWNER, FixApplied.__name__):
        return
    incident = state.open_by_id(lost.incident)
    act = incident.act if incident else None
    if incident is not None and act is not None and act.outcome == "started":
        told = FixApplied(
            at=lost.at,
            cause=act.id,
            incident=incident.id,
            service=act.target,
            fix=act.fix,
            outcome="done",
            detail="as far as can be told",
        )
        state.incidents[incident.id] = fold(incident, told)


def _file(state: State, fact: FileDamaged | FileRepaired) -> None:
    left = tuple(path for path in state.damaged.get(fact.service, ()) if path != fact.path)
    if isinstance(fact, FileDamaged):
        left = (*left, fact.path)
    if left:
        state.damaged[fact.service] = left
    else:
        state.damaged.pop(fact.service, None)
    _of_service(state, fact)


def _alerted(state: State, fact: AlertReceived) -> None:
    if state.is_repeat(fact):
        return
    if fact.delivery:
        state.deliveries[fact.delivery] = fact.at
    state.alerts.pop(fact.key, None)
    if fact.firing:
        state.alerts[fact.key] = Standing(fact.service, fact.at)
    for key in [key for key, at in state.deliveries.items() if fact.at - at > DELIVERY_KEPT_S]:
        del state.deliveries[key]
    while len(state.alerts) > KEPT_ALERTS:
        del state.alerts[next(iter(state.alerts))]
    _of_service(state, fact)


def _opened(state: State, fact: IncidentOpened) -> None:
    incident = opened(fact, state.damaged.get(fact.service, ()))
    state.incidents[incident.id] = incident
    state.by_service[incident.service] = incident.id
    healed = state.healed.get(fact.service)
    if healed is None:
        return
    if fact.at - healed.at > FORGET_S:
        del state.healed[fact.service]
    elif fact.at - healed.at <= RELAPSE_S and fact.symptom == healed.symptom and not _was_struck(state, fact):
        factor = min(healed.factor * 2, LONGEST_FACTOR)
        state.healed[fact.service] = Healed(healed.at, healed.symptom, factor)


def _was_struck(state: State, fact: IncidentOpened) -> bool:
    health = state.health.get(fact.service)
    return health is not None and health.struck


def _closed(state: State, fact: IncidentClosed) -> None:
    incident = state.open_by_id(fact.incident)
    if incident is None:
        return
    if fact.outcome == "healed":
        state.healed[incident.service] = Healed(fact.at, incident.symptom, state.doubled(incident.service))
    state.incidents[incident.id] = fold(incident, fact)
    state.by_service.pop(incident.service, None)
    state.settled[incident.service] = fact.at
    if is_drill(incident.service):
        del state.incidents[incident.id]
    closed = [known for known in state.incidents.values() if known.ended]
    if len(closed) > KEPT_CLOSED:
        oldest = min(closed, key=lambda known: known.closed_at or 0.0)
        del state.incidents[oldest.id]


def _commanded(state: State, fact: OperatorCommanded) -> None:
    if fact.command == "shutdown":
        state.off[""] = "shutdown"
        return
    state.counts["commands"] = state.counts.get("commands", 0) + 1
    if fact.command == "stop" and fact.service:
        state.off[fact.service] = "operator"
    elif fact.command == "start":
        state.off.pop(fact.service, None)


def _stopped(state: State, fact: ServiceStopped) -> None:
    if fact.why in OFF:
        state.off[fact.service] = fact.why
    for incident in state.open_ones():
        if incident.service == fact.service or (incident.act and incident.act.target == fact.service):
            state.incidents[incident.id] = fold(incident, fact)


def _configured(state: State, fact: ConfigChanged) -> None:
    if fact.why == "start":
        state.off.pop("", None)
        state.counts.setdefault("commands", 0)
    for name in fact.added:
        state.off.pop(name, None)
    for name in fact.removed:
        for table in (state.health, state.damaged, state.healed, state.settled):
            table.pop(name, None)


_FOLDS: dict[type[Fact], Callable[[State, Any], None]] = {
    HealthChanged: _health,
    AgentHealthChanged: _health,
    **dict.fromkeys(OF_MODELS, _health),
    FileDamaged: _file,
    FileRepaired: _file,
    FailurePredicted: _of_service,
    FixApplied: _applied,
    AdviceGiven: _advised,
    IncidentOpened: _opened,
    IncidentClosed: _closed,
    ObservationResumed: _resumed,
    OperatorCommanded: _commanded,
    ServiceStopped: _stopped,
    ConfigChanged: _configured,
    AlertReceived: _alerted,
    EventQuarantined: _quarantined,
    LessonLearned: lambda state, fact: take(state.taught, fact, "verify", "boot"),
}
