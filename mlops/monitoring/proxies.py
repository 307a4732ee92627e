"""What tells that a model fares badly before any label comes."""

import math
from collections.abc import Iterable

import numpy as np

from config.monitoring import ModelSpec
from mlops.drift.reference import Described, Reference
from mlops.drift.verdict import Verdict, Word
from mlops.monitoring.result import Proxies
from mlops.predictions.columns import text
from mlops.predictions.reading import Predictions

PREDICTION, PROBABILITY = "prediction", "probability"
_UNLOGGED = "the log of predictions does not hold it; the serving process tells it at /monitoring/stats"


def proxies(
    spec: ModelSpec, rows: Predictions, reference: Reference, verdict: Verdict, lookback_h: float
) -> Proxies:
    """All of it from the window and the frozen reference alone."""
    words: dict[str, Word] = {column.name: column.verdict for column in verdict.outputs}
    not_known = {"error_rate": _UNLOGGED, "latency_ms": _UNLOGGED}
    if PREDICTION not in words:
        not_known["prediction_shift"] = "the reference holds no predictions"
    positive, confidence, mean = _answers(spec, rows)
    return Proxies(
        rows=rows.rows,
        rows_per_hour=rows.rows / lookback_h,
        prediction_shift=words.get(PREDICTION),
        probability_shift=words.get(PROBABILITY),
        prediction_mean=mean,
        positive_share=positive,
        positive_share_reference=_positive_before(spec, reference.outputs),
        confidence=confidence,
        missing_share=_mean(column.missing for column in verdict.features),
        missing_share_reference=_mean(column.missing_reference for column in verdict.features),
        not_known=not_known,
    )


def _answers(spec: ModelSpec, rows: Predictions) -> tuple[float | None, float | None, float | None]:
    """(share of positive answers, mean probability of what was said, mean of a regression)."""
    if not rows.rows:
        return None, None, None
    if spec.task == "regression":
        values = rows.prediction
        known = values[np.isfinite(values)] if values.dtype != object else values[:0]
        return None, None, math.fsum(known) / len(known) if len(known) else None
    said = np.array([text(value) == spec.positive for value in rows.prediction], dtype=bool)
    known = np.isfinite(rows.probability)
    right = np.where(said, rows.probability, 1.0 - rows.probability)[known]
    confidence = math.fsum(right) / len(right) if len(right) else None
    return float(said.mean()), confidence, None


def _positive_before(spec: ModelSpec, outputs: Iterable[Described]) -> float | None:
    for column in outputs:
        if column.name == PREDICTION and column.kind == "category" and column.rows:
            return column.counts.get(spec.positive, 0) / column.rows
    return None


def _mean(shares: Iterable[float]) -> float:
    values = list(shares)
    return math.fsum(values) / len(values) if values else 0.0
