"""What /metrics says: counters folded from events as they happen, gauges read from the views when asked."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from agents import events as e
from dashboard.view import Item
from utils.event import Event
from utils.metrics_collector import Family, Histogram, Labels

MTTR_BOUNDS_S = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
INCIDENTS_REMEMBERED = 10_000
RESULTS = {None: "unknown", True: "good", False: "failed"}
HEALTHS = ("starting", "healthy", "unhealthy", "down", "stopped", "unknown")


class Readings(Struct, frozen=True, kw_only=True):
    """What the composition root reads off the machinery at a scrape."""

    journal_position: int = 0
    journal_durable: int = 0
    storage_ok: bool = True
    paused: bool = False
    telemetry_dropped: Mapping[str, int] = {}
    stream_readers: int = 0
    stream_dropped: int = 0
    loop_lag_s: float = 0.0
    version: str = ""
    backups: Sequence["BackupReading"] = ()


class BackupReading(Struct, frozen=True, kw_only=True):
    """The last proof of one target's backup."""

    service: str
    target: str
    ok: bool
    good_unix_s: float  # 0: no backup of it was ever proven
    size_bytes: int


class Figures:
    """Counts since the process started, as Prometheus expects of counters."""

    def __init__(self) -> None:
        self.incidents: Counter[Labels] = Counter()
        self.acts: Counter[Labels] = Counter()
        self.escalations: Counter[Labels] = Counter()
        self.probes: Counter[Labels] = Counter()
        self.quarantined: Counter[Labels] = Counter()
        self.predictions: Counter[Labels] = Counter()
        self.anomalies: Counter[Labels] = Counter()
        self.mttr = Histogram(MTTR_BOUNDS_S)
        self._causes: dict[str, str] = {}
        self._steps: dict[type[Event], Callable[[Any], None]] = {
            e.CauseFound: self._found,
            e.IncidentClosed: self._closed,
            e.IncidentEscalated: lambda fact: self._count(self.escalations, self._cause(fact)),
            e.FixRefused: self._refused,
            e.FixVerified: lambda fact: self._count(self.acts, fact.fix, "verified"),
            e.FixFailed: lambda fact: self._count(
                self.acts, fact.fix, "interrupted" if fact.interrupted else "failed"
            ),
            e.ProbeObserved: lambda event: self._count(self.probes, event.service, RESULTS[event.ok]),
            e.EventQuarantined: lambda fact: self._count(self.quarantined, fact.agent),
            e.FailurePredicted: lambda fact: self._count(self.predictions, fact.service, fact.failure),
            e.AnomalyDetected: lambda fact: self._count(self.anomalies, fact.service),
        }

    def fold(self, event: Event) -> None:
        """Any event; those that count for nothing are passed over."""
        step = self._steps.get(type(event))
        if step is not None:
            step(event)

    def families(
        self, services: Sequence[Item], agents: Sequence[Item], readings: Readings
    ) -> Iterator[Family]:
        yield from self._counters()
        yield from _of_services(services)
        yield from _of_agents(agents)
        yield from _of_machinery(readings)
        yield from _of_backups(readings.backups)
        yield from _of_process()

    def _counters(self) -> Iterator[Family]:
        counters = (
            (
                "incidents",
                "Incidents that ended, by cause and outcome.",
                ("cause", "outcome"),
                self.incidents,
            ),
            (
                "acts",
                "Acts by how they were judged, or what became of the wish to act.",
                ("fix", "outcome"),
                self.acts,
            ),
            ("escalations", "How often people were told that they are needed.", ("cause",), self.escalations),
            ("probes", "Probes by result.", ("service", "result"), self.probes),
            ("events_quarantined", "Events that an agent set aside.", ("agent",), self.quarantined),
            ("failures_predicted", "Failures predicted.", ("service", "failure"), self.predictions),
            ("anomalies_detected", "Anomalies detected.", ("service",), self.anomalies),
        )
        for name, about, labels, counts in counters:
            yield Family(
                name=f"nightwarden_{name}_total",
                kind="counter",
                help=about,
                labels=labels,
                samples=tuple(counts.items()),
            )
        yield Family(
            name="nightwarden_mttr_seconds",
            kind="histogram",
            help="Time from opening an incident to its healing.",
            histograms=[((), self.mttr)],
        )

    def _count(self, counter: Counter[Labels], *labels: str) -> None:
        counter[labels] += 1

    def _cause(self, fact: Event) -> str:
        return self._causes.get(fact.incident, "unknown")

    def _found(self, fact: e.CauseFound) -> None:
        self._causes[fact.incident] = fact.best.name
        if len(self._causes) > INCIDENTS_REMEMBERED:
            del self._causes[next(iter(self._causes))]

    def _refused(self, fact: e.FixRefused) -> None:
        if not fact.reminder:
            self._count(self.acts, fact.fix, "refused" if fact.final else "held_back")

    def _closed(self, fact: e.IncidentClosed) -> None:
        self._count(self.incidents, self._cause(fact), fact.outcome)
        self._causes.pop(fact.incident, None)
        if fact.outcome == "healed":
            self.mttr.observe(fact.seconds)


