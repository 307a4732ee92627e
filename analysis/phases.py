"""Fixed-rate schedules with spread phases, so that many services are never looked at in one instant.

Phases lie on a grid: to wake up eight times a second for six services each costs half of waking up fifty times.

>>> next_slot(0.5, 10.0, now=12.0)
15.0
>>> next_slot(0.5, 10.0, now=47.0, last=15.0)
55.0
"""

from functools import lru_cache
from hashlib import blake2b
from math import floor, inf

GRID_S = 0.125
_SLOTS = 8  # an interval that has fewer places on the grid is spread freely
_ROUNDING = 1e-6  # of an interval: a timer may fire a hair before its slot


@lru_cache(maxsize=1024)
def phase(name: str) -> float:
    """A fraction of the interval in [0, 1) that is the same for a name in every run."""
    digest = blake2b(name.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2.0**53


def next_slot(fraction: float, interval_s: float, now: float, last: float = -inf) -> float:
    """The first slot after `now` and after `last`, the slot taken before.

    The k-th slot is at (fraction + k) * interval: slots do not drift with the time that the work takes, and those
    that were missed are skipped.
    """
    after = max(now, last)
    return (floor(after / interval_s - fraction + _ROUNDING) + 1 + fraction) * interval_s


def slot_of(name: str, interval_s: float, now: float, last: float = -inf) -> float:
    """`next_slot` with the phase that belongs to a name.

    >>> slot_of("shop", 10.0, now=0.0), slot_of("shop", 1.0, now=7.0)
    (3.25, 7.25)
    """
    fraction = phase(name)
    if interval_s >= _SLOTS * GRID_S:
        fraction = floor(fraction * interval_s / GRID_S) * GRID_S / interval_s
    return next_slot(fraction, interval_s, now, last)
