"""Tells people: one line in plain words for each step of an incident, and for what else they must know."""

from collections.abc import Callable, Hashable
from typing import Any

from msgspec import Struct

from agents.agent import Results, Traits
from agents.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CauseFound,
    CommandAnswered,
    ConfigChanged,
    DamageFound,
    Event,
    EventQuarantined,
    Fact,
    FixApplied,
    FixChosen,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ServiceStopped,
    StartRetried,
    StorageChanged,
)
from agents.incident.story import plain, sentence
from config.world import World
from utils.alone import run_alone

REMEMBERED = 1000  # incidents of which we know what was said
QUIET_S = 1800.0  # the same sentence is not repeated within this time
BOOT_QUIET_S = 60.0
COMMON_QUIET_S = 60.0
COMMON_LIMITS = (
    "lease",
    "suspicion",
    "paused",
    "disk",
    "budget",
)  # one line for all incidents that they hold back
SHORT_LIMITS = ("stagger", "disruption")  # over before anyone has read it
ID_LENGTH = 8


class State(Struct):
    """Nothing: at a replay nothing is told again."""


class Notifier:
    name = "notifier"
    consumes: tuple[type[Event], ...] = (
        IncidentOpened, CauseFound, FixChosen, FixRefused, FixStarted, StartRetried, FixApplied, FixVerified, FixFailed,
        ApprovalRequested, ApprovalGiven, ApprovalDenied, ApprovalExpired, CommandAnswered,
        IncidentEscalated, IncidentRetried, IncidentClosed, OperatorCommanded, ConfigChanged, ServiceStopped, HealthChanged,
        ObservationResumed, EventQuarantined, StorageChanged, DamageFound,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = ()
    traits = Traits(waits_for_disk=True)

    def __init__(self, world: World, lines: Callable[[str], None]) -> None:
        self.world = world
        self.lines = lines
        self.state = State()
        self._told: dict[str, dict[Hashable, float]] = {}  # by incident: when each thing was last said

    def handle(self, fact: Fact) -> Results:
        if isinstance(fact, HealthChanged):
            text = self._gone_for_good(fact)
        else:
            text = _house_news(fact) if type(fact) in _HOUSE else sentence(fact)
        if text and self._is_news(fact, text):
            self.lines(f"{fact.incident[:ID_LENGTH]} {text}" if fact.incident else text)
        if isinstance(fact, IncidentClosed):
            self._told.pop(fact.incident, None)
        return ()

    def apply(self, fact: Fact) -> None:
        """Telling leaves no trace in us; the journal has it."""

    def _gone_for_good(self, fact: HealthChanged) -> str:
        """An exit that nobody heals, so that no incident tells of it; "" for all other news of health."""
        service = self.world.config.service(fact.service)
        if service is None or service.restart != "never" or fact.health != "down":
            return ""
        return plain(f"{fact.service} ended and stays so (restart: never): {fact.reason}")

    def _is_news(self, fact: Fact, text: str) -> bool:
        if isinstance(fact, FixRefused) and fact.limit in SHORT_LIMITS:
            return False
        common = isinstance(fact, FixRefused) and fact.limit in COMMON_LIMITS
        key, quiet_s = _repeats(fact, text)
        about = "" if common else fact.incident
        told = self._told[about] = self._told.pop(about, {})  # the newest last
        if len(self._told) > REMEMBERED:  # hands may come back after the end of their incident
            del self._told[next(iter(self._told))]
        last = told.get(key)
        if last is not None and fact.at - last < quiet_s:
            return False
        told[key] = fact.at
        return True


def _repeats(fact: Fact, text: str) -> tuple[Hashable, float]:
    """What makes two facts the same news, and for how long."""
    match fact:
        case FixRefused() if fact.limit in COMMON_LIMITS:
            return ("limit", fact.limit), COMMON_QUIET_S
        case FixRefused():
            return ("limit", fact.limit, fact.fix), QUIET_S
        case StartRetried():
            return ("boot", fact.reason), BOOT_QUIET_S
        case IncidentRetried():
            return type(fact), QUIET_S
        case CauseFound() | FixChosen() | IncidentEscalated():
            return text, QUIET_S
        case _:
            return type(fact), 0.0


def _house_news(fact: Fact) -> str:
    """About the daemon itself; empty where nobody needs to know."""
    return plain(_HOUSE[type(fact)](fact))


def _config(fact: ConfigChanged) -> str:
    if fact.why == "refused":
        return f"the new configuration was refused, the old one stays in force: {fact.problem}"
    if fact.why == "start":
        return f"watching {_services(len(fact.services))}"
    parts = (("added", fact.added), ("removed", fact.removed), ("changed", fact.changed))
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
    return f"configuration reloaded ({told or 'no service changed'})"


def _services(count: int) -> str:
    return f"{count} service" if count == 1 else f"{count} services"


def _command(fact: OperatorCommanded) -> str:
    if fact.command == "shutdown":
        return f"stopping, as a {fact.by} asked"
    return " ".join(part for part in (fact.by or "an operator", "said:", fact.command, fact.service) if part)


def _storage(fact: StorageChanged) -> str:
    if fact.ok:
        return "the state folder can be written again"
    return f"THE STATE FOLDER CANNOT BE WRITTEN ({fact.problem}): records stay in memory, only safe fixes are applied"


def _damage(fact: DamageFound) -> str:
    source = f"replaced from {fact.restored_from}" if fact.restored_from else "nothing could replace it"
    return f"{fact.path} was damaged ({fact.problem}) and is kept aside; {source}"


def _resumed(fact: ObservationResumed) -> str:
    return f"did not watch for {fact.gap_s:.0f} s; every window starts anew" if fact.why == "gap" else ""


_HOUSE: dict[type[Fact], Callable[[Any], str]] = {
    ConfigChanged: _config,
    OperatorCommanded: _command,
    StorageChanged: _storage,
    DamageFound: _damage,
    ObservationResumed: _resumed,
    ServiceStopped: lambda f: "" if f.why == "shutdown" else sentence(f),
    EventQuarantined: lambda f: (
        f"{f.agent} failed on {f.kind or 'event'} {f.event} and goes on without it: {f.error}"
    ),
}


if __name__ == "__main__":
    run_alone(__file__)
