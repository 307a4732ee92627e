"""Failures that come back at the same time of each period: a nightly job, a backup, a certificate's renewal.

The period is found in the metrics themselves; the probability is how often, at this time of the last periods, a failure
fell into the horizon, shrunk towards the entity's own rate, with younger periods counting more.
"""

import numpy as np

from analysis.prediction.record import Floats, Mask, Record, Rows

PERIODS_KEPT = 7
HALF_LIFE_PERIODS = 5.0
PRIOR_PERIODS = 1.0  # how many periods the entity's own rate weighs
MIN_CORRELATION = 0.2
NEARLY = 0.9  # as good as the best: of a period and its multiples the shortest
MIN_HORIZONS = 4.0  # a period shorter than this is no use to whoever asks for the horizon
MAX_RATE = 0.5
MOST_LAGS = 50_000


def period(samples: Record, horizon: float) -> float | None:
    """The lag at which the metrics resemble themselves most, seen at least three times; None: there is none."""
    shapes: list[Floats] = []
    for rows, _ in samples.entities():
        slots = np.rint((samples.t[rows] - samples.t[rows][0]) / samples.step).astype(np.intp)
        length = int(slots[-1]) + 1
        if not MIN_HORIZONS * horizon / samples.step < length // 3 < MOST_LAGS:
            continue
        shapes += [found for found in _correlations(samples.values[rows], slots, length) if found is not None]
    if not shapes:
        return None
    shortest = min(map(len, shapes))
    mean = np.mean([shape[:shortest] for shape in shapes], axis=0)
    low, most = int(MIN_HORIZONS * horizon / samples.step), shortest // 2
    if low >= most - 1:
        return None
    # a true period shows at its multiples too, and there it is told from its neighbours best
    score = np.array([mean[lag:shortest:lag].mean() for lag in range(low, most)])
    best = int(np.argmax(score >= score.max() * NEARLY))
    best += int(np.argmax(score[best : best + max(low // 2, 1)]))
    inside = 0 < best < len(score) - 1
    return (low + best) * samples.step if inside and score[best] >= MIN_CORRELATION else None


def _correlations(values: Floats, slots: Rows, length: int) -> list[Floats | None]:
    return [_correlation(column, slots, length) for column in values.T]


def _correlation(column: Floats, slots: Rows, length: int) -> Floats | None:
    there = np.isfinite(column)
    if there.sum() < length // 2 or np.ptp(column[there]) <= 0:
        return None
    signal = np.zeros(length)
    spread = column[there].std()
    signal[slots[there]] = np.clip((column[there] - column[there].mean()) / spread, -4, 4)
    end = 2 * length // 3
    power = np.abs(np.fft.rfft(signal, 2 * length)) ** 2
    found = np.fft.irfft(power)[:end] / np.arange(length, length - end, -1)
    return np.asarray(found / max(found[0], 1e-9))


def recurrence(samples: Record, lag: float, horizon: tuple[float, float]) -> Floats:
    """Per row, the probability that a failure falls into the horizon, from the log of failures alone."""
    low, high = horizon
    chance = np.zeros(len(samples))
    for (rows, _), events in zip(samples.entities(), samples.events(), strict=True):
        t = samples.t[rows]
        hits, seen = np.zeros(len(t)), np.zeros(len(t))
        for back in range(1, PERIODS_KEPT + 1):
            weight = 0.5 ** ((back - 1) / HALF_LIFE_PERIODS)
            watched = t + low - back * lag >= t[0]
            hits += weight * (watched & _any(events, t + low - back * lag, t + high - back * lag))
            seen += weight * watched
        # events up to now; the rate of an entity seen for less than a period is mostly the period's
        rate = (np.searchsorted(events, t, side="right") + 0.5) / (t - t[0] + lag) * (high - low)
        chance[rows] = (hits + PRIOR_PERIODS * np.minimum(rate, MAX_RATE)) / (seen + PRIOR_PERIODS)
    return chance


def _any(events: Floats, after: Floats, until: Floats) -> Mask:
    return np.asarray(
        np.searchsorted(events, until, side="right") > np.searchsorted(events, after, side="right")
    )
