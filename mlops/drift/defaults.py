"""The statistic that Evidently's defaults (0.4 to 0.7) take for a column, to 1e-9, without Evidently.

Up to 1,000 reference rows it is a p-value (Kolmogorov-Smirnov; chi-square or z for up to five values and categories),
above that a distance (Wasserstein by the reference's standard deviation; Jensen-Shannon). It is told, never decided by:
these thresholds know nothing of the number of rows, columns and looks.
"""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from mlops.drift.arrays import Floats
from mlops.drift.distance import wasserstein
from mlops.drift.kolmogorov import ks_p_value
from mlops.drift.special import chi_square_tail, normal_two_sided

_FEW_ROWS, _FEW_VALUES = 1000, 5
_P, _DISTANCE = 0.05, 0.1


class Statistic(Struct, frozen=True):
    name: str
    value: float
    threshold: float
    drifted: bool


def of_numbers(reference: Floats, window: Floats, std: float | None = None) -> Statistic | None:
    """For two sorted samples of finite numbers; None where one is empty, for which Evidently raises."""
    if not len(reference) or not len(window):
        return None
    if (values := _few_values(reference, window)) is not None:
        counts = [dict(zip(values, _counts(values, sample), strict=True)) for sample in (reference, window)]
        return of_counts(counts[0], counts[1])
    if len(reference) <= _FEW_ROWS:
        return _p_value("ks", ks_p_value(_ks_distance(reference, window), len(reference), len(window)))
    norm = max(float(np.std(reference)) if std is None else std, 0.001)
    return _distance("wasserstein", wasserstein(reference, window) / norm)


def of_counts(
    reference: Mapping[str, int] | Mapping[float, int], window: Mapping[str, int] | Mapping[float, int]
) -> Statistic | None:
    """For two samples of categories as counts."""
    first: Counter[str | float] = Counter(dict(reference))
    second: Counter[str | float] = Counter(dict(window))
    m, n = first.total(), second.total()
    if not m or not n:
        return None
    keys = sorted((key for key in {*first, *second} if first[key] + second[key]), key=_by_kind)
    if m > _FEW_ROWS:
        return _distance(
            "jensenshannon", _jensen_shannon([first[k] / m for k in keys], [second[k] / n for k in keys])
        )
    if len(keys) > 2:
        return _p_value(
            "chisquare", _chi_square([first[k] * (n / m) for k in keys], [second[k] for k in keys])
        )
    return _p_value(
        "z", 1.0 if len(keys) == 1 else _proportions(m - first[keys[0]], m, n - second[keys[0]], n)
    )


def _by_kind(key: str | float) -> tuple[str, float | str]:
    return type(key).__name__, key


def _p_value(name: str, value: float) -> Statistic:
    return Statistic(name, value, _P, value < _P)


def _distance(name: str, value: float) -> Statistic:
    return Statistic(name, value, _DISTANCE, value >= _DISTANCE)


def _few_values(reference: Floats, window: Floats) -> list[float] | None:
    """All values of both samples where they are at most five: hops from one value to the next."""
    found: set[float] = set()
    for sample in (reference, window):
        at = 0
        while at < len(sample):
            found.add(float(sample[at]))
            if len(found) > _FEW_VALUES:
                return None
            at = int(np.searchsorted(sample, sample[at], "right"))
    return sorted(found)


def _counts(values: list[float], sample: Floats) -> list[int]:
    left, right = (np.searchsorted(sample, values, side) for side in ("left", "right"))
    return [int(count) for count in right - left]


def _ks_distance(reference: Floats, window: Floats) -> float:
    points = np.concatenate([reference, window])
    below = np.searchsorted(reference, points, "right") / len(reference)
    return float(np.abs(below - np.searchsorted(window, points, "right") / len(window)).max())


def _chi_square(expected: list[float], observed: list[int]) -> float:
    if 0.0 in expected:  # a new category
        return 0.0
    x = sum((o - e) ** 2 / e for e, o in zip(expected, observed, strict=True))
    return chi_square_tail(x, len(expected) - 1)


def _proportions(hits: int, m: int, others: int, n: int) -> float:
    pooled = (hits + others) / (m + n)
    return normal_two_sided((hits / m - others / n) / math.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n)))


def _jensen_shannon(one: list[float], other: list[float]) -> float:
    total = 0.0
    for p, q in zip(one, other, strict=True):
        middle = (p + q) / 2
        total += sum(x * math.log(x / middle) for x in (p, q) if x)
    return math.sqrt(max(total, 0.0) / 2)
