"""The types of the configuration; defaults are the documented ones, unknown keys are errors."""

from typing import Literal

from msgspec import Struct, field


class ProcessPlatform(Struct, frozen=True, forbid_unknown_fields=True, tag="process", tag_field="type"):
    command: tuple[str, ...]
    cwd: str = "."
    env: dict[str, str] = field(default_factory=dict)


Platform = ProcessPlatform


class _Probe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    interval_s: float = 0.0  # 0: SELF_HEALING_INTERVAL, filled in by the loader
    timeout_s: float = 0.0  # 0: the interval, at most 5, filled in by the loader


class HttpProbe(_Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    url: str


class TcpProbe(_Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tcp", tag_field="type"):
    url: str  # tcp://HOST:PORT


class ExecProbe(_Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exec", tag_field="type"):
    command: tuple[str, ...]


class HeartbeatProbe(
    _Probe, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="heartbeat", tag_field="type"
):
    """Healthy while the file was touched within `max_age_s`."""

    path: str
    max_age_s: float = 30.0


Probe = HttpProbe | TcpProbe | ExecProbe | HeartbeatProbe


class PrometheusMetrics(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="prometheus", tag_field="type"
):
    url: str
    interval_s: float = 10.0


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`current` is a symlink to the version in use; its siblings are the other versions."""

    current: str = "releases/current"
    keep: int = 5


class WatchedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str = ""
    check: Literal["json", "sqlite", "exists"] = "json"
    backup_s: float = 300.0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ceilings against which trends are predicted; None: not declared."""

    memory_mib: float | None = None
    open_files: int | None = None


class Stop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    signal: str = "TERM"
    grace_s: float = 5.0


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    platform: Platform
    probe: Probe | None = None
    metrics: PrometheusMetrics | None = None
    depends_on: tuple[str, ...] = ()
    autonomy: Literal["observe", "suggest", "earned", "auto"] = "earned"
    logs: tuple[str, ...] = ()
    release: Release | None = None
    files: tuple[WatchedFile, ...] = ()
    caches: tuple[str, ...] = ()
    limits: Limits = Limits()
    start_timeout_s: float = 20.0
    stop: Stop = Stop()
    restart: Literal["always", "on-failure", "never"] = "always"
    on_exit: Literal["stop", "leave"] = "stop"


class ModelValidation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    auto_rollback_enabled: bool = True
    min_accuracy_threshold: float = 0.70


class DriftDetection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    auto_retrain_enabled: bool = True
    drift_threshold: float = 0.5
    retraining_cooldown_hours: float = 24


class ServiceRecovery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    auto_recovery_enabled: bool = True
    max_recovery_attempts: int = 3


class Windows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Windows and budgets that the demo shortens; users rarely need to."""

    good_probes_to_verify: int = 3
    acts_per_service_per_hour: int = 6  # unverified ones
    acts_per_hour: int = 30  # unverified ones, of all services together
    change_suspect_s: float = 900.0  # a change this young is suspected first
    predict_horizon_s: float = 900.0  # act on a ceiling that will be reached within this time
    predict_warmup_s: float = 60.0  # a trend younger than this announces nothing
    passive_wait_s: float = 30.0  # how long the fix "wait" watches before it counts as failed
    slow_probe_s: float = 300.0  # after the last fix: how often to look and try again


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    services: tuple[Service, ...] = ()
    model_validation: ModelValidation = ModelValidation()
    drift_detection: DriftDetection = DriftDetection()
    service_recovery: ServiceRecovery = ServiceRecovery()
    windows: Windows = Windows()

    def service(self, name: str) -> Service | None:
        return next((s for s in self.services if s.name == name), None)
