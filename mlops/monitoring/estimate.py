"""Performance before labels: what a calibrated classifier's own probabilities say of it (confidence-based, CBPE).

It is blind to a change of what the features mean for the target; only labels show that.
"""

import math
from typing import Any

import numpy as np

from config.monitoring import ModelSpec
from mlops.monitoring.result import Calibration, Estimate
from mlops.predictions.columns import text
from mlops.predictions.labels import Matured
from mlops.predictions.reading import Predictions

_FEW = 200  # labelled rows without which calibration is not judged
_SURE, _MATTERS = 3.3, 0.02  # standard errors and gap from which probabilities count as off


def estimate(
    spec: ModelSpec, rows: Predictions, calibration: Calibration = "unchecked", gap: float | None = None
) -> Estimate:
    """Of the rows of a window; `calibration` says whether labels bore the probabilities out so far."""
    if spec.task == "regression":
        return Estimate(
            method="not_known", reason="a regression says nothing of its own errors; wait for labels"
        )
    if len({text(value) for value in rows.prediction}) > 2:
        return Estimate(
            method="not_known", reason="more than two classes are said, one probability is logged"
        )
    known = np.isfinite(rows.probability)
    if not known.any():
        return Estimate(method="not_known", reason="no probabilities are logged in this window")
    p = np.clip(rows.probability[known], 0.0, 1.0)
    said = _positive(spec, rows.prediction[known])
    right = np.where(said, p, 1.0 - p)
    accuracy = math.fsum(right) / len(p)
    error = 1.96 * math.sqrt(math.fsum(p * (1.0 - p))) / len(p)
    hits, claims, all_positive = math.fsum(p[said]), int(said.sum()), math.fsum(p)
    return Estimate(
        method="cbpe",
        reason="" if calibration != "off" else "labels disagree with the probabilities: do not rely on it",
        rows=len(p),
        accuracy=accuracy,
        accuracy_low=max(0.0, accuracy - error),
        accuracy_high=min(1.0, accuracy + error),
        f1=2.0 * hits / (claims + all_positive) if claims + all_positive else None,
        brier=math.fsum(p * (1.0 - p)) / len(p),
        calibration=calibration,
        calibration_gap=gap,
    )


def _positive(spec: ModelSpec, predictions: Any) -> Any:
    return np.array([text(value) == spec.positive for value in predictions], dtype=bool)


def calibrated(spec: ModelSpec, labelled: Matured) -> tuple[Calibration, float | None]:
    """Whether rows whose labels are known were right as often as their probabilities said."""
    known = np.isfinite(labelled.probability)
    if int(known.sum()) < _FEW:
        return "unchecked", None
    p = np.clip(labelled.probability[known], 0.0, 1.0)
    said = labelled.prediction[known]
    right = [text(a) == text(b) for a, b in zip(labelled.labels[known], said, strict=True)]
    promised = np.where(_positive(spec, said), p, 1.0 - p)
    gap = (sum(right) - math.fsum(promised)) / len(p)
    error = math.sqrt(math.fsum(p * (1.0 - p))) / len(p)
    off = abs(gap) > max(_SURE * error, _MATTERS)
    return ("off" if off else "holds"), gap
