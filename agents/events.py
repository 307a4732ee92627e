"""The vocabulary, in the order of the story; behind each event stands the one agent that emits it:
sense -> detect | predict -> diagnose -> select -> recover -> verify -> learn."""

from typing import Literal

from agents.advice import AdviceGiven
from agents.consent import (
    ActProposed,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CommandAnswered,
    PromotionProposed,
)
from agents.household import (
    AlertReceived,
    BackupProven,
    ConfigChanged,
    DamageFound,
    EventQuarantined,
    FreezeEnded,
    FreezeNoted,
    LeaseChanged,
    MessagePosted,
    OperatorCommanded,
    SelfTested,
    StorageChanged,
)
from agents.lessons import DecayNoticed, LessonLearned, NormExpected, SettingChanged, SettingProposed
from agents.terms import Cause, CauseName, DependencySeen, Health, Symptom
from agents.upkeep import (
    HourEnded,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceProposed,
    MaintenanceScheduled,
    MaintenanceVetoed,
    VetoRefused,
)  # fmt: skip
from agents.wellbeing import (
    AgentHealthChanged,
    DataQualityViolated,
    DriftDetected,
    HealthChanged,
    ModelDegraded,
    ModelJudged,
)
from utils.event import Event, Fact, Telemetry

__all__ = [
    "ActProposed", "AdviceGiven", "AgentHealthChanged", "AlertReceived", "ApprovalDenied", "ApprovalExpired",
    "ApprovalGiven", "ApprovalRequested", "BackupProven", "Cause", "CauseName", "CommandAnswered",
    "ConfigChanged", "DamageFound", "DataQualityViolated", "DecayNoticed", "DependencySeen", "DriftDetected", "Event",
    "EventQuarantined", "Fact", "FreezeEnded", "FreezeNoted", "Health", "HealthChanged", "HourEnded", "LeaseChanged",
    "LessonLearned", "MaintenanceCancelled", "MaintenanceDone", "MaintenanceProposed", "MaintenanceScheduled", "MaintenanceVetoed",
    "MessagePosted", "ModelDegraded", "ModelJudged", "NormExpected", "OperatorCommanded", "PromotionProposed", "SelfTested",
    "SettingChanged", "SettingProposed", "StorageChanged", "Symptom", "Telemetry", "VetoRefused",
]  # fmt: skip


# --- sense: service_monitor
class Tick(Telemetry, frozen=True, kw_only=True):
    """Time passed, four times a second. Never emitted for time in which we did not watch."""


class ProbeObserved(Telemetry, frozen=True, kw_only=True):
    """One probe of one service came back. `ok` is None where our own loop lagged, so that nobody can tell."""

    ok: bool | None
    latency_s: float = 0.0
    incarnation: str = ""
    reason: str = ""


class ServiceSampled(Telemetry, frozen=True, kw_only=True):
    """One scrape: parallel arrays. The process's own figures are cpu_percent, rss_mib, threads, open_files."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    incarnation: str = ""


class ChangeObserved(Fact, frozen=True, kw_only=True):
    """Something about a service was changed from outside: its release, its configuration, whether pushes are deployed."""

    kind: Literal["release", "config", "deploy", "deploy_failed", "auto_deploy"]
    what: str
    before: str = ""
    after: str = ""


class FileDamaged(Fact, frozen=True, kw_only=True):
    """A declared file fails its check."""

    path: str
    problem: str


class FileRepaired(Fact, frozen=True, kw_only=True):
    """A declared file that failed its check passes it again."""

    path: str


class ObservationResumed(Fact, frozen=True, kw_only=True):
    """We watch again after time in which we did not: every window starts anew."""

    gap_s: float = 0.0
    why: Literal["start", "gap"] = "gap"
    boot_id: str = ""  # of the machine, at a start


# --- detect, predict: anomaly_detector, ml_failure_predictor
class AnomalyDetected(Fact, frozen=True, kw_only=True):
    """A metric is far from what it was. Evidence; alone it opens no incident. (anomaly_detector)"""

    metric: str
    value: float
    expected: float
    sigmas: float


class FailurePredicted(Fact, frozen=True, kw_only=True):
    """A ceiling will be reached (`lead_time_s` = 0: it is reached). With `metric` "learnt": a failure is likely, `value` is its
    chance and `limit` the one from which on it is told. (ml_failure_predictor)"""

    failure: CauseName
    metric: str
    value: float
    limit: float
    lead_time_s: float
    confidence: float
    incarnation: str = ""
    reasons: tuple[str, ...] = ()


# --- own every incident: render_self_healing_agent
class IncidentOpened(Fact, frozen=True, kw_only=True):
    """`incident` is the id of the fact that opened it, which is also this event's `cause`."""

    symptom: str  # a Symptom, or "file_damaged", "failure_predicted", "alert"
    reason: str
    incarnation: str = ""
    first_sign_at: float = 0.0  # the first bad probe, where one was seen before; 0: not known


