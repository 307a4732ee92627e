"""What the service monitor remembers over its own death: the last known life of each service, what is open, what it saw."""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import (
    ChangeObserved,
    ConfigChanged,
    EventQuarantined,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixStarted,
    Health,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    LessonLearned,
    ObservationResumed,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    SettingChanged,
)
from agents.lessons import STRETCH, take
from agents.monitoring.elsewhere import SETTING
from analysis.warm_up import BOOTS_KEPT, Boot

RUNNING = ("starting", "healthy", "unhealthy")
SUSPENDED: Final = "suspended"  # a symptom
_LAST = "last"


class Life(Struct, frozen=True, omit_defaults=True, gc=False):
    """The last known life of a service."""

    incarnation: str = ""
    health: Health = "unknown"
    stopped: bool = False  # on purpose
    elsewhere: bool = False  # by somebody where it runs, who alone starts it again


class OpenAct(Struct, frozen=True, omit_defaults=True, gc=False):
    id: str
    fix: str
    agent: str = ""  # whose hands it is in; empty in what an older version saved


class OpenIncident(Struct, frozen=True, omit_defaults=True, gc=False):
    services: tuple[str, ...]  # its own and the targets of its fixes
    escalated: bool = False


class State(Struct):
    lives: dict[str, Life] = field(default_factory=dict)
    releases: dict[str, str] = field(default_factory=dict)  # the version last seen
    proved: dict[str, str] = field(default_factory=dict)  # the version with which it was last healthy
    warmups: dict[str, tuple[Boot, ...]] = field(
        default_factory=dict
    )  # the last boots that came to a good end
    damaged: dict[str, str] = field(default_factory=dict)  # `file_key` -> problem
    settings: dict[str, str] = field(default_factory=dict)  # `file_key` of service and kind -> as last told
    acts: dict[str, OpenAct] = field(default_factory=dict)  # by target
    incidents: dict[str, OpenIncident] = field(default_factory=dict)
    boots: dict[str, str] = field(default_factory=dict)  # of the machine
    taught: dict[str, float] = field(default_factory=dict)  # how long boots may take
    stretched: dict[str, float] = field(default_factory=dict)  # times the interval of its probe

    def life(self, service: str) -> Life:
        return self.lives.get(service, _NO_LIFE)

    def boot_id(self) -> str:
        return self.boots.get(_LAST, "")

    def close_look(self, service: str) -> bool:
        """Somebody waits to hear how this service does."""
        return any(service in open_.services and not open_.escalated for open_ in self.incidents.values())


_NO_LIFE = Life()


def file_key(service: str, path: str) -> str:
    return f"{service}:{path}"


def fold(state: State, fact: Any) -> None:
    folding = _FOLDS.get(type(fact))
    if folding is not None:
        folding(state, fact)


def _health(state: State, fact: HealthChanged) -> None:
    old = state.life(fact.service)
    stopped = fact.health == "stopped" or (old.stopped and fact.health != "starting")
    elsewhere = stopped and (fact.symptom == SUSPENDED or (old.elsewhere and old.stopped))
    state.lives[fact.service] = Life(fact.incarnation or old.incarnation, fact.health, stopped, elsewhere)
    if fact.release:
        state.releases[fact.service] = fact.release
    if fact.health != "healthy":
        return
    if fact.release:
        state.proved[fact.service] = fact.release
    if fact.booted_s:
        known = state.warmups.get(fact.service, ())
        state.warmups[fact.service] = (*known, Boot(fact.booted_s, fact.answered_s))[-BOOTS_KEPT:]


def _started(state: State, fact: ServiceStarted) -> None:
    old = state.life(fact.service)
    same = old.incarnation == fact.incarnation and old.health in RUNNING
    state.lives[fact.service] = replace(old, stopped=False) if same else Life(fact.incarnation, "starting")


def _stopped(state: State, fact: ServiceStopped) -> None:
    if fact.why == "removed":
        _forget(state, fact.service)
    else:
        state.lives[fact.service] = replace(state.life(fact.service), stopped=True)


