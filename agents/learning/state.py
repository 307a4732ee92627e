"""What adaptive recovery keeps, and how facts change it."""

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import (
    CauseFound,
    ChangeObserved,
    Event,
    FixFailed,
    FixStarted,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    LessonLearned,
)
from agents.lessons import keep
from agents.terms import FROM_OUTSIDE
from analysis.choice import prior, rank
from analysis.learning import records as books
from analysis.learning.boots import KEPT as BOOTS_KEPT
from analysis.learning.ladder import Guess
from analysis.learning.records import Record
from analysis.learning.relapses import Held, noted
from analysis.learning.strategy import WAIT
from config.model import Service
from config.world import World

RELAPSE_S = 900.0  # what comes back later is another trouble
TRY_S = (
    20.0  # what a try takes beside the fix itself, before any was seen: most of it is waiting for a verdict
)
SURE = 0.8  # of a cause, where the order of its fixes is asked for
NEW_RELEASE = 0.5  # what a new release leaves of the weight of what was learnt about the last one
EXITS = ("exit", "found_dead")
STOPPED = frozenset({"T", "t"})
UNKNOWN = "unknown"


class Tried(Struct, frozen=True, omit_defaults=True, gc=False):
    """One act on the service of its incident, or on another, with its outcome."""

    fix: str
    cause: str
    began_at: float
    own: bool = True
    outcome: str = ""  # "helped" or "failed"; empty while it is under way or where it says nothing
    seconds: float = 0.0


class Case(Struct, frozen=True, omit_defaults=True, gc=False):
    service: str
    symptom: str
    opened_at: float
    cause: str = UNKNOWN
    tries: tuple[Tried, ...] = ()


class Healed(Struct, frozen=True, omit_defaults=True, gc=False):
    """The last healing of a service by a fix of its own, until it is known whether it held."""

    at: float
    symptom: str
    key: str
    fix: str
    seconds: float


class State(Struct):
    """`told` are the lessons in force, by topic, service and cause."""

    cases: dict[str, Case] = field(default_factory=dict)  # by incident
    records: dict[str, Record] = field(default_factory=dict)  # by service and cause
    boots: dict[str, tuple[float, ...]] = field(default_factory=dict)
    held: dict[str, tuple[Held, ...]] = field(default_factory=dict)
    healed: dict[str, Healed] = field(default_factory=dict)
    harmed: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # fixes that did harm, by service and cause
    struck: dict[str, bool] = field(default_factory=dict)  # whether somebody sent the signal that it ended by
    told: dict[str, LessonLearned] = field(default_factory=dict)


def of_kind(world: World, service: Service) -> list[str]:
    kind = type(service.platform)
    return [other.name for other in world.config.services if type(other.platform) is kind]


def guesses_of(world: World, service: Service, cause: str) -> list[Guess]:
    """The safe fixes for it in the order of the catalogue, as they stand before any outcome."""
    fixes = [
        f
        for f in world.fixes.values()
        if f.risk == "safe" and not {cause, UNKNOWN}.isdisjoint(f.cures) and f.applies_to(service)
    ]
    beliefs = [(cause, SURE), (UNKNOWN, 1.0 - SURE)] if cause != UNKNOWN else [(UNKNOWN, 1.0)]
    ranked = rank(fixes, beliefs, lambda fix, name: _mean(prior(fix, name)))
    wait_s = world.config.windows.passive_wait_s
    return [
        Guess(one.fix.name, one.probability, wait_s if one.fix.name == WAIT else one.fix.cost_s + TRY_S)
        for one in ranked
    ]


def _mean(counts: tuple[float, float]) -> float:
    return counts[0] / (counts[0] + counts[1])


def fold(state: State, fact: Event) -> None:
    match fact:
        case HealthChanged():
            _health(state, fact)
        case ChangeObserved(kind="release" | "deploy"):
            _new_release(state, fact.service)
        case IncidentOpened():
            _opened(state, fact)
        case LessonLearned():
            keep(state.told, fact)
        case _ if (case := state.cases.get(fact.incident)) is not None:
            _of_case(state, case, fact)


