"""True performance from labels, to the last digit the same in whatever order they came."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from config.monitoring import ModelSpec
from mlops.monitoring.result import Figures, Performance
from mlops.places import Places
from mlops.predictions.columns import text
from mlops.predictions.labels import Matured, matured
from mlops.predictions.records import rfc3339


def measure(spec: ModelSpec, places: Places, now: float, labels_s: float) -> tuple[Performance, Matured]:
    """Of all predictions that are at most `labels_s` old and have their label by now."""
    since = now - labels_s
    found = matured(places, spec.name, since, now)
    versions = found.version
    each = {
        str(version): figures(spec, *_rows(found, versions == version))
        for version in sorted({int(v) for v in versions})
    }
    told = Performance(
        measured_at=rfc3339(now),
        since=rfc3339(since),
        until=rfc3339(now),
        figures=figures(spec, found.labels, found.prediction, found.probability),
        by_version=each,
        unlabelled=found.unlabelled,
        conflicting=len(found.tally.conflicting),
        unmatched=found.tally.unmatched,
    )
    return told, found


def figures(spec: ModelSpec, labels: Any, predictions: Any, probabilities: Any) -> Figures:
    """Sums are exact before they are rounded once (math.fsum), so that order changes nothing."""
    if spec.task == "regression":
        return _regression(_floats(labels), _floats(predictions))
    true, said = [text(value) for value in labels], [text(value) for value in predictions]
    return _classification(spec.positive, true, said, [float(p) for p in probabilities])


def _rows(found: Matured, mask: Any) -> tuple[Any, Any, Any]:
    return found.labels[mask], found.prediction[mask], found.probability[mask]


def _floats(values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        return [math.nan] * len(values)


def _classification(
    positive: str, true: Sequence[str], said: Sequence[str], probabilities: Sequence[float]
) -> Figures:
    pairs = list(zip(true, said, strict=True))
    if not pairs:
        return Figures(samples=0)
    hits = sum(label == word for label, word in pairs)
    both = sum(label == word == positive for label, word in pairs)
    either = sum(label == positive for label in true) + sum(word == positive for word in said)
    squares = [
        (p - (label == positive)) ** 2
        for p, label in zip(probabilities, true, strict=True)
        if math.isfinite(p)
    ]
    return Figures(
        samples=len(pairs),
        accuracy=hits / len(pairs),
        f1=2 * both / either if either else None,
        brier=math.fsum(squares) / len(squares) if len(squares) == len(pairs) else None,
    )


def _regression(true: Sequence[float], said: Sequence[float]) -> Figures:
    known = [(y, p) for y, p in zip(true, said, strict=True) if math.isfinite(y) and math.isfinite(p)]
    if not known:
        return Figures(samples=0)
    mean = math.fsum(y for y, _ in known) / len(known)
    errors = math.fsum((y - p) ** 2 for y, p in known)
    spread = math.fsum((y - mean) ** 2 for y, _ in known)
    r2 = 1.0 - errors / spread if spread else None
    return Figures(
        samples=len(known),
        accuracy=None if r2 is None else float(np.clip(r2, 0.0, 1.0)),
        r2=r2,
        mae=math.fsum(abs(y - p) for y, p in known) / len(known),
        rmse=math.sqrt(errors / len(known)),
    )
