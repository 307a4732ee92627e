"""What predictive maintenance remembers, and how facts change it."""

from msgspec import Struct, field

from agents.events import (
    ChangeObserved,
    ConfigChanged,
    Fact,
    FailurePredicted,
    HealthChanged,
    HourEnded,
    IncidentClosed,
    IncidentOpened,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceScheduled,
    MaintenanceVetoed,
)
from agents.terms import FROM_OUTSIDE
from analysis.quiet import Profile

AGES_KEPT = 8
KILLED = 9  # by the kernel for its memory, mostly
VAGUE = "unknown"  # a failure of which nobody can say what prevents it
NEW = frozenset({"release", "deploy", "config"})


class Foreseen(Struct, frozen=True, gc=False):
    """A failure to come."""

    service: str
    failure: str
    metric: str
    fails_at: float
    confidence: float
    incarnation: str = ""
    reasons: tuple[str, ...] = ()
    proven: bool = True  # no mere rise of the day

    @property
    def key(self) -> str:
        return f"{self.service}/{self.metric}"


class Life(Struct, frozen=True, gc=False):
    incarnation: str
    since: float


class Vetoed(Struct, frozen=True, gc=False):
    incarnation: str
    at: float


class State(Struct):
    plans: dict[str, MaintenanceScheduled] = field(default_factory=dict)  # by service and metric
    told: dict[str, Foreseen] = field(default_factory=dict)  # by the predictor
    lives: dict[str, Life] = field(default_factory=dict)
    ages: dict[str, tuple[float, ...]] = field(default_factory=dict)  # of lives that ended by themselves
    loads: dict[str, Profile] = field(default_factory=dict)
    vetoed: dict[str, Vetoed] = field(default_factory=dict)  # by service and metric
    trouble: dict[str, str] = field(default_factory=dict)  # services with an open incident

    def by_plan(self, plan: str) -> MaintenanceScheduled | None:
        return next((known for known in self.plans.values() if known.plan == plan), None)


def key_of(plan: MaintenanceScheduled) -> str:
    return f"{plan.service}/{plan.metric}"


def fold(state: State, fact: Fact) -> None:
    match fact:
        case MaintenanceScheduled():
            state.plans[key_of(fact)] = fact
        case MaintenanceVetoed():
            _end(state, fact.plan, vetoed_at=fact.at)
        case MaintenanceCancelled() | MaintenanceDone():
            _end(state, fact.plan)
        case HourEnded():
            for name, load in zip(fact.names, fact.loads, strict=True):
                state.loads[name] = state.loads.get(name, Profile()).with_hour(fact.hour, load)
        case FailurePredicted() if fact.failure != VAGUE:
            foreseen = _by_prediction(fact)
            state.told[foreseen.key] = foreseen
        case _:
            _circumstance(state, fact)


def _circumstance(state: State, fact: Fact) -> None:
    match fact:
        case IncidentOpened():
            state.trouble[fact.service] = fact.incident
        case IncidentClosed():
            state.trouble.pop(fact.service, None)
        case HealthChanged():
            _health(state, fact)
        case ChangeObserved() if fact.kind in NEW:
            state.ages.pop(fact.service, None)
        case ConfigChanged() if fact.why != "refused":
            _configured(state, fact)


def _by_prediction(fact: FailurePredicted) -> Foreseen:
    return Foreseen(
        service=fact.service, failure=fact.failure, metric=fact.metric, fails_at=fact.at + fact.lead_time_s,
        confidence=fact.confidence, incarnation=fact.incarnation, reasons=fact.reasons,
    )  # fmt: skip


def _end(state: State, plan: str, vetoed_at: float = 0.0) -> None:
    known = state.by_plan(plan)
    if known is None:
        return
    key = key_of(known)
    del state.plans[key]
    state.told.pop(key, None)
    if vetoed_at:
        state.vetoed[key] = Vetoed(known.incarnation, vetoed_at)


def _health(state: State, fact: HealthChanged) -> None:
    life = state.lives.get(fact.service)
    if fact.health == "starting" and (life is None or life.incarnation != fact.incarnation):
        state.lives[fact.service] = Life(fact.incarnation, fact.at)
        for key in [
            key for key, known in state.told.items() if known.service == fact.service and known.incarnation
        ]:
            del state.told[key]
    elif fact.health == "down" and life is not None and fact.symptom == "exit":
        del state.lives[fact.service]
        ended_it = fact.signal is not None and fact.signal in FROM_OUTSIDE - {KILLED}
        if life.incarnation == fact.incarnation and not ended_it:
            ages = (*state.ages.get(fact.service, ()), fact.at - life.since)
            state.ages[fact.service] = ages[-AGES_KEPT:]


def _configured(state: State, fact: ConfigChanged) -> None:
    for name in fact.removed:
        for table in (state.lives, state.ages, state.loads, state.trouble):
            table.pop(name, None)
        for by_metric in (state.told, state.vetoed):
            for key in [key for key in by_metric if key.rpartition("/")[0] == name]:
                del by_metric[key]
