"""The learnt failure predictor: precursors in the figures, and failures that come back, joined to one probability.

Both are taken for independent dangers: the probability is one minus the product of escaping each. The threshold and what is
promised of it come from rows that the models had not seen: folds by entity where a failure ends it, else by time.
"""

import numpy as np
from msgspec import Struct

from analysis.prediction.boosted import ROUNDS, Boosted, fit_boosted
from analysis.prediction.calibration import Logistic, fit_logistic, interval, threshold
from analysis.prediction.features import Features, scales
from analysis.prediction.record import Floats, Mask, Record, Rows, time_to_failure
from analysis.prediction.recurrence import period, recurrence

FOLDS = 5
SEEDS = 2
HEALTHY_ROWS = 30_000
CHUNK_ROWS = 20_000


class Held(Struct, frozen=True):
    """What was measured on rows that the models had not seen, at the threshold."""

    rows: int
    failures: int
    base_rate: float
    false_rate: float
    false_low: float  # 95 % interval over entities
    false_high: float
    recall: float


class Learnt(Struct, frozen=True):
    """Everything needed to score, as data."""

    names: tuple[str, ...]
    horizon: tuple[float, float]
    scales: tuple[float, ...]
    members: tuple[Boosted, ...]
    logistic: Logistic
    lag: float | None
    threshold: float
    held: Held
    exact: bool = False

    def score(self, samples: Record, rows: Rows | None = None) -> Floats:
        """The probability for each of `rows`, from its entity's rows up to it."""
        wanted = np.arange(len(samples)) if rows is None else rows
        features = Features(samples, np.array(self.scales), self.horizon[1], exact=self.exact)
        parts = [
            _margins(self.members, features, wanted[at : at + CHUNK_ROWS])
            for at in range(0, len(wanted), CHUNK_ROWS)
        ]
        return _joined(
            self.logistic, np.concatenate(parts), _returning(samples, self.lag, self.horizon)[wanted]
        )


class _Sample(Struct, frozen=True):
    """Rows to learn from: all inside a horizon, and as many of the others as are affordable."""

    rows: Rows
    weight: Floats  # how many rows each one stands for
    entity: Rows
    ahead: Floats
    fold: Rows


def learn(
    samples: Record,
    horizon: tuple[float, float],
    budget: float,
    *,
    rounds: int = ROUNDS,
    exact: bool = False,
) -> Learnt | None:
    """None where there is too little to learn from: fewer than three failures, or all of one entity's fold.

    `exact` is for metrics that mostly stand still: counts of events, threads.
    """
    chosen = _choose(samples, horizon)
    inside = _inside(chosen.ahead, horizon)
    if sum(len(failures) for failures in samples.failures) < 3 or len(set(chosen.fold[inside].tolist())) < 2:
        return None
    spread = scales(samples)
    features = Features(samples, spread, horizon[1], exact=exact)
    matrix = features.rows(chosen.rows)
    unseen = np.zeros(len(chosen.rows))
    for fold in range(FOLDS):
        out = chosen.fold == fold
        if out.any():
            fitted = fit_boosted(matrix[~out], chosen.ahead[~out], horizon, seed=0, rounds=rounds)
            unseen[out] = fitted.margins(matrix[out])
    members = tuple(
        fit_boosted(matrix, chosen.ahead, horizon, seed=seed, rounds=rounds) for seed in range(SEEDS)
    )
    logistic = fit_logistic(unseen, inside.astype(float), chosen.weight)
    lag = period(samples, horizon[1])
    scores = _joined(logistic, unseen, _returning(samples, lag, horizon)[chosen.rows])
    level = threshold(scores[~inside], chosen.weight[~inside], budget)
    return Learnt(
        names=samples.names,
        horizon=horizon,
        scales=tuple(spread.tolist()),
        members=members,
        logistic=logistic,
        lag=lag,
        threshold=level,
        held=_held(samples, chosen, inside, scores >= level),
        exact=exact,
    )


def _choose(samples: Record, horizon: tuple[float, float]) -> _Sample:
    ahead = time_to_failure(samples)
    inside = _inside(ahead, horizon)
    # rows near the end count as healthy though their future is not known: without them time itself would tell the classes apart
    healthy = np.flatnonzero(~inside)
    some = np.random.default_rng(0).permutation(healthy)[:HEALTHY_ROWS]
    rows = np.sort(np.concatenate([np.flatnonzero(inside), some]))
    weight = np.where(inside[rows], 1.0, len(healthy) / max(len(some), 1))
    entity = np.repeat(np.arange(len(samples.firsts)), samples.ends - samples.firsts)
    fold = _blocks(samples) if _repairable(samples) else _by_entity(samples, entity)
    return _Sample(rows, weight, entity[rows], ahead[rows], fold[rows])


def _inside(ahead: Floats, horizon: tuple[float, float]) -> Mask:
    return np.asarray((ahead > horizon[0]) & (ahead <= horizon[1]))


def _repairable(samples: Record) -> bool:
    """Whether an entity usually lives on after a failure."""
    after = [samples.t[rows][-1] > at for rows, failures in samples.entities() for at in failures]
    return bool(after) and sum(after) > len(after) / 2


def _blocks(samples: Record) -> Rows:
    """The same stretches of time for all entities."""
    low, high = samples.t.min(), samples.t.max()
    share = (samples.t - low) / max(high - low, 1e-9)
    return np.asarray(np.minimum(share * FOLDS, FOLDS - 1), np.intp)


def _by_entity(samples: Record, entity: Rows) -> Rows:
    """Those that failed are spread evenly."""
    failed = np.array([len(failures) > 0 for failures in samples.failures])
    order = np.random.default_rng(0).permutation(len(failed))
    order = order[np.argsort(~failed[order], kind="stable")]
    fold = np.empty(len(order), np.intp)
    fold[order] = np.arange(len(order)) % FOLDS
    return np.asarray(fold[entity])


def _margins(members: tuple[Boosted, ...], features: Features, rows: Rows) -> Floats:
    matrix = features.rows(rows)
    return np.asarray(np.mean([member.margins(matrix) for member in members], axis=0))


def _returning(samples: Record, lag: float | None, horizon: tuple[float, float]) -> Floats:
    return np.zeros(len(samples)) if lag is None else recurrence(samples, lag, horizon)


def _joined(logistic: Logistic, margins: Floats, returning: Floats) -> Floats:
    return np.asarray(1 - (1 - logistic.probability(margins)) * (1 - returning))


def _held(samples: Record, chosen: _Sample, inside: Mask, alarm: Mask) -> Held:
    false = alarm[~inside].astype(float)
    weight = chosen.weight[~inside]
    low, high = interval(false, chosen.entity[~inside], weight)
    return Held(
        rows=len(samples),
        failures=sum(len(failures) for failures in samples.failures),
        base_rate=float(np.average(inside, weights=chosen.weight)),
        false_rate=float(np.average(false, weights=weight)),
        false_low=low,
        false_high=high,
        recall=float(alarm[inside].mean()),
    )
