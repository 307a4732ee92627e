"""What the terminal shows: one line in plain words for each step of an incident, and for what else people must know."""

from collections.abc import Callable, Hashable
from typing import Any

from agents.events import (
    AlertReceived,
    BackupProven,
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    DamageFound,
    DecayNoticed,
    EventQuarantined,
    Fact,
    FailurePredicted,
    FixChosen,
    FixRefused,
    FreezeEnded,
    FreezeNoted,
    IncidentClosed,
    IncidentEscalated,
    IncidentRetried,
    LeaseChanged,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceScheduled,
    MaintenanceVetoed,
    ObservationResumed,
    OperatorCommanded,
    SelfTested,
    ServiceStopped,
    SettingProposed,
    StartRetried,
    StorageChanged,
)
from agents.incident.story import plain, sentence

REMEMBERED = 1000  # incidents of which we know what was said
QUIET_S = 1800.0  # the same sentence is not repeated within this time
BOOT_QUIET_S = 60.0
COMMON_QUIET_S = 60.0
REMINDER_QUIET_S = 600.0  # what holds many back reminds of one of them
COMMON_LIMITS = (
    "lease",
    "suspicion",
    "paused",
    "disk",
    "budget",
)  # one line for all incidents that they hold back
SHORT_LIMITS = ("stagger", "disruption")  # over before anyone has read it
ID_LENGTH = 8


class Lines:
    """The same sentence is not said again within its time."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: dict[str, dict[Hashable, float]] = {}  # by incident: when each thing was last said

    def tell(self, fact: Fact) -> None:
        text = house_news(fact) if type(fact) in _HOUSE else sentence(fact)
        if text and self._is_news(fact, text):
            self._say(f"{fact.incident[:ID_LENGTH]} {text}" if fact.incident else text)
        if isinstance(fact, IncidentClosed):
            self._told.pop(fact.incident, None)

    def __len__(self) -> int:
        """Incidents of which is known what was said."""
        return len(self._told)

    def _is_news(self, fact: Fact, text: str) -> bool:
        if isinstance(fact, FixRefused) and fact.limit in SHORT_LIMITS and not fact.reminder:
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
        case FixRefused() if fact.reminder:
            return ("reminder", fact.limit), REMINDER_QUIET_S if fact.limit in COMMON_LIMITS else 0.0
        case FixRefused() if fact.limit in COMMON_LIMITS:
            return ("limit", fact.limit), COMMON_QUIET_S
        case FixRefused():
            return ("limit", fact.limit, fact.fix), QUIET_S
        case AlertReceived():
            return ("alert", fact.key), QUIET_S
        case FailurePredicted():
            return ("predicted", fact.service, fact.metric), QUIET_S
        case StartRetried():
            return ("boot", fact.reason), BOOT_QUIET_S
        case IncidentRetried():
            return type(fact), QUIET_S
        case CauseFound() | FixChosen() | IncidentEscalated():
            return text, QUIET_S
        case _:
            return type(fact), 0.0


def house_news(fact: Fact) -> str:
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


def _backup(fact: BackupProven) -> str:
    """A proof that succeeds is no news."""
    if fact.ok:
        return ""
    return f"{fact.service}: THE BACKUP OF {fact.target} COULD NOT BE RESTORED: {fact.problem}"


def _resumed(fact: ObservationResumed) -> str:
    return f"did not watch for {fact.gap_s:.0f} s; every window starts anew" if fact.why == "gap" else ""


_HOUSE: dict[type[Fact], Callable[[Any], str]] = {
    ConfigChanged: _config,
    OperatorCommanded: _command,
    StorageChanged: _storage,
    FailurePredicted: lambda f: f"{f.service}: {'; '.join((sentence(f), *f.reasons))}",
    **dict.fromkeys(
        (MaintenanceScheduled, MaintenanceCancelled, MaintenanceVetoed, MaintenanceDone), sentence
    ),
    DamageFound: _damage,
    DecayNoticed: lambda f: f.why,
    SettingProposed: lambda f: f"{f.why} (proposed: {f.setting} {f.value:g})",
    LeaseChanged: lambda f: (
        "this daemon is the one that acts now" if f.held else f"this daemon does not act: {f.why}"
    ),
    BackupProven: _backup,
    FreezeNoted: lambda f: (
        f"auto-deploy of {f.service} is off since its rollback: turn it on when the next release is good"
    ),
    ChangeObserved: lambda f: (
        f"a deploy of {f.service} failed: {f.after}; what was live before it stays so"
        if f.kind == "deploy_failed" and f.after
        else ""
    ),
    FreezeEnded: lambda f: f"auto-deploy of {f.service} is on again",
    SelfTested: lambda f: "" if f.ok else f"THE DRILL GOT STUCK: {f.step}; healing may not work",
    ObservationResumed: _resumed,
    AlertReceived: lambda f: sentence(f) if f.firing and not f.service else "",
    ServiceStopped: lambda f: "" if f.why == "shutdown" else sentence(f),
    EventQuarantined: lambda f: (
        f"{f.agent} failed on {f.kind or 'event'} {f.event} and goes on without it: {f.error}"
    ),
}
