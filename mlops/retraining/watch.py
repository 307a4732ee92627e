"""The watch over a promoted model: is it worse than the champion before it? A sequential test with its own false-alarm bound.

Bets against "no more of the answers are bad than before": capital that grows with each bad answer and shrinks with each good
one. If the model is no worse, the capital ever reaches 1 / alpha with a chance of at most alpha (Ville), however often it is
looked at, and in whatever order labels come in, since only counts matter.
"""

from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

ALPHA = 0.01  # false alarms per promotion: half is spent on the baseline's own uncertainty
BETS = np.array([0.05, 0.1, 0.2, 0.4, 0.7])  # shares of what may be staked
LEAST = 30  # answers before anything is said
ENOUGH, DAYS = 2000, 14.0  # labelled answers, or days, after which a promotion is settled


class Counts(Struct, frozen=True):
    samples: int
    bad: int

    @property
    def share(self) -> float:
        return self.bad / self.samples if self.samples else 0.0


class Alarm(Struct, frozen=True):
    says: Literal["worse", "watching", "settled"]
    before: float  # share of bad answers
    after: float
    capital: float
    needed: float  # capital at which it is rolled back


def watch(before: Counts, after: Counts, *, alpha: float = ALPHA, days: float = 0.0) -> Alarm:
    """
    >>> watch(Counts(1000, 100), Counts(200, 80)).says, watch(Counts(1000, 100), Counts(200, 22)).says
    ('worse', 'watching')
    """
    needed = 2 / alpha
    capital = _capital(upper_share(before, alpha / 2), after)
    worse = after.samples >= LEAST and capital >= needed
    settled = after.samples >= ENOUGH or days >= DAYS
    return Alarm(
        "worse" if worse else "settled" if settled else "watching",
        before.share,
        after.share,
        round(float(capital), 6),
        needed,
    )


def upper_share(counts: Counts, alpha: float) -> float:
    """What the true share of bad answers before does not exceed but with chance alpha (Hoeffding's bound by Chernoff).

    >>> round(upper_share(Counts(1000, 100), 0.005), 3)
    0.134
    """
    if not counts.samples:
        return 1.0
    low, high = counts.share, 1.0
    bound = np.log(1 / alpha) / counts.samples
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(counts.share, middle) < bound else (low, middle)
    return high


def _divergence(seen: float, true: float) -> float:
    """Kullback and Leibler's, of two coins."""
    true = min(max(true, 1e-12), 1 - 1e-12)
    parts = [seen * np.log(seen / true)] if seen > 0 else []
    parts += [(1 - seen) * np.log((1 - seen) / (1 - true))] if seen < 1 else []
    return float(sum(parts))


def _capital(share: float, after: Counts) -> float:
    if share >= 1.0:
        return 0.0
    share = max(share, 1e-6)
    stakes: NDArray[np.float64] = BETS / share
    grown = after.bad * np.log1p(stakes * (1 - share)) + (after.samples - after.bad) * np.log1p(
        -stakes * share
    )
    return float(np.mean(np.exp(np.minimum(grown, 700))))
