"""What the dashboard reads and the commands it passes on; the composition root provides both."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from utils.metrics_collector import Family

RESTORING = "the agents are being restored; try again in a moment"
Item = Mapping[str, Any]  # ready for JSON; times are RFC 3339 in UTC


class View(Protocol):
    """Snapshots of what the agents know. Every call is quick, returns lists newest first and decides nothing."""

    @property
    def ready(self) -> bool:
        """Every agent is restored and probes run."""
        ...

    def incidents(self) -> Sequence[Item]:
        """As `agents.incident.views.incident_json` makes them."""
        ...

    def incident(self, incident: str) -> Item | None: ...

    async def report(self, incident: str, form: Literal["html", "md"]) -> str | None:
        """Of an incident that ended, or as far as it has come; None for one that nobody knows."""
        ...

    def services(self) -> Sequence[Item]:
        """name, health, since, reason, incarnation, pid, autonomy, depends_on, cpu_percent, rss_mib, open_incident."""
        ...

    def agents(self) -> Sequence[Item]:
        """name, status, handled, failed, inbox, restarts, lag_s, open_incident."""
        ...

    def predictions(self) -> Sequence[Item]:
        """id, at, service, failure, metric, value, limit, lead_time_s, confidence, reasons."""
        ...

    def maintenance(self) -> Sequence[Item]:
        """id, service, status, failure, metric, fix, scheduled_at, start_at, fails_at, disturbs, reasons, reason, by."""
        ...

    def anomalies(self) -> Sequence[Item]:
        """id, at, service, metric, value, expected, sigmas."""
        ...

    def metrics(self) -> Sequence[Item]:
        """The newest value of each metric of each service: service, name, value, at."""
        ...

    def traces(self) -> Sequence[Item]:
        """trace_id, name, service, started_at, seconds, spans."""
        ...

    def coverage(self) -> Item:
        """What `dashboard.coverage.told` answers."""
        ...

    def summary(self) -> Item:
        """What `dashboard.summary.summarise` answers."""
        ...

    def families(self) -> Iterable[Family]:
        """What /metrics shows, see `dashboard.figures`."""
        ...

    def subscribe(self, after: str = "", backlog: int = 0) -> AsyncIterator[Item]:
        """Facts as they happen: those behind the id `after`, else the last `backlog` ones, then new ones.

        An item of type "gap" says how many were missed. The iteration ends when the daemon stops or when the reader
        is too slow.
        """
        ...


class PeopleView(View, Protocol):
    """What only the files for people show beside the rest."""

    def knowledge_base(self) -> Sequence[Item]:
        """Symptom patterns of past incidents and the cause that was confirmed."""
        ...

    def lessons(self) -> Sequence[Item]:
        """kind (lesson, setting or decay), service, why, and the figures of each."""
        ...

    def success_rates(self) -> Sequence[Item]:
        """cause, fix, kind of service, successes, failures."""
        ...

    def backups(self) -> Sequence[Item]:
        """Of each declared file and database: the last proof of its backup."""
        ...

    def fixes(self) -> Sequence[Item]:
        """The catalogue of fixes."""
        ...


class UnknownServiceError(LookupError):
    """No service has this name."""


class CommandRefusedError(Exception):
    """The command cannot be carried out as things stand; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What the act gate said to a person's word, and whether it took it."""

    accepted: bool
    answer: str


Word = Literal["approve", "deny", "snooze", "undo", "veto"]


class Commands(Protocol):
    """What a person may ask for. Each returns only when the command is durable.

    Raises UnknownServiceError or CommandRefusedError.
    """

    async def decide(self, word: Word, about: str, by: str, typed: str = "", for_s: float = 0.0) -> Answer:
        """About a question or an incident; for undo also about an act, for veto about a plan of maintenance. The answer is
        that of the agent who decides."""
        ...

    async def stop(self, service: str, by: str) -> None: ...
    async def start(self, service: str, by: str) -> None: ...
    async def pause(self, by: str) -> None: ...
    async def resume(self, by: str) -> None: ...


@dataclass(frozen=True)
class Alert:
    """What another monitoring system says; all words are untrusted."""

    source: Literal["alertmanager", "render"]
    name: str
    key: str  # the same for beginning and end of one trouble; "": only a reason to look
    firing: bool
    summary: str = ""
    names: tuple[str, ...] = ()  # what it is about may be called so, the best first
    delivery: str = ""  # of a signed message, which counts once


class OverloadedError(Exception):
    """So much waits already that the sender has to try again later."""


class Alerts(Protocol):
    """Where news of other monitoring systems goes."""

    async def receive(self, alerts: Sequence[Alert]) -> int:
        """Returns when it is durable: how many were news. Raises OverloadedError or CommandRefusedError."""
        ...


@dataclass
class Desk:
    """What the HTTP application holds. It serves /health before there is a view; both are set when they exist."""

    view: View | None = None
    commands: Commands | None = None
    alerts: Alerts | None = None
    token: str = ""
    waits: Callable[[], str] = lambda: RESTORING  # why there is nothing to show yet
    alertmanager_secret: str = ""  # else the token
    render_secret: str = ""
