"""Takes alerts of others into the daemon: finds out whose they are, says what is news, waits until it is durable."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agents.events import AlertReceived
from agents.render_self_healing_agent import RenderSelfHealingAgent
from config.model import Service
from dashboard.view import Alert, CommandRefusedError, OverloadedError

if TYPE_CHECKING:
    from scripts.daemon import Daemon

OWNER = RenderSelfHealingAgent.name
SEEN_BY_LOOKING = "server_"  # begins the names of such events
MOST_WAITING = 2000  # facts before the owner of incidents; behind so many the sender has to wait


class DaemonAlerts:
    """Implements `Alerts` of the dashboard. `hear` is given ids of Render, and answers what they are called here."""

    def __init__(self, daemon: "Daemon", hear: Callable[[str], str]) -> None:
        self._daemon = daemon
        self._hear = hear

    async def receive(self, alerts: Sequence[Alert]) -> int:
        """How many of them were news."""
        daemon = self._daemon
        if not daemon.ready.is_set():
            raise CommandRefusedError("the daemon is stopping")
        waiting = len(daemon.runner.cells[OWNER].inbox)
        if waiting > MOST_WAITING:
            raise OverloadedError(f"{waiting} facts wait already")
        facts = [fact for alert in alerts if (fact := self._fact(alert, settled=not waiting))]
        if facts:
            daemon.runner.say("operator", facts)
        journal = daemon.journal
        if not await journal.durable(journal.position):
            raise CommandRefusedError(f"the state folder cannot be written ({journal.health.problem})")
        return len(facts)

    def _fact(self, alert: Alert, *, settled: bool) -> AlertReceived | None:
        heard = map(self._hear, alert.names) if alert.source == "render" else ()
        looked_at = next(filter(None, heard), "")
        if looked_at and alert.name.startswith(SEEN_BY_LOOKING):
            return None  # who looks there knows better what it means: a deploy, a crash that Render sees to
        service = looked_at or self._service(alert.names)
        if not alert.key or (settled and self._is_known(alert, service)):
            return None
        return AlertReceived(
            service=service,
            source=alert.source,
            alert=alert.name,
            summary=alert.summary,
            about="" if service else (alert.names[-1] if alert.names else ""),
            key=alert.key,
            firing=alert.firing,
            delivery=alert.delivery,
        )

    def _is_known(self, alert: Alert, service: str) -> bool:
        """As the owner knows it, who has handled all that came before: repeats are not worth a record."""
        agent: RenderSelfHealingAgent = self._daemon.runner.cells[OWNER].agent  # type: ignore[assignment]  # a cell holds any agent
        owner = agent.state
        if alert.delivery in owner.deliveries:
            return True
        if alert.delivery and service:
            return False
        stands = alert.key in owner.alerts
        return stands and not (service and owner.open_of(service) is None) if alert.firing else not stands

    def _service(self, names: Sequence[str]) -> str:
        config = self._daemon.world.config
        for name in names:
            if config.service(name) is not None:
                return name
            placed = [service.name for service in config.services if name in _places(service)]
            if len(placed) == 1:
                return placed[0]
        return ""


def _places(service: Service) -> Iterator[str]:
    """What others may call it: HOST:PORT where it is asked, and its id at its platform."""
    for url in (getattr(service.probe, "url", ""), getattr(service.metrics, "url", "")):
        if place := urlsplit(url).netloc.rpartition("@")[2]:
            yield place
    if known := getattr(service.platform, "id", ""):
        yield known
