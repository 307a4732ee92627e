"""How long a service may take to boot, learnt from its boots that came to a good end, with room for what was not seen yet."""

from collections.abc import Sequence
from math import exp, log, sqrt

from msgspec import Struct

KEPT = 16  # the newest
FEWEST = 3  # before they say anything about the next
# The 99 % quantile of Student's t distribution, by degrees of freedom; further on it is nearly the last.
_T99 = (31.82, 6.96, 4.54, 3.75, 3.36, 3.14, 3.0, 2.9, 2.82, 2.76, 2.72, 2.68, 2.65, 2.62, 2.6)
LEAST_SPREAD = 0.05  # of the logarithm: no two boots are alike to the second
MOST_ROOM = 2.0  # times the longest that was seen


class Boots(Struct, frozen=True, gc=False):
    """`usual_s` is the median; with probability 0.99 the next one takes at most `upper_s`."""

    usual_s: float
    upper_s: float
    seen: int


def boots(took_s: Sequence[float]) -> Boots | None:
    """None where too few were seen.

    >>> known = boots([10.0, 11.0, 12.0, 11.5])
    >>> known is not None and (round(known.usual_s, 1), round(known.upper_s, 1))
    (11.1, 16.5)
    """
    if len(took_s) < FEWEST:
        return None
    logs = [log(max(value, 0.001)) for value in took_s]
    mean = sum(logs) / len(logs)
    spread = sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1))
    factor = _T99[min(len(logs) - 1, len(_T99)) - 1] * sqrt(1.0 + 1.0 / len(logs))
    upper_s = exp(mean + factor * max(spread, LEAST_SPREAD))
    longest_s = max(took_s)
    return Boots(exp(mean), min(max(upper_s, longest_s), MOST_ROOM * longest_s), len(took_s))


def tolerated_s(took_s: Sequence[float], declared_s: float, cap_s: float) -> float:
    """For how long a boot is left alone: at least as declared, more where its boots take longer, never over the cap.

    >>> tolerated_s([2.0, 2.1, 2.2], declared_s=20.0, cap_s=300.0)
    20.0
    >>> tolerated_s([25.0, 27.0, 26.0, 25.5], declared_s=20.0, cap_s=30.0)
    30.0
    """
    known = boots(took_s)
    if known is None:
        return declared_s
    return max(declared_s, min(known.upper_s, cap_s))
