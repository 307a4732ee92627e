"""What application recovery knows of each service, and how facts change it."""

from collections.abc import Callable

from msgspec import Struct, field
from msgspec.structs import replace

from agents.events import (
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    Event,
    FixStarted,
    FixVerified,
    HealthChanged,
    LessonLearned,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StartRetried,
)
from agents.lessons import patient, take
from agents.terms import FILE, switch
from config.model import Service
from config.world import World
from platforms.platform import Platform

HEALTHY_HOUR_S = 3600.0  # after so long a healthy life, failed boots of before count no more
GOOD_RELEASES = 8


class Boots(Struct, frozen=True):
    """Failed boots in a row."""

    failed: int
    act: str
    of_act: int


class Seen(Struct, frozen=True):
    """The monitor's last word."""

    health: str
    incarnation: str
    at: float


class Life(Struct, frozen=True):
    incarnation: str
    section: str = ""  # digest of the platform section that it was started with; "": not known
    seen: bool = False  # the monitor saw it run: should it be gone, that is an incident and not a start


class Stopped(Struct, frozen=True):
    """By an operator."""

    at: float
    by: str


class Paused(Struct, frozen=True):
    """By a person or a file."""

    at: float
    by: str


class Releases(Struct, frozen=True):
    """Versions with which it was healthy, the latest of them last."""

    good: tuple[str, ...]


class Found(Struct, frozen=True):
    """The newest word on what an incident comes from; by culprit."""

    incident: str
    cause: str
    at: float


class InForce(Struct, frozen=True):
    """The ConfigChanged that stands."""

    event: str


class State(Struct):
    boots: dict[str, Boots] = field(default_factory=dict)
    health: dict[str, Seen] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    stopped: dict[str, Stopped] = field(default_factory=dict)
    paused: dict[str, Paused] = field(default_factory=dict)  # by switch
    releases: dict[str, Releases] = field(default_factory=dict)
    causes: dict[str, Found] = field(default_factory=dict)
    config: dict[str, InForce] = field(default_factory=dict)
    taught: dict[str, float] = field(default_factory=dict)  # how long boots may take


class Ledger:
    """The state as it will be once everything in hand is folded, read against what lives now."""

    def __init__(self, world: World, platform: Platform, state: Callable[[], State]) -> None:
        self._world = world
        self._platform = platform
        self._state = state
        self._heard: dict[str, Seen] = {}
        self._wanted: dict[str, bool] = {}

    def hear(self, fact: HealthChanged) -> None:
        self._heard[fact.service] = _seen(fact)

    def decide(self, service: str, *, running: bool) -> None:
        self._wanted[service] = running

    def forget(self, service: str) -> None:
        """It left the configuration; should it come back, what people wanted of it before counts no more."""
        self._heard.pop(service, None)
        self._wanted.pop(service, None)

    def service(self, name: str) -> Service | None:
        """As declared, with the time that its boots are known to take."""
        declared = self._world.config.service(name)
        return patient(declared, self._state().taught) if declared else None

    def word(self, service: str) -> Seen | None:
        return self._heard.get(service) or self._state().health.get(service)

    def missing(self, service: str) -> tuple[str, ...]:
        """Declared dependencies that are known not to be healthy."""
        declared = self._world.config.service(service)
        words = {name: self.word(name) for name in (declared.depends_on if declared else ())}
        return tuple(name for name, word in words.items() if word is not None and word.health != "healthy")

    def is_stopped(self, service: str) -> bool:
        wanted = self._wanted.get(service)
        return service in self._state().stopped if wanted is None else not wanted

    def is_paused(self, service: str) -> bool:
        return any(key in {"", service} or key.startswith(FILE) for key in self._state().paused)

    def is_healthy(self, service: str) -> bool:
        word, living = self.word(service), self._platform.current(service)
        if word is None or living is None or word.health != "healthy":
            return False
        return word.incarnation in {"", living.mark}

    def was_seen(self, service: str) -> bool:
        life = self._state().lives.get(service)
        return life is not None and life.seen

    def outdated(self, act: FixStarted, found: Found | None) -> str:
        """To start again and again does not help against a cause for which a service has a fix of its own."""
        service, fixes = self._world.config.service(act.service), self._world.fixes
        if found is None or service is None or found.incident != act.incident or found.at <= act.at:
            return ""
        own = [fix for fix in fixes.values() if fix.cures[0] == found.cause and not fix.only_starts_anew]
        better = fixes[act.fix].only_starts_anew and any(fix.applies_to(service) for fix in own)
        return f"it turned out to be {found.cause}" if better and found.cause != act.cause_name else ""

    def section_of(self, service: str) -> str:
        life, living = self._state().lives.get(service), self._platform.current(service)
        if life is None or (living is not None and living.mark != life.incarnation):
            return ""
        return life.section


