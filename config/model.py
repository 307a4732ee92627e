"""The types of the configuration; defaults are the documented ones, unknown keys are errors."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from config.learning import Learning
from config.on_llm import Llm
from config.on_model import ModelPlatform
from config.on_render import Render, RenderMetrics, RenderPlatform, Scale
from config.quantities import Count, Pace, Seconds, Share, Text

Command = Annotated[tuple[str, ...], Meta(min_length=1)]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",  # in Python $ lets a newline pass
        description="a name of at most 64 letters, digits, '.', '_' and '-' that starts with a letter or digit, "
        "because files and addresses carry it",
    ),
]


class ProcessPlatform(Struct, frozen=True, forbid_unknown_fields=True, tag="process", tag_field="type"):
    command: Command
    cwd: Text = "."
    env: dict[str, str] = field(default_factory=dict)


class ExecPlatform(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exec", tag_field="type"
):
    """Somebody else runs it (systemd, docker compose, ...), and these commands reach it. Each is optional."""

    start: Command | None = None
    stop: Command | None = None
    restart: Command | None = None  # None: stop, then start
    status: Command | None = None  # exit code 0: it runs; None: it is taken to run
    identity: Command | None = None  # prints what names the present life
    output: Command | None = None  # prints the end of its log
    cwd: Text = "."
    env: dict[str, str] = field(default_factory=dict)
    interval_s: Seconds = 5.0  # of status and identity
    timeout_s: Seconds = 60.0  # of start, stop, restart


class HttpPlatform(Struct, frozen=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    """Watched and never acted on; without a probe of its own it is probed at `url`."""

    url: str

    @property
    def cwd(self) -> str:
        return "."

    @property
    def env(self) -> dict[str, str]:
        return {}


Platform = ProcessPlatform | ExecPlatform | HttpPlatform | RenderPlatform | ModelPlatform


class _Probe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    interval_s: Pace = 0.0  # 0: SELF_HEALING_INTERVAL, filled in by the loader
    timeout_s: Pace = 0.0  # 0: the interval, at most 5, filled in by the loader


class HttpProbe(_Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    url: str


class TcpProbe(_Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tcp", tag_field="type"):
    url: str  # tcp://HOST:PORT


class ExecProbe(_Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exec", tag_field="type"):
    command: Command


class PostgresProbe(
    _Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="postgres", tag_field="type"
):
    """Asks the declared database; whatever the query changes is taken back."""

    query: Text = "SELECT 1"


class HeartbeatProbe(
    _Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="heartbeat", tag_field="type"
):
    """Healthy while the file was touched within `max_age_s`."""

    path: Text
    max_age_s: Seconds = 30.0


Probe = HttpProbe | TcpProbe | ExecProbe | HeartbeatProbe | PostgresProbe


class PrometheusMetrics(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="prometheus", tag_field="type"
):
    url: str
    interval_s: Pace = 10.0


class PromqlMetrics(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="promql", tag_field="type"
):
    """Asks a Prometheus server: what each query is called, and its expression."""

    url: str
    queries: dict[Text, Text] = field(default_factory=dict)
    interval_s: Seconds = 15.0
    token_env: str = ""  # the environment variable that holds a bearer token


Metrics = PrometheusMetrics | PromqlMetrics | RenderMetrics


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`current` is a symlink to the version in use; its siblings are the other versions."""

    current: Text = "releases/current"
    keep: Count = 5


class WatchedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: Text
    check: Literal["json", "sqlite", "exists"] = "json"
    backup_s: Seconds = 300.0


