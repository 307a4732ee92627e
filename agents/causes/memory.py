"""What root-cause analysis remembers of services and past incidents: tables of frozen values, and how facts fold in."""

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import (
    AdviceGiven,
    AlertReceived,
    AnomalyDetected,
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixVerified,
    HealthChanged,
    ServiceStarted,
    StartRetried,
)
from agents.terms import FROM_OUTSIDE
from analysis.errors import with_errors
from analysis.evidence import Alarm, Ceiling, Change, Deviation

_RESTARTS = frozenset({"respawn", "restart", "kill_restart", "restart_service"})
_TOLD = frozenset(
    {0, *(128 + number for number in FROM_OUTSIDE)}
)  # so ends who is told to, as for a deployment
_BLAMES_CHANGE = {"bad_deploy": ("release", "deploy")}
MOST = 8  # changes, deviations and ceilings kept of one service


class Notes(Struct, frozen=True):
    """What was seen of one service. `told` is the text of its last trouble that is over."""

    now: HealthChanged | None = None
    trouble: HealthChanged | None = None  # the last time it was not well
    told: str = ""
    said: tuple[str, ...] = ()  # templates of the errors that it wrote in troubles that are over
    retried: StartRetried | None = None
    incarnation: str = ""
    started_at: float | None = None
    changes: tuple[Change, ...] = ()
    damaged: dict[str, str] = {}  # path -> problem
    deviations: tuple[Deviation, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    alarms: tuple[Alarm, ...] = ()  # that fire


class Case(Struct, frozen=True):
    """One open incident. `refuted` are (cause, culprit) whose fix did not help."""

    service: str
    symptom: str
    told: str = ""  # of a model: what its monitoring says
    signature: str = ""
    found: tuple[str, str] = ("", "")  # (cause, culprit) of the last answer
    refuted: tuple[tuple[str, str], ...] = ()
    advised: tuple[str, str] = ("", "")  # (cause, culprit) that a language model thinks true
    opened_at: float = 0.0  # 0: now


def answered(case: Case, fact: CauseFound | AdviceGiven) -> Case:
    if isinstance(fact, CauseFound):
        return replace(case, found=(fact.best.name, fact.best.service))
    return replace(case, advised=(fact.cause_name, fact.culprit)) if fact.cause_name else case


class Confirmed(Struct, frozen=True):
    """How often incidents of one signature turned out to have one cause."""

    cause: str
    culprit: str
    times: int
    at: float


class State(Struct):
    notes: dict[str, Notes] = field(default_factory=dict)  # by service
    cases: dict[str, Case] = field(default_factory=dict)  # by incident
    knowledge: dict[str, Confirmed] = field(default_factory=dict)  # by SIGNATURE -> CAUSE@CULPRIT


Seen = (
    HealthChanged
    | AnomalyDetected
    | FailurePredicted
    | FileDamaged
    | FileRepaired
    | ChangeObserved
    | StartRetried
    | ServiceStarted
    | AlertReceived
)


def note(notes: Notes, fact: Seen) -> Notes:
    """The notes of a service after one more fact about it."""
    match fact:
        case HealthChanged():
            return _health(notes, fact)
        case StartRetried():
            return replace(notes, retried=fact)
        case ServiceStarted():
            return replace(notes, incarnation=fact.incarnation, started_at=fact.at, ceilings=())
        case FileDamaged():
            return replace(notes, damaged={**notes.damaged, fact.path: fact.problem})
        case FileRepaired():
            return replace(
                notes, damaged={path: why for path, why in notes.damaged.items() if path != fact.path}
            )
        case ChangeObserved():
            change = Change(fact.kind, fact.what, fact.before, fact.after, fact.at)
            return replace(notes, changes=_with_change(notes.changes, change))
        case AnomalyDetected():
            deviation = Deviation(fact.metric, fact.value, fact.expected, fact.sigmas, fact.at)
            return replace(notes, deviations=(*notes.deviations, deviation)[-MOST:])
        case AlertReceived():
            alarms = tuple(alarm for alarm in notes.alarms if alarm.key != fact.key)
            new = (Alarm(fact.key, fact.alert, fact.summary, fact.at),) if fact.firing else ()
            return replace(notes, alarms=(*alarms, *new)[-MOST:])
        case FailurePredicted():
            return _foreseen(notes, fact)


def vindicated(notes: Notes, cause: str) -> Notes:
    """The change was taken back, and that helped: what is in use now was good before, however young it is."""
    kinds = _BLAMES_CHANGE.get(cause, ())
    return replace(notes, changes=tuple(change for change in notes.changes if change.kind not in kinds))


def relapsed(notes: Notes, fix: FixVerified) -> Notes:
    """A mere restart helped: if it was wrong with a release, it will not for long."""
    trouble = notes.trouble
    sent = trouble is not None and (trouble.signal in FROM_OUTSIDE or trouble.exit_code in _TOLD)
    if sent or fix.culprit != fix.service or fix.fix not in _RESTARTS:
        return notes
    changes = tuple(replace(change, relapses=change.relapses + 1) for change in notes.changes)
    return replace(notes, changes=changes)


def configured(notes: Notes, fact: ConfigChanged) -> Notes:
    change = Change("config", "the service's declaration", "", fact.digest, fact.at)
    return replace(notes, changes=_with_change(notes.changes, change))


def _health(notes: Notes, fact: HealthChanged) -> Notes:
    born = fact.incarnation and fact.incarnation != notes.incarnation
    notes = replace(notes, now=fact, incarnation=fact.incarnation or notes.incarnation)
    if born:
        notes = replace(notes, ceilings=tuple(c for c in notes.ceilings if c.incarnation == fact.incarnation))
    if fact.health == "healthy":
        told = notes.trouble.output if notes.trouble else notes.told
        said = with_errors(notes.said, told) if told != notes.told else notes.said
        return replace(notes, told=told, said=said, retried=None)
    if fact.symptom:
        booted = fact.health == "unhealthy"  # it lives: what boots before it lacked says nothing about it
        return replace(notes, trouble=fact, retried=None if booted else notes.retried)
    return notes


def _with_change(changes: tuple[Change, ...], change: Change) -> tuple[Change, ...]:
    """A change that takes the last one back leaves nothing to suspect: a rollback is no new release."""
    if changes:
        last = changes[-1]
        same_thing = (last.kind, last.what) == (change.kind, change.what)
        if same_thing and last.before and (last.before, last.after) == (change.after, change.before):
            return changes[:-1]
    return (*changes, change)[-MOST:]


def _foreseen(notes: Notes, fact: FailurePredicted) -> Notes:
    if fact.failure == "unknown":
        return notes  # a declared ceiling that speaks for no cause
    others = tuple(ceiling for ceiling in notes.ceilings if ceiling.metric != fact.metric)
    return replace(notes, ceilings=(*others, _ceiling(fact)))


def _ceiling(fact: FailurePredicted) -> Ceiling:
    soon = f"reaches its ceiling of {fact.limit:g} in {fact.lead_time_s:.0f} s"
    ahead = soon if fact.lead_time_s > 0 else f"has reached its ceiling of {fact.limit:g}"
    sentence = f"{fact.metric} is {fact.value:.4g} and {ahead}"
    return Ceiling(fact.failure, fact.metric, fact.lead_time_s, fact.incarnation, sentence, fact.at)
