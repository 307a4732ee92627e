"""Wear: a service whose lives end by themselves at about the same age will end so again."""

from collections.abc import Sequence
from statistics import median

MIN_LIVES = 4
MAX_SPREAD = 0.25  # between the shortest and the longest, as a share of the middle one
MIN_AGE_S = 3600.0  # what lives shorter is broken, not worn
EARLY = 0.95  # of the shortest life


def worn_at_s(ages_s: Sequence[float]) -> float | None:
    """The age before which it should be renewed; None where its ends look like chance.

    Ends by chance (a constant hazard) fall this close together four times in a row about once in seven hundred.

    >>> worn_at_s([36000, 35000, 37000, 36500])
    33250.0
    >>> worn_at_s([36000, 5000, 90000, 36500]), worn_at_s([36000, 35000, 37000]), worn_at_s([60, 61, 62, 60])
    (None, None, None)
    """
    newest = ages_s[-MIN_LIVES:]
    if len(newest) < MIN_LIVES or min(newest) < MIN_AGE_S:
        return None
    if max(newest) - min(newest) > MAX_SPREAD * median(newest):
        return None
    return EARLY * min(newest)
