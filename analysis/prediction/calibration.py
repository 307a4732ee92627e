"""From scores to probabilities and thresholds, by rows that the model had not seen.

>>> logistic = fit_logistic(np.array([-2.0, -1.0, 1.0, 2.0] * 50), np.array([0.0, 0.0, 1.0, 1.0] * 50), np.ones(200))
>>> probability = logistic.probability(np.array([-2.0, 2.0]))
>>> bool(probability[0] < 0.01), bool(probability[1] > 0.99)
(True, True)
"""

import numpy as np
from msgspec import Struct

from analysis.prediction.record import Floats, Rows

_RIDGE = 1.0
_STEPS = 25
_DRAWS = 400


class Logistic(Struct, frozen=True):
    offset: float
    slope: float

    def probability(self, margins: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-np.clip(self.offset + self.slope * margins, -30, 30))))


def fit_logistic(margins: Floats, truth: Floats, weight: Floats) -> Logistic:
    """Platt's scaling by Newton's method; a weak prior holds the slope where classes part perfectly."""
    share = float(np.average(truth, weights=weight))
    offset, slope = float(np.log(max(share, 1e-6) / max(1 - share, 1e-6))), 0.0
    for _ in range(_STEPS):
        guess = Logistic(offset, slope).probability(margins)
        pull, curve = weight * (truth - guess), weight * guess * (1 - guess) + 1e-9
        gradient = np.array([pull.sum(), (pull * margins).sum() - _RIDGE * slope])
        cross = (curve * margins).sum()
        hessian = np.array([[curve.sum(), cross], [cross, (curve * margins**2).sum() + _RIDGE]])
        move = np.clip(np.linalg.solve(hessian, gradient), -2, 2)
        offset, slope = offset + float(move[0]), slope + float(move[1])
    return Logistic(offset, max(slope, 0.0))


def threshold(scores: Floats, weight: Floats, budget: float) -> float:
    """The lowest at which at most the share `budget` of these healthy rows alarms; just above the score that is too many."""
    order = np.argsort(-scores, kind="stable")
    ordered, share = scores[order], np.cumsum(weight[order]) / weight.sum()
    # rows of the same score alarm together
    last = np.r_[ordered[1:] != ordered[:-1], True]
    fits = np.flatnonzero(last & (share <= budget))
    if len(fits) == 0:
        return float(np.nextafter(ordered[0], np.inf))
    place = fits[-1]
    return float((ordered[place] + ordered[min(place + 1, len(ordered) - 1)]) / 2)


def interval(alarm: Floats, entity: Rows, weight: Floats) -> tuple[float, float]:
    """95 % bootstrap interval of the share of rows that alarm, drawn over entities."""
    alarms = np.bincount(entity, alarm * weight)
    rows = np.bincount(entity, weight)
    drawn = np.random.default_rng(0).integers(0, len(rows), (_DRAWS, len(rows)))
    shares = alarms[drawn].sum(axis=1) / np.maximum(rows[drawn].sum(axis=1), 1e-9)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)