def found_of(fact: CauseFound) -> Found:
    return Found(fact.incident, fact.best.name, fact.at)


def _seen(fact: HealthChanged) -> Seen:
    return Seen(fact.health, fact.incarnation, fact.at)


def fold(state: State, fact: Event) -> None:
    match fact:
        case HealthChanged():
            _fold_health(state, fact)
        case ServiceStarted():
            _fold_started(state, fact)
        case ServiceStopped():
            _fold_stopped(state, fact)
        case StartRetried() | FixVerified() | LessonLearned():
            _fold_boots(state, fact)
        case OperatorCommanded():
            _fold_command(state, fact)
        case ChangeObserved(kind="release"):
            _fold_release(state, fact)
        case CauseFound():
            state.causes[fact.best.service] = found_of(fact)
        case ConfigChanged() if fact.why != "refused":
            state.config[""] = InForce(fact.id)
        case _:
            pass


def _fold_boots(state: State, fact: StartRetried | FixVerified | LessonLearned) -> None:
    if isinstance(fact, LessonLearned):
        take(state.taught, fact, "boot")
    elif isinstance(fact, FixVerified):
        state.boots.pop(fact.service, None)
    else:
        last = state.boots.get(fact.service)
        of_act = last.of_act + 1 if last and last.act == fact.cause else 1
        state.boots[fact.service] = Boots(fact.boot, fact.cause, of_act)


def _fold_health(state: State, fact: HealthChanged) -> None:
    last = state.health.get(fact.service)
    if last and last.health == "healthy" != fact.health and fact.at - last.at >= HEALTHY_HOUR_S:
        state.boots.pop(fact.service, None)
    if not (last and last.health == fact.health == "healthy" and last.incarnation == fact.incarnation):
        state.health[fact.service] = _seen(fact)
    if fact.health == "healthy" and fact.release:
        known = state.releases.get(fact.service, Releases(()))
        state.releases[fact.service] = _with_good(known, fact.release)
    if fact.incarnation and fact.health != "stopped":
        life = state.lives.get(fact.service)
        same = life is not None and life.incarnation == fact.incarnation
        section = life.section if life is not None and same else ""
        state.lives[fact.service] = Life(fact.incarnation, section, seen=True)


def _fold_started(state: State, fact: ServiceStarted) -> None:
    life = state.lives.get(fact.service)
    if life is None or life.incarnation != fact.incarnation or fact.section:
        known = life is not None and life.incarnation == fact.incarnation and life.seen
        state.lives[fact.service] = Life(fact.incarnation, fact.section, known)


def _fold_stopped(state: State, fact: ServiceStopped) -> None:
    state.lives.pop(fact.service, None)
    if fact.why in {"removed", "unused"}:
        for table in (state.boots, state.health, state.stopped, state.paused, state.releases, state.causes):
            table.pop(fact.service, None)


def _fold_command(state: State, fact: OperatorCommanded) -> None:
    if fact.command == "stop":
        state.stopped[fact.service] = Stopped(fact.at, fact.by)
    elif fact.command == "start":
        state.stopped.pop(fact.service, None)
    elif fact.command == "pause":
        state.paused[switch(fact.by, fact.service)] = Paused(fact.at, fact.by)
    elif fact.command == "resume":
        state.paused.pop(switch(fact.by, fact.service), None)
    elif fact.command == "shutdown":  # the next start is a start for all: nobody was lost meanwhile
        for service, life in state.lives.items():
            state.lives[service] = replace(life, seen=False)


def _fold_release(state: State, fact: ChangeObserved) -> None:
    last = state.health.get(fact.service)
    version = fact.before.rstrip("/").rpartition("/")[2]
    known = state.releases.get(fact.service, Releases(()))
    if version and last is not None and last.health == "healthy":
        state.releases[fact.service] = _with_good(known, version)
    elif last is not None and last.health in {"unhealthy", "down"}:
        state.releases[fact.service] = Releases(tuple(name for name in known.good if name != version))


def _with_good(known: Releases, version: str) -> Releases:
    return Releases((*(name for name in known.good if name != version), version)[-GOOD_RELEASES:])
