"""What the dashboard, the terminal and the files for people read: the agents' own tables, as JSON-ready objects."""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agents.act_gate import ActGate
from agents.chaos_controller import ChaosController
from agents.incident.records import Incident
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.rca_engine import RcaEngine
from agents.render_prevention_agent import RenderPreventionAgent
from agents.render_self_healing_agent import RenderSelfHealingAgent
from agents.service_monitor import ServiceMonitor
from analysis.choice import prior_of
from analysis.rates import told as told_rates
from config.model import Service
from config.ourselves import agent_of, is_drill
from config.secret import secret_values
from dashboard.coverage import families, offered, proofs, told
from dashboard.figures import Readings
from dashboard.incident_items import IncidentItems
from dashboard.reports.telling import Report, report_of
from dashboard.summary import notices, summarise
from dashboard.view import Item
from scripts.learnt import lesson_items, sentences
from scripts.maintenance import maintenance_item
from scripts.observer import Observer
from scripts.proofs import Proofs
from scripts.reports import Reports
from utils.clock import rfc3339
from utils.metrics_collector import Family
from utils.redact import Redactor

if TYPE_CHECKING:
    from scripts.daemon import Daemon

VERSION = "0.1.0"


class DaemonView:
    """Implements `PeopleView`. Reads and decides nothing."""

    def __init__(self, daemon: "Daemon", observer: Observer) -> None:
        self._daemon = daemon
        self._observer = observer
        self._redact = Redactor(secret_values(os.environ))
        self.reports = Reports(daemon.hands.disk, daemon.world.state_dir, self._make_report)
        self._items = IncidentItems(self.text)
        self._proofs = Proofs(daemon.world, self._agent, self.text, daemon.clock.wall)

    def text(self, at: float) -> str:
        return rfc3339(self._daemon.clock.wall(at))

    def _agent(self, name: str) -> Any:
        cell = self._daemon.runner.cells.get(name)
        return cell.agent if cell is not None else self._daemon.spare(name)

    @property
    def owner(self) -> RenderSelfHealingAgent:
        agent: RenderSelfHealingAgent = self._agent("render_self_healing_agent")
        return agent

    @property
    def gate(self) -> ActGate:
        agent: ActGate = self._agent("act_gate")
        return agent

    @property
    def ready(self) -> bool:
        return self._daemon.ready.is_set()

    # --- incidents ---

    def stories(self) -> Iterable[Incident]:
        return [known for known in self.owner.state.incidents.values() if not is_drill(known.service)]

    def incidents(self) -> Sequence[Item]:
        return self._items.of(self.stories())

    def incident(self, incident: str) -> Item | None:
        return next((item for item in self.incidents() if item["id"] == incident), None)

    async def report(self, incident: str, form: Literal["html", "md"]) -> str | None:
        return await self.reports.read(incident, form)

    def _make_report(self, incident: str) -> Report | None:
        known = self.owner.state.incidents.get(incident)
        if known is None:
            return None
        return report_of(known, self._observer.curves, self.success_rates(), self.text, self._redact)

    # --- services ---

    def services(self) -> Sequence[Item]:
        monitor: ServiceMonitor = self._agent("service_monitor")
        open_by_service = {i.service: i.id for i in self.stories() if not i.ended}
        learnt = lesson_items(self._agent, self.text)
        return [
            self._service(
                service, monitor.state.life(service.name), open_by_service.get(service.name), learnt
            )
            for service in self._daemon.world.config.services
        ]

    def _service(self, service: Any, life: Any, incident: str | None, learnt: list[Item]) -> Item:
        living = self._daemon.hands.platform.current(service.name)
        last = self._observer.health.get(service.name)
        figures = self._observer.samples.get(service.name, {}) if living else {}
        return {
            "name": service.name,
            "health": health_now(
                last.health if service.is_model and last else life.health,
                stopped=life.stopped,
                runs=living is not None,
                dry_run=self._daemon.world.dry_run,
            ),
            "since": self.text(last.at) if last else None,
            "reason": last.reason if last else "",
            "incarnation": living.mark if living else "",
            "pid": living.pid if living else None,
            "autonomy": service.autonomy,
            "depends_on": list(service.depends_on),
            "cpu_percent": _rounded(figures.get("cpu_percent")),
            "rss_mib": _rounded(figures.get("rss_mib")),
            "open_incident": incident,
            "learnt": sentences(learnt, service.name),
            "backups": self._proofs.items(service.name),
        }

    def metrics(self) -> Sequence[Item]:
        texts: dict[float, str] = {}  # one scrape has one `at`, and thousands of values
        items = []
        for service, seen in self._observer.samples.items():
            for name, (value, at) in seen.items():
                text = texts.get(at) or texts.setdefault(at, self.text(at))
                items.append({"service": service, "name": name, "value": value, "at": text})
        return items

    # --- agents ---

    def agents(self) -> Sequence[Item]:
        now = self._daemon.clock.now()
        restarts = {name: n for s in self._daemon.supervisors for name, n in s.restarts.items()}
        open_ones = {agent_of(i.service): i.id for i in self.stories() if not i.ended}
        return [
            {
                "name": name,
                "status": self._daemon.care.status(name),
                "handled": cell.counters.handled + cell.counters.samples,
                "failed": cell.counters.failed + cell.counters.samples_failed,
                "inbox": len(cell.inbox),
                "restarts": restarts.get(name, 0),
                "lag_s": round(cell.lag_s(now), 3),
                "open_incident": open_ones.get(name),
            }
            for name, cell in self._daemon.runner.cells.items()
        ]

    # --- what was said ---

    def predictions(self) -> Sequence[Item]:
        return [self._told(fact) for fact in self._observer.predictions]

    def maintenance(self) -> Sequence[Item]:
        prevention: RenderPreventionAgent = self._agent("render_prevention_agent")
        return [maintenance_item(each, self.text) for each in reversed(prevention.state.upkeep.values())]

    def anomalies(self) -> Sequence[Item]:
        return [self._told(fact) for fact in self._observer.anomalies]

    def _told(self, fact: Any) -> Item:
        item: dict[str, Any] = msgspec.to_builtins(fact)
        item["at"] = self.text(fact.at)
        return item

    def traces(self) -> Sequence[Item]:
        return self._observer.traces.traces()

    def summary(self) -> Item:
        journal = self._daemon.journal
        told = notices(
            self.gate.state.paused.values(),
            journal.health.problem if journal.failing else "",
            dry_run=self._daemon.world.dry_run,
        )
        told += [f"broken on purpose: {fault['fault']} on {fault['service']}" for fault in self._faults()]
        now = self._daemon.clock.now()
        return summarise(self.stories(), self.services(), self._observer.commands, now, self.text, told)

    def _faults(self) -> list[dict[str, Any]]:
        cell = self._daemon.runner.cells.get("chaos_controller")
        return cell.agent.active() if cell is not None and isinstance(cell.agent, ChaosController) else []

    def coverage(self) -> Item:
        world = self._daemon.world
        places = offered(world.fixes.values(), world.config.services)
        return told(list(proofs(self.stories())), places, self._daemon.clock.now(), self.text)

    def subscribe(self, after: str = "", backlog: int = 0) -> AsyncIterator[Item]:
        return self._observer.stream.subscribe(after, backlog)

    def families(self) -> Iterable[Family]:
        journal = self._daemon.journal
        cells = self._daemon.runner.cells.values()
        readings = Readings(
            journal_position=journal.position,
            journal_durable=journal.durable_to,
            storage_ok=not journal.failing,
            paused=bool(self.gate.state.paused),
            telemetry_dropped={cell.name: cell.inbox.dropped for cell in cells if cell.telemetry},
            stream_readers=self._observer.stream.readers,
            stream_dropped=self._observer.stream.dropped_readers,
            version=VERSION,
            backups=self._proofs.readings(),
        )
        yield from self._observer.figures.families(self.services(), self.agents(), readings)
        yield from families(self.coverage())

    def backups(self) -> Sequence[Item]:
        return self._proofs.items()

    # --- what was learnt ---

    def knowledge_base(self) -> Sequence[Item]:
        engine: RcaEngine = self._agent("rca_engine")
        return [
            {"pattern": key, **msgspec.to_builtins(known)} for key, known in engine.state.knowledge.items()
        ]

    def lessons(self) -> Sequence[Item]:
        return lesson_items(self._agent, self.text)

    def success_rates(self) -> Sequence[Item]:
        selector: IntelligentFixSelector = self._agent("intelligent_fix_selector")
        world = selector.world
        kinds = {service.name: _class_of(service) for service in world.config.services}
        return list(told_rates(selector.state.rates, kinds, lambda key: prior_of(world.fixes, key)))

    def fixes(self) -> Sequence[Item]:
        return [msgspec.to_builtins(fix) for fix in self._daemon.world.fixes.values()]


def _rounded(seen: tuple[float, float] | None) -> float | None:
    return None if seen is None else round(seen[0], 1)


def health_now(health: str, *, stopped: bool, runs: bool, dry_run: bool) -> str:
    """As the monitor last said, but never healthy without a process, as what a start finds in old state may be.

    In a dry run somebody else's process may be the healthy one.

    >>> health_now("healthy", stopped=False, runs=False, dry_run=False)
    'unknown'
    """
    if stopped and not runs:
        return "stopped"
    return "unknown" if health == "healthy" and not runs and not dry_run else health


def _class_of(service: Service) -> str:
    return str(type(service.platform).__struct_config__.tag)