def gauge(
    name: str, about: str, value: float | Iterable[tuple[Labels, float]], labels: Labels = ()
) -> Family:
    samples = [((), float(value))] if isinstance(value, int | float) else value
    return Family(name=f"nightwarden_{name}", kind="gauge", help=about, labels=labels, samples=samples)


def _of_services(services: Sequence[Item]) -> Iterator[Family]:
    by_health = Counter(service["health"] for service in services)
    counts = [((health,), by_health[health]) for health in HEALTHS]
    yield gauge("services", "Watched services by health.", counts, ("health",))
    healthy = (((s["name"],), float(s["health"] == "healthy")) for s in services)
    yield gauge("service_healthy", "1 while the service is healthy.", healthy, ("service",))
    for field, name, about, factor in (
        ("cpu_percent", "service_cpu_ratio", "CPU use; 1 is a whole core.", 0.01),
        ("rss_mib", "service_resident_memory_bytes", "Resident memory.", 2**20),
    ):
        known = [((s["name"],), s[field] * factor) for s in services if s.get(field) is not None]
        yield gauge(name, about, known, ("service",))


def _of_agents(agents: Sequence[Item]) -> Iterator[Family]:
    for field, name, about, kind in (
        ("handled", "agent_events_handled_total", "Facts that the agent handled.", "counter"),
        ("failed", "agent_events_failed_total", "Handlings that failed.", "counter"),
        ("restarts", "agent_restarts_total", "Restarts of the agent.", "counter"),
        ("inbox", "agent_inbox", "Facts that wait for the agent.", "gauge"),
        ("lag_s", "agent_lag_seconds", "Age of the oldest fact that waits.", "gauge"),
    ):
        known = [((a["name"],), float(a[field])) for a in agents if a.get(field) is not None]
        yield Family(
            name=f"nightwarden_{name}",
            kind="counter" if kind == "counter" else "gauge",
            help=about,
            labels=("agent",),
            samples=known,
        )


def _of_machinery(readings: Readings) -> Iterator[Family]:
    yield gauge("journal_position", "Last record of the journal.", readings.journal_position)
    yield gauge("journal_durable_position", "Last record that is on disk.", readings.journal_durable)
    yield gauge("storage_ok", "0 while the state folder cannot be written.", readings.storage_ok)
    yield gauge("paused", "1 while acting is paused.", readings.paused)
    yield gauge("loop_lag_seconds", "How late the event loop was at worst of late.", readings.loop_lag_s)
    yield gauge("stream_readers", "Readers of the live stream.", readings.stream_readers)
    dropped = [((kind,), float(count)) for kind, count in readings.telemetry_dropped.items()]
    yield Family(
        name="nightwarden_telemetry_dropped_total",
        kind="counter",
        help="Samples that were dropped unread.",
        labels=("type",),
        samples=dropped,
    )
    yield Family(
        name="nightwarden_stream_readers_dropped_total",
        kind="counter",
        help="Readers of the stream that were too slow.",
        samples=[((), float(readings.stream_dropped))],
    )
    build = [((readings.version,), 1.0)]
    yield gauge("build_info", "Which version runs.", build, ("version",))


def _of_backups(backups: Sequence[BackupReading]) -> Iterator[Family]:
    for name, about, field in (
        ("backup_ok", "1 if the last restore into a scratch place gave everything back.", "ok"),
        ("backup_proven_timestamp_seconds", "When a backup was last proven, in Unix time.", "good_unix_s"),
        ("backup_size_bytes", "Size of the backup that was tried last.", "size_bytes"),
    ):  # fmt: skip
        values = [((one.service, one.target), float(getattr(one, field))) for one in backups]
        yield gauge(name, about, values, ("service", "target"))


def _of_process() -> Iterator[Family]:
    import psutil  # not before the first scrape: start-up does not need it

    process = psutil.Process()
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        values = (
            ("cpu_seconds_total", "counter", "CPU time spent.", times.user + times.system),
            ("resident_memory_bytes", "gauge", "Resident memory.", memory.rss),
            ("virtual_memory_bytes", "gauge", "Virtual memory.", memory.vms),
            ("start_time_seconds", "gauge", "Start, in Unix time.", process.create_time()),
            ("open_fds", "gauge", "Open file descriptors.", process.num_fds()),
        )
    for name, kind, about, value in values:
        yield Family(
            name=f"process_{name}",
            kind="counter" if kind == "counter" else "gauge",
            help=about,
            samples=[((), float(value))],
        )
