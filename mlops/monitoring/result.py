"""What one look at a model says, as it is written and handed on."""

from typing import Literal

from msgspec import Struct

from mlops.drift.budget import Budget
from mlops.drift.verdict import ColumnVerdict, Word

Calibration = Literal["holds", "off", "unchecked"]


class Proxies(Struct, frozen=True, kw_only=True):
    """What can be seen without labels; None: not known, and `not_known` says why."""

    rows: int
    rows_per_hour: float
    prediction_shift: Word | None = None
    probability_shift: Word | None = None
    prediction_mean: float | None = None  # of a regression
    positive_share: float | None = None
    positive_share_reference: float | None = None
    confidence: float | None = None  # mean probability of the class that was said
    missing_share: float = 0.0
    missing_share_reference: float = 0.0
    not_known: dict[str, str] = {}


class Estimate(Struct, frozen=True, kw_only=True):
    """Performance before labels, from the model's own probabilities."""

    method: Literal["cbpe", "not_known"]
    reason: str = ""
    rows: int = 0
    accuracy: float | None = None
    accuracy_low: float | None = None  # 95 %, if the probabilities are right
    accuracy_high: float | None = None
    f1: float | None = None
    brier: float | None = None
    calibration: Calibration = "unchecked"
    calibration_gap: float | None = None  # true accuracy less estimated, of the same labelled rows


class Figures(Struct, frozen=True, kw_only=True):
    """True performance; `accuracy` of a regression is R² clipped to 0-1."""

    samples: int
    accuracy: float | None = None
    f1: float | None = None
    brier: float | None = None
    r2: float | None = None
    mae: float | None = None
    rmse: float | None = None


class Performance(Struct, frozen=True, kw_only=True):
    """What labels say of the predictions made between `since` and `until`."""

    measured_at: str
    since: str
    until: str
    figures: Figures
    by_version: dict[str, Figures]
    unlabelled: int
    conflicting: int
    unmatched: int


class Window(Struct, frozen=True):
    since: str
    until: str
    rows: int
    torn: int = 0  # lines of the log that could not be read


class ReferenceSeen(Struct, frozen=True):
    fingerprint: str
    created_at: str
    rows: int


class MonitoringResult(Struct, frozen=True, kw_only=True):
    model: str
    timestamp: str
    drift_detected: bool
    drift_score: float
    verdict: Word
    needed: int | None  # further rows until "no drift" can be said; None: the reference is too short
    drifted: tuple[str, ...]
    features: tuple[ColumnVerdict, ...]
    outputs: tuple[ColumnVerdict, ...]
    unknown_columns: tuple[str, ...]
    window: Window
    reference: ReferenceSeen
    budget: Budget
    false_alarms_per_month: float
    proxies: Proxies
    estimated: Estimate
    performance: Performance | None  # as last measured, at a full report
    full_report: bool
    report: str | None = None  # the newest page for people
    notes: tuple[str, ...] = ()


def retraining_wanted(result: MonitoringResult, drift_threshold: float) -> bool:
    """Whether the verdict is drift and enough of the features drifted."""
    return result.verdict == "drift" and result.drift_score > drift_threshold