def _commanded(state: State, fact: OperatorCommanded) -> None:
    if fact.service and fact.command in {"stop", "start"}:
        state.lives[fact.service] = replace(state.life(fact.service), stopped=fact.command == "stop")


def _configured(state: State, fact: ConfigChanged) -> None:
    for service in fact.removed:
        _forget(state, service)


def _forget(state: State, service: str) -> None:
    for table in (state.lives, state.releases, state.proved, state.warmups, state.acts):
        table.pop(service, None)
    for notes in (state.damaged, state.settings):
        for key in [key for key in notes if key.startswith(file_key(service, ""))]:
            del notes[key]


def _changed(state: State, fact: ChangeObserved) -> None:
    if fact.kind in {"release", "deploy"}:
        state.releases[fact.service] = fact.after
    elif fact.what == SETTING:
        state.settings[file_key(fact.service, fact.kind)] = fact.after


def _damaged(state: State, fact: FileDamaged) -> None:
    state.damaged[file_key(fact.service, fact.path)] = fact.problem


def _repaired(state: State, fact: FileRepaired) -> None:
    state.damaged.pop(file_key(fact.service, fact.path), None)


def _act_started(state: State, fact: FixStarted) -> None:
    if fact.kind == "chaos":
        return  # what breaks it is no act that brings it back
    state.acts[fact.service] = OpenAct(fact.id, fact.fix, fact.agent)
    known = state.incidents.get(fact.incident)
    if known is not None and fact.service not in known.services:
        state.incidents[fact.incident] = replace(known, services=(*known.services, fact.service))


def _act_ended(state: State, fact: FixApplied) -> None:
    act = state.acts.get(fact.service)
    if act is not None and fact.cause in {"", act.id}:  # a planned act ends beside it
        del state.acts[fact.service]


def _quarantined(state: State, fact: EventQuarantined) -> None:
    for service, act in tuple(state.acts.items()):
        if act.id == fact.event and act.agent in {"", fact.agent}:  # others merely listen to it
            del state.acts[service]


def _opened(state: State, fact: IncidentOpened) -> None:
    state.incidents[fact.incident] = OpenIncident((fact.service,))


def _escalated(state: State, fact: IncidentEscalated) -> None:
    if fact.incident in state.incidents:
        state.incidents[fact.incident] = replace(state.incidents[fact.incident], escalated=True)


def _retried(state: State, fact: IncidentRetried) -> None:
    if fact.incident in state.incidents:
        state.incidents[fact.incident] = replace(state.incidents[fact.incident], escalated=False)


def _closed(state: State, fact: IncidentClosed) -> None:
    state.incidents.pop(fact.incident, None)


def _resumed(state: State, fact: ObservationResumed) -> None:
    if fact.boot_id:
        state.boots[_LAST] = fact.boot_id


def _lesson(state: State, fact: LessonLearned) -> None:
    take(state.taught, fact, "boot")


def _setting(state: State, fact: SettingChanged) -> None:
    if fact.setting == STRETCH:
        state.stretched.pop(fact.service, None)
        if fact.value > 1.0:
            state.stretched[fact.service] = fact.value


_FOLDS: dict[type, Callable[[State, Any], None]] = {
    HealthChanged: _health,
    ServiceStarted: _started,
    ServiceStopped: _stopped,
    OperatorCommanded: _commanded,
    ConfigChanged: _configured,
    ChangeObserved: _changed,
    FileDamaged: _damaged,
    FileRepaired: _repaired,
    FixStarted: _act_started,
    FixApplied: _act_ended,
    EventQuarantined: _quarantined,
    IncidentOpened: _opened,
    IncidentEscalated: _escalated,
    IncidentRetried: _retried,
    IncidentClosed: _closed,
    ObservationResumed: _resumed,
    LessonLearned: _lesson,
    SettingChanged: _setting,
}
