"""How good a way of learning is on the time after what it learnt from, and whether chance would have done as well."""

import numpy as np
from msgspec import Struct

from analysis.prediction.boosted import ROUNDS
from analysis.prediction.learnt import learn
from analysis.prediction.record import Floats, Record, record

LEARNT_SHARE = 0.6  # of the failures, the oldest; the rest is told or not
DRAWS = 999
DAY = 86_400.0


class Forward(Struct, frozen=True):
    """On the later failures. `chance`: how often alarms at random times of the same number tell as many."""

    failures: int
    told: int
    lead: float  # the median, of what was told
    false_per_day: float  # over all entities together
    days: float
    chance: float


def forward(
    samples: Record, horizon: tuple[float, float], budget: float, *, rounds: int = ROUNDS
) -> Forward | None:
    """Learns from the older part and judges on the rest; None where that cannot be done. Times are in seconds."""
    known = np.sort(np.concatenate([*samples.failures, np.zeros(0)]))
    learnt = int(LEARNT_SHARE * len(known))
    if learnt < 1 or learnt >= len(known):
        return None
    cut = float(known[learnt - 1] + known[learnt]) / 2
    model = learn(before(samples, cut), horizon, budget, rounds=rounds, exact=True)
    if model is None:
        return None
    later = np.flatnonzero(samples.t >= cut)
    alarm = np.zeros(len(samples), bool)
    alarm[later] = model.score(samples, later) >= model.threshold
    words = [announced(samples.t[rows][alarm[rows]], horizon[1]) for rows, _ in samples.entities()]
    failures = [own[own >= cut] for own in samples.failures]
    end = float(max(samples.t.max(), known[-1])) + samples.step
    told, leads, false = _judged(words, failures, horizon)
    days = (end - cut) / DAY
    chance = _by_chance(words, failures, horizon, (cut, end), told)
    lead = float(np.median(leads)) if leads else 0.0
    return Forward(len(known) - learnt, told, lead, false / days, days, chance)


def before(samples: Record, cut: float) -> Record:
    """What was known at that time."""
    there = samples.t < cut
    entity = np.repeat(np.arange(len(samples.firsts)), samples.ends - samples.firsts)
    failures = [(n, float(at)) for n, own in enumerate(samples.failures) for at in own if at < cut]
    return record(entity[there], samples.t[there], samples.values[there], samples.names, failures)


def announced(alarms: Floats, quiet: float) -> Floats:
    """The times of those that are said: none while the word before it still holds.

    >>> announced(np.array([0.0, 5.0, 10.0, 11.0]), 10.0).tolist()
    [0.0, 10.0]
    """
    said: list[float] = []
    for at in alarms.tolist():
        if not said or at >= said[-1] + quiet:
            said.append(at)
    return np.array(said)


def _judged(
    words: list[Floats], failures: list[Floats], horizon: tuple[float, float]
) -> tuple[int, list[float], int]:
    """(failures told, how long before, words that came to nothing)."""
    low, high = horizon
    leads: list[float] = []
    false = 0
    for said, own in zip(words, failures, strict=True):
        ahead = own[:, None] - said[None, :]
        true = (ahead > low) & (ahead <= high)
        leads += np.where(true, ahead, 0.0).max(axis=1, initial=0.0)[true.any(axis=1)].tolist()
        false += int((~((ahead > 0) & (ahead <= high)).any(axis=0)).sum())
    return len(leads), leads, false


def _by_chance(
    words: list[Floats],
    failures: list[Floats],
    horizon: tuple[float, float],
    window: tuple[float, float],
    told: int,
) -> float:
    """The share of random shifts in time, each entity's words by one of its own, that tell as many."""
    start, length = window[0], window[1] - window[0]
    random = np.random.default_rng(0)
    as_many = 1
    for _ in range(DRAWS):
        shifts = random.uniform(0, length, len(words))
        shifted = [start + (said - start + by) % length for said, by in zip(words, shifts, strict=True)]
        as_many += _judged(shifted, failures, horizon)[0] >= told
    return as_many / (DRAWS + 1)