class FixVerified(Fact, frozen=True, kw_only=True):
    """The symptom is gone, and stayed gone. `service` is the target of the fix."""

    fix: str
    cause_name: str
    culprit: str
    seconds: float  # from FixStarted


class FixFailed(Fact, frozen=True, kw_only=True):
    """The fix was applied and the symptom is still there, or it could not be applied."""

    fix: str
    cause_name: str
    culprit: str
    reason: str
    interrupted: bool = False  # somebody struck first what it had brought up: it says nothing about the fix
    harmful: bool = False  # it made things worse: there is trouble that was not there before it
    suspect: str = ""  # how its target ended by itself: harm only if the next life ends so too


class HarmFound(Fact, frozen=True, kw_only=True):
    """An act that failed before made things worse: the life after it ended by itself in the same way."""

    act: str  # id of its FixStarted
    fix: str
    cause_name: str
    reason: str


class IncidentClosed(Fact, frozen=True, kw_only=True):
    outcome: Literal["healed", "passed_by_itself", "withdrawn"]
    message: str = ""
    seconds: float = 0.0  # from opening


class IncidentEscalated(Fact, frozen=True, kw_only=True):
    """Nothing is left to try: people are told, and slow probing goes on. Said at the end of each round."""

    reason: str
    round: int = 0  # of slow probing; 0: the first time


class IncidentRetried(Fact, frozen=True, kw_only=True):
    """Slow probing: look for the cause again, choose among all fixes again; the gate allows one attempt more."""

    round: int
    reason: str


# --- diagnose: rca_engine
class CauseFound(Fact, frozen=True, kw_only=True):
    best: Cause
    rivals: tuple[Cause, ...] = ()


# --- select: intelligent_fix_selector
class FixChosen(Fact, frozen=True, kw_only=True):
    """`service` is the target."""

    fix: str
    cause_name: str
    culprit: str
    probability: float
    why: str
    attempt: int = 1  # of all fixes within this incident
    patience_boots: int = 0  # after so many failed boots another fix has better prospects; 0: never
    patience_s: float = 0.0  # of waiting, before another fix has its turn; 0: the usual time


class FixesExhausted(Fact, frozen=True, kw_only=True):
    reason: str


# --- the only way to act: act_gate
class FixStarted(Fact, frozen=True, kw_only=True):
    """Permission and intent in one. Its handling by `agent` is the act, `id` the act's mark, `service` its target."""

    fix: str
    agent: str
    cause_name: str
    culprit: str
    deadline_s: float
    incarnation: str = ""  # of the target, when permission was given
    patience_boots: int = 0
    patience_s: float = 0.0
    auto_undo: bool = False  # it is taken back if it does not help
    kind: Literal["fix", "chaos", "maintenance", "promotion"] = "fix"  # all but a fix were planned
    undo_of: str = ""  # the id of an earlier act, which this one takes back
    approval: str = ""  # the id of the question that a person said yes to


class FixRefused(Fact, frozen=True, kw_only=True):
    """Not `final`: the gate keeps the choice and starts it when the reason is gone. `service` is the target."""

    fix: str
    limit: str  # machine-readable: paused, dry_run, budget, attempts, open_act, suspicion, breaker, disk, ...
    reason: str
    final: bool = False
    reminder: int = 0  # told again for the n-th time, as it is held back still
    held_s: float = 0.0  # in a reminder: for how long
    freed_by: str = ""  # in a reminder: what would free it, for people


# --- recover: application_recovery, data_recovery, infrastructure_recovery
class FixApplied(Fact, frozen=True, kw_only=True):
    """`service` is the target."""

    fix: str
    outcome: Literal["done", "found_done", "symptom_gone", "failed"]
    detail: str = ""
    seconds: float = 0.0
    incarnation: str = ""  # of the target, after the act
    undo: str = ""  # what would undo it, for people
    undo_data: str = ""  # for the agent whose act it was; empty: there is no way back
    undo_of: str = ""  # the id of the act that was taken back
    output: str = ""  # tail of what the service printed, where the act failed


class ServiceStarted(Fact, frozen=True, kw_only=True):
    """A process of a service runs, by a start command or by an act. (application_recovery)"""

    incarnation: str
    pid: int
    adopted: bool = False
    section: str = ""  # digest of the platform section that it was started with


class ServiceStopped(Fact, frozen=True, kw_only=True):
    """We stopped a service on purpose. (application_recovery)"""

    why: Literal["operator", "shutdown", "removed", "changed", "unused", "lease"]


class StartRetried(Fact, frozen=True, kw_only=True):
    """A start failed and will be tried again within the same act. (application_recovery)"""

    boot: int  # how many in a row failed
    wait_s: float
    reason: str
    missing: tuple[str, ...] = ()  # declared dependencies that are not healthy
    output: str = ""


# --- prove: chaos_controller; no healing agent may consume these
class FaultInjected(Fact, frozen=True, kw_only=True):
    fault: str
    detail: str = ""


class FaultReverted(Fact, frozen=True, kw_only=True):
    fault: str
    detail: str = ""