def _of_case(state: State, case: Case, fact: Event) -> None:
    match fact:
        case CauseFound():
            state.cases[fact.incident] = replace(case, cause=fact.best.name)
        case FixStarted():
            own = fact.service == case.service and fact.culprit in {"", case.service}
            tried = Tried(fact.fix, case.cause, fact.at, own or fact.fix == WAIT)
            state.cases[fact.incident] = replace(case, tries=(*case.tries, tried))
        case FixVerified() | FixFailed():
            _judged(state, case, fact)
        case HarmFound():
            _harmed(state, case, fact)
        case IncidentClosed():
            _learn_end(state, case, fact)
            del state.cases[fact.incident]
        case IncidentEscalated():
            _learn_end(state, case, fact)
            state.cases[fact.incident] = replace(case, tries=())


def _judged(state: State, case: Case, fact: FixVerified | FixFailed) -> None:
    *before, last = case.tries or (Tried(fact.fix, fact.cause_name, fact.at, own=False),)
    if isinstance(fact, FixFailed) and fact.interrupted:
        state.cases[fact.incident] = replace(case, tries=tuple(before))
        return
    helped = isinstance(fact, FixVerified)
    last = replace(last, outcome="helped" if helped else "failed", seconds=max(fact.at - last.began_at, 0.0))
    state.cases[fact.incident] = replace(case, tries=(*before, last))
    if isinstance(fact, FixFailed) and fact.harmful:
        _harmed(state, case, fact)


def _harmed(state: State, case: Case, fact: FixFailed | HarmFound) -> None:
    key = books.key_of(case.service, case.cause)
    if fact.fix not in state.harmed.get(key, ()):
        state.harmed[key] = (*state.harmed.get(key, ()), fact.fix)


def _learn_end(state: State, case: Case, fact: IncidentClosed | IncidentEscalated) -> None:
    """One incident is over, or all there was to try: its outcomes enter the records."""
    if isinstance(fact, IncidentClosed) and fact.outcome == "withdrawn":
        return
    for cause in causes_of(case):
        key, may_pass = books.key_of(case.service, cause), case.symptom not in EXITS
        tries = [
            (one.fix, one.outcome == "helped", one.seconds)
            for one in case.tries
            if one.own and one.outcome and one.cause == cause
        ]
        books.ended(state.records, key, tries, may_pass=may_pass)
        alone = isinstance(fact, IncidentClosed) and fact.outcome == "passed_by_itself" and not case.tries
        if alone and may_pass:
            books.passed(state.records, key, fact.at - case.opened_at, by_itself=True)
    last = case.tries[-1] if case.tries else None
    if last is not None and last.own and last.outcome == "helped" and last.fix != WAIT:
        state.healed[case.service] = Healed(
            fact.at, case.symptom, books.key_of(case.service, last.cause), last.fix, last.seconds
        )


def causes_of(case: Case) -> Sequence[str]:
    return list(dict.fromkeys(one.cause for one in case.tries)) or [case.cause]


def _opened(state: State, fact: IncidentOpened) -> None:
    state.cases[fact.incident] = Case(fact.service, fact.symptom, fact.at)
    healed = state.healed.pop(fact.service, None)
    if healed is None or state.struck.get(fact.service):
        return  # somebody struck it, which says nothing about the healing
    lasted_s = fact.at - healed.at
    back = lasted_s <= RELAPSE_S and fact.symptom == healed.symptom
    held = Held(min(lasted_s, RELAPSE_S), held=not back)
    state.held[fact.service] = noted(state.held.get(fact.service, ()), held)
    if back:
        books.relapsed(state.records, healed.key, healed.fix, healed.seconds)


def _health(state: State, fact: HealthChanged) -> None:
    if took_s := fact.booted_s or fact.late_boot_s:
        state.boots[fact.service] = (*state.boots.get(fact.service, ()), took_s)[-BOOTS_KEPT:]
    if fact.health in {"down", "unhealthy"}:
        state.struck[fact.service] = fact.signal in FROM_OUTSIDE or fact.process_state in STOPPED


def _new_release(state: State, service: str) -> None:
    books.age(state.records, service, NEW_RELEASE)
    boots, held = state.boots.pop(service, ()), state.held.pop(service, ())
    state.boots[service], state.held[service] = boots[len(boots) // 2 :], held[len(held) // 2 :]
    for key in [key for key in state.harmed if key.startswith(books.key_of(service, ""))]:
        del state.harmed[key]


def forget(state: State, service: str) -> None:
    """It left the configuration."""
    for table in (state.boots, state.held, state.healed, state.struck):
        table.pop(service, None)
    for kept in (state.records, state.harmed):
        for key in [key for key in kept if key.startswith(books.key_of(service, ""))]:
            del kept[key]
