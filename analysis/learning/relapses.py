"""For how long to verify: learnt from how soon troubles came back after they counted as healed.

>>> seen = [Held(40.0, False), Held(35.0, False), Held(900.0, True), Held(38.0, False)]
>>> factor(seen, verify_s=3.0, most=16)
14
>>> factor(seen[2:3] * 8, verify_s=3.0, most=16)
1
"""

from collections.abc import Sequence
from math import ceil

from msgspec import Struct

KEPT = 16
OLDER = 0.9
COVERED = 0.8  # of the relapses a verification is to see
OFTEN = 0.15  # of the healings have to relapse, at the least that can be said, before verifying takes longer
FEWEST = 2  # relapses


class Held(Struct, frozen=True, gc=False):
    """A healing held for so long, until the trouble came back or for as long as it was of interest."""

    for_s: float
    held: bool


def noted(known: Sequence[Held], one: Held) -> tuple[Held, ...]:
    return (*known, one)[-KEPT:]


def factor(known: Sequence[Held], verify_s: float, most: int) -> int:
    """How many times the usual length of verifying would have seen most of the relapses."""
    weights = [OLDER**age for age in range(len(known))][::-1]
    back = sorted((one.for_s, weight) for one, weight in zip(known, weights, strict=True) if not one.held)
    relapsed, total = sum(weight for _, weight in back), sum(weights)
    if len(back) < FEWEST or relapsed / (total + 2.0) < OFTEN:
        return 1
    seen = 0.0
    for for_s, weight in back:
        seen += weight
        if seen >= COVERED * relapsed:
            return min(max(1, ceil((for_s + verify_s / 2) / verify_s)), most)
    return 1
