"""Paired bootstrap intervals: the same requests are drawn for both models."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlops.gate.evidence import Floats, Sample

DRAWS, MEANS = 20_000, 4_000
AT_ONCE = 4_000_000  # drawn rows in memory
IN_ALL = 16_000_000  # drawn rows per interval of means, about a tenth of a second

Interval = tuple[float, float]


def gain_interval(sample: Sample, tail: float, seed: int) -> Interval:
    """Of the gain of F1 or RMSE (above 0 is better); `tail` lies outside at either end."""
    random = np.random.default_rng(seed)
    drawn = _f1_gains(sample, random) if sample.classifies else _rmse_gains(sample, random)
    return interval(drawn, tail)


def mean_interval(rows: Floats, tail: float, seed: int) -> Interval:
    random = np.random.default_rng(seed)
    return interval(_means(rows[:, None], random)[:, 0], tail)


def interval(drawn: Floats, tail: float) -> Interval:
    """Percentiles; where fewer than ten draws lie outside, the normal interval if that is wider."""
    low, high = (float(edge) for edge in np.quantile(drawn, (tail, 1 - tail)))
    if tail * len(drawn) >= 10:
        return low, high
    middle, reach = float(drawn.mean()), float(drawn.std()) * NormalDist().inv_cdf(1 - tail)
    return min(low, middle - reach), max(high, middle + reach)


def _f1_gains(sample: Sample, random: np.random.Generator) -> Floats:
    """Only the counts of the eight kinds of rows matter, and drawing rows draws those counts as a multinomial."""
    labels, before, after = (
        values.astype(int)
        for values in (sample.labels, sample.champion.prediction, sample.challenger.prediction)
    )
    kinds = np.bincount(labels * 4 + before * 2 + after, minlength=8)
    drawn = random.multinomial(sample.size, kinds / sample.size, DRAWS)
    label, champion, challenger = (np.array([kind >> bit & 1 for kind in range(8)]) for bit in (2, 1, 0))

    def scores(decision: NDArray[np.int_]) -> Floats:
        total = drawn @ (label + decision)
        return np.asarray(2 * (drawn @ (label * decision)) / np.maximum(total, 1), float)

    return scores(challenger) - scores(champion)


def _rmse_gains(sample: Sample, random: np.random.Generator) -> Floats:
    errors = [(each.prediction - sample.labels) ** 2 for each in (sample.champion, sample.challenger)]
    roots = np.sqrt(_means(np.column_stack(errors), random))
    return np.asarray(roots[:, 0] - roots[:, 1], float)


def _means(rows: Floats, random: np.random.Generator) -> Floats:
    """Column means of resampled rows, draw by draw."""
    count = len(rows)
    draws = int(max(1000, min(MEANS, IN_ALL // count)))
    at_once = max(1, AT_ONCE // count)
    parts = [
        rows[random.integers(0, count, (min(at_once, draws - start), count))].mean(axis=1)
        for start in range(0, draws, at_once)
    ]
    return np.concatenate(parts)
