"""Whether a challenger is too good to be true: labels that leaked into what it is given."""

import math

import numpy as np

from mlops.gate.evidence import Column, Floats, Sample
from mlops.gate.finding import Finding, outcome
from mlops.gate.labels import association
from mlops.gate.limits import GateLimits
from mlops.gate.measures import score

MOST_CATEGORIES = 20


def too_good(sample: Sample, limits: GateLimits) -> Finding:
    """Nearly every answer right where the champion's are not, or most of its errors gone at once."""
    before, after = (_skill(sample, score(each)) for each in (sample.champion, sample.challenger))
    ratio = _errors(sample, sample.challenger.prediction) / max(
        _errors(sample, sample.champion.prediction), 1e-12
    )
    certain = after >= limits.leak_auc and after - before >= limits.leak_gap
    gone = ratio < limits.leak_error_ratio
    says = (
        f"the challenger ranks requests by label with {after:.3f}, the champion with {before:.3f};"
        f" it makes {100 * ratio:.0f} % of the champion's errors"
    )
    if certain or gone:
        says += ": too good to be true, the label has leaked into its data"
    error = ratio * _noise(sample)
    return Finding.of(
        "too_good",
        outcome(failed=certain or gone, undecided=ratio - 2 * error < limits.leak_error_ratio),
        says,
        min(ratio, 1e6),
        limits.leak_error_ratio,
    )


def telling_features(sample: Sample) -> Finding:
    """A single feature that knows the label better than the whole champion."""
    champion = _skill(sample, score(sample.champion))
    skills = {name: _skill(sample, numbers) for name, column in sample.features.items()
              if (numbers := as_numbers(column, sample.labels)) is not None}  # fmt: skip
    if not skills:
        return Finding.of("telling_feature", outcome(failed=False), "no features to look at", 0.5, 1.0)
    name = max(skills, key=lambda each: (abs(skills[each] - 0.5), each))
    found = max(skills[name], 1 - skills[name])
    bound = max(0.9, 1 - (1 - champion) / 2)  # half of what the champion still gets wrong
    says = (
        f"feature {name!r} alone ranks requests by label with {found:.3f}, the champion with {champion:.3f}"
    )
    if found >= bound:
        says += ": it holds the label"
    return Finding.of("telling_feature", outcome(failed=found >= bound), says, found, bound)


def _skill(sample: Sample, scores: Floats) -> float:
    return association(sample.labels, scores, classifies=sample.classifies)[0]


def _errors(sample: Sample, predictions: Floats) -> float:
    return float(np.mean((predictions - sample.labels) ** 2))


def _noise(sample: Sample) -> float:
    """The relative standard error of the ratio of errors; of few errors it is large."""
    wrong = [
        float((each.prediction != sample.labels).sum()) if sample.classifies else sample.size / 2
        for each in (sample.champion, sample.challenger)
    ]
    return math.sqrt(sum(1 / max(1.0, each) for each in wrong))


def as_numbers(column: Column, labels: Floats) -> Floats | None:
    """Numbers with the missing ones lowest; categories by how often the label is positive; None where too many."""
    if column.dtype.kind in "fiub":
        numbers = column.astype(float)
        finite = np.isfinite(numbers)
        lowest = float(numbers[finite].min()) - 1 if finite.any() else 0.0
        return np.where(finite, numbers, lowest)
    _, group = np.unique(np.array([str(value) for value in column]), return_inverse=True)
    counts = np.bincount(group)
    if len(counts) > MOST_CATEGORIES:
        return None
    return np.asarray((np.bincount(group, weights=labels) / counts)[group], float)
