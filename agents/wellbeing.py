"""The part of the vocabulary that says how services, our own agents and models are; imported from agents.events."""

from agents.terms import DependencySeen, Health, Symptom
from utils.event import Fact


# --- sense: service_monitor
class HealthChanged(Fact, frozen=True, kw_only=True):
    """A service's health is another than before. Two failed probes in a row mean unhealthy; an exit means down."""

    health: Health
    symptom: Symptom = ""
    reason: str = ""  # one line for people
    incarnation: str = ""
    exit_code: int | None = None
    signal: int | None = None  # that ended it, for example 9
    status: int | None = None  # HTTP
    process_state: str = ""  # one letter of /proc/PID/stat; "T" is stopped by a signal
    output: str = ""  # tail of log and of the probe's answer: untrusted text, at most 4 kB
    answer: str = ""  # of the probe alone, at most 512 bytes: what it says now; a log may tell of the past
    dependencies: tuple[DependencySeen, ...] = ()
    release: str = ""  # the version in use at this moment, where a release is declared
    booted_s: float = 0.0  # of a boot that we watched whole and that came to a good end: how long it took,
    answered_s: float = 0.0  # and how long before that end it began to answer, not yet well
    late_boot_s: float = 0.0  # the same of one that was given up as too long before it came to a good end


# --- the runner, about agents
class AgentHealthChanged(HealthChanged, frozen=True, kw_only=True):
    """One of our own agents, see config/ourselves.py, is down (given up), unhealthy (silent), or healthy again."""


# --- sense, detect: model_monitor, about models and their data
class DataQualityViolated(HealthChanged, frozen=True, kw_only=True):
    """A model's table is damaged; nothing is said of its drift until it is whole."""

    path: str
    columns: tuple[str, ...] = ()


class DriftDetected(HealthChanged, frozen=True, kw_only=True):
    """What the model is asked is not what it was trained on."""

    drift_score: float  # share of the features that drifted
    features: tuple[str, ...] = ()
    samples: int = 0


class ModelDegraded(HealthChanged, frozen=True, kw_only=True):
    """True performance, of labels that came, is worse than it was."""

    metric: str
    value: float
    before: float
    version: int = 0


class ModelJudged(HealthChanged, frozen=True, kw_only=True):
    """A model is well again, or a shadow model is being judged ("starting"), or nobody can tell ("unknown")."""

    promotable: int = 0  # the version that has passed the gate and waits for permission


OF_MODELS: tuple[type[HealthChanged], ...] = (DataQualityViolated, DriftDetected, ModelDegraded, ModelJudged)