class Database(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="postgres", tag_field="type"
):
    """Addresses hold passwords, so only the environment variables that hold them are named here."""

    url_env: Text  # as the service uses it
    admin_url_env: str = ""  # of a role that may act: a reserved connection, CREATEDB; empty: url_env
    backup_s: Seconds = 3600.0
    keep: Count = 7
    idle_s: Seconds = 60.0  # a session that is idle for so long may be ended where connections run out


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ceilings against which trends are predicted; None: not declared."""

    memory_mib: Annotated[float, Meta(gt=0)] | None = None
    open_files: Annotated[int, Meta(ge=1)] | None = None
    metrics: dict[Text, Annotated[float, Meta(gt=0)]] = field(
        default_factory=dict
    )  # of any other sampled figure


class Stop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    signal: str = "TERM"
    grace_s: Annotated[float, Meta(ge=0)] = 5.0  # 0: SIGKILL at once


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", description='a time of day such as "02:30"')
]


class Maintenance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People work on it: nothing acts by itself. From `start` to `end` on each of these days; past midnight if earlier."""

    start: TimeOfDay
    end: TimeOfDay
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    timezone: Text = "UTC"


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    platform: Platform
    probe: Probe | None = None
    metrics: Metrics | None = None
    depends_on: tuple[str, ...] = ()
    autonomy: Literal["observe", "suggest", "earned", "auto"] = "earned"
    logs: tuple[Text, ...] = ()
    release: Release | None = None
    files: tuple[WatchedFile, ...] = ()
    database: Database | None = None
    caches: tuple[Text, ...] = ()
    limits: Limits = Limits()
    scale: Scale | None = None
    start_timeout_s: Seconds = 20.0
    stop: Stop = Stop()
    restart: Literal["always", "on-failure", "never"] = "always"
    on_exit: Literal["stop", "leave"] = "stop"
    maintenance: tuple[Maintenance, ...] = ()
    drills: tuple[
        Literal["kill", "freeze", "corrupt_file"], ...
    ] = ()  # practised once a day, in a quiet hour

    @property
    def is_child(self) -> bool:
        """We run it ourselves; else we reach it through somebody who does, or only watch it."""
        return isinstance(self.platform, ProcessPlatform)

    @property
    def is_model(self) -> bool:
        """Nothing probes it: its monitoring says how it is."""
        return isinstance(self.platform, ModelPlatform)


class ModelValidation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    auto_rollback_enabled: bool = True
    min_accuracy_threshold: Share = 0.70


class DriftDetection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    auto_retrain_enabled: bool = True
    drift_threshold: Annotated[float, Meta(gt=0)] = 0.5
    retraining_cooldown_hours: Annotated[float, Meta(ge=0)] = 24


class ServiceRecovery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    auto_recovery_enabled: bool = True
    max_recovery_attempts: Count = 3


class Approver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who may say yes."""

    name: Text
    telegram_id: int | None = None


class Approvals(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is asked, and for how long a question stands."""

    approvers: tuple[Approver, ...] = ()
    expires_s: Seconds = 600.0


class Notify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people are told; who, and where, stands in the environment."""

    digest_at: TimeOfDay | None = "09:00"  # the daily word that all is well, or is not; None: no such word
    timezone: Text = "UTC"


class Windows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Windows and budgets that the demo shortens; users rarely need to."""

    good_probes_to_verify: Count = 3
    acts_per_service_per_hour: Count = 6  # unverified ones
    acts_per_hour: Count = 30  # unverified ones, of all services together
    change_suspect_s: Seconds = 900.0  # a change this young is suspected first
    predict_horizon_s: Seconds = 900.0  # act on a ceiling that will be reached within this time
    predict_warmup_s: Seconds = 60.0  # a trend younger than this announces nothing
    passive_wait_s: Seconds = 30.0  # how long the fix "wait" watches before it counts as failed
    slow_probe_s: Seconds = 300.0  # after the last fix: how often to look and try again


class Link(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service reaches a dependency through a fault proxy, as its own configuration says."""

    service: Name
    dependency: Name
    proxy: str  # the proxy in the proxy's API: http://HOST:PORT/proxies/NAME


class Chaos(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What experiments may cost, and where they can reach between services."""

    budget_s: Seconds = 120.0  # so long may services be ill, all together, while faults are in: then all end
    links: tuple[Link, ...] = ()


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    services: tuple[Service, ...] = ()
    model_validation: ModelValidation = ModelValidation()
    drift_detection: DriftDetection = DriftDetection()
    service_recovery: ServiceRecovery = ServiceRecovery()
    approvals: Approvals = Approvals()
    notify: Notify = Notify()
    maintenance: tuple[Maintenance, ...] = ()  # of everything
    render: Render = Render()
    llm: Llm = Llm()
    windows: Windows = Windows()
    learning: Learning = Learning()
    chaos: Chaos = Chaos()
    production: bool = False  # people depend on it: faults on purpose need a second switch

    def service(self, name: str) -> Service | None:
        return next((s for s in self.services if s.name == name), None)
