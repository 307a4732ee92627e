"""How good a model is on rows that it never saw, with bootstrap intervals.

Every metric is a function of outcomes, scores and weights; a bootstrap sample is a draw of weights. Rows are sorted by
score once, so that a sample's ROC AUC takes no sorting of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.models.card import THRESHOLD, Metric

Numbers = NDArray[np.float64]
Measure = Callable[[Numbers, Numbers, Numbers], float]
SAMPLES = 1000
ROWS_DRAWN = 20_000_000  # in all samples together: large parts need fewer
CONFIDENCE = 0.95


def accuracy(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    return _mean((score >= THRESHOLD) == (outcome == 1), weight)


def f1(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    told, true = score >= THRESHOLD, outcome == 1
    both = weight[told & true].sum()
    total = weight[told].sum() + weight[true].sum()
    return float(2 * both / total) if total else 0.0


def brier(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    return _mean((score - outcome) ** 2, weight)


def roc_auc(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    """Of rows that are sorted by score; NaN with one class. Equal scores count half."""
    positive, negative = weight * outcome, weight * (1 - outcome)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(score) != 0]))
    ups, downs = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
    below = np.cumsum(downs) - downs
    pairs = ups.sum() * downs.sum()
    return float((ups * (below + downs / 2)).sum() / pairs) if pairs else float("nan")


def rmse(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    return float(np.sqrt(_mean((score - outcome) ** 2, weight)))


def mae(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    return _mean(np.abs(score - outcome), weight)


def r2(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    """NaN where all outcomes are the same."""
    spread = _mean((outcome - _mean(outcome, weight)) ** 2, weight)
    return 1 - _mean((score - outcome) ** 2, weight) / spread if spread else float("nan")


def clipped_r2(outcome: Numbers, score: Numbers, weight: Numbers) -> float:
    return float(np.clip(r2(outcome, score, weight), 0.0, 1.0))


def _mean(values: NDArray[Any], weight: Numbers) -> float:
    return float(values @ weight / weight.sum())


MEASURES: Mapping[str, Mapping[str, Measure]] = {
    "classification": {"accuracy": accuracy, "f1": f1, "brier": brier, "roc_auc": roc_auc},
    "regression": {"accuracy": clipped_r2, "r2": r2, "rmse": rmse, "mae": mae},
}


def measure(task: str, outcome: Numbers, score: Numbers, *, seed: int = 0) -> dict[str, Metric]:
    """Every metric that is defined for these rows, with its interval."""
    order = np.argsort(score, kind="stable")
    outcome, score = outcome[order].astype(np.float64), score[order].astype(np.float64)
    once = np.ones(len(outcome))
    values = {name: one(outcome, score, once) for name, one in MEASURES[task].items()}
    defined = {name: one for name, one in MEASURES[task].items() if np.isfinite(values[name])}
    drawn: dict[str, list[float]] = {name: [] for name in defined}
    for weight in draws(len(outcome), seed):
        for name, one in defined.items():
            drawn[name].append(one(outcome, score, weight))
    return {name: Metric(values[name], *interval(np.array(drawn[name]), values[name])) for name in defined}


def draws(rows: int, seed: int) -> "map[Numbers]":
    """Bootstrap samples as how often each row was drawn."""
    rng = np.random.default_rng([seed, rows])
    samples = max(200, min(SAMPLES, ROWS_DRAWN // max(rows, 1)))

    def draw(_: int) -> Numbers:
        return np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)

    return map(draw, range(samples))


def interval(drawn: Numbers, value: float) -> tuple[float, float]:
    """The middle 95 % of what was drawn, the value itself always in it."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return value, value
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail)).tolist()
    return min(low, value), max(high, value)
