"""How many matured samples the gate needs to tell a gain from none."""

import math
from statistics import NormalDist

from msgspec import Struct

from mlops.gate.limits import GateLimits

MOST = 1_000_000_000


class Plan(Struct, frozen=True):
    """A row of the power table: two classifiers that differ in a share of their decisions."""

    f1: float
    prevalence: float
    disagreement: float
    samples: int


def samples_for(gain: float, spread: float, limits: GateLimits) -> int:
    """At how many samples the final look tells a true gain of this size from none with the planned power.

    `gain` and `spread` (standard deviation of one row's part in it) are in the measure's own unit.
    """
    if gain <= 0 or not math.isfinite(spread / gain):
        return MOST
    sigmas = NormalDist().inv_cdf(1 - limits.tail(1, final=True)) + NormalDist().inv_cdf(limits.power)
    needed = min(float(MOST), (sigmas * spread / gain) ** 2)
    return max(limits.min_samples, 10 * math.ceil(needed / 10))


def plan(f1: float, prevalence: float, disagreement: float, limits: GateLimits) -> Plan:
    """Before there is any sample: what the gate will need of models like these."""
    gain = f1 * limits.planned_gain_pct / 100
    return Plan(f1, prevalence, disagreement, samples_for(gain, spread(f1, prevalence, disagreement), limits))


def spread(f1: float, prevalence: float, disagreement: float) -> float:
    """The standard deviation of a row's part in a gain of F1, where as many are decided positive as are.

    Rows on which both models agree add nothing. A decision that differs is worth 2 - F on a positive and F on a
    negative; models differ most near the threshold, where half are positive.

    >>> round(spread(0.7, 0.3, 0.1), 3)
    0.557
    """
    worth = math.sqrt(((2 - f1) ** 2 + f1**2) / 2)
    return worth * math.sqrt(disagreement) / (2 * prevalence)


def power_table(limits: GateLimits) -> list[Plan]:
    """Rows that can be: enough decisions differ for the planned gain, and no more than both models get wrong."""
    planned = limits.planned_gain_pct / 100
    return [
        plan(f1, prevalence, disagreement, limits)
        for prevalence in (0.5, 0.3, 0.1)
        for f1 in (0.5, 0.7, 0.9)
        for disagreement in (0.02, 0.05, 0.1, 0.2)
        if 2 * prevalence * f1 * planned < disagreement < 4 * prevalence * (1 - f1)
    ]
