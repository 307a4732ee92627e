"""The first Wasserstein distance of two sorted samples, piece by piece so that a million rows need no second million."""

import numpy as np

from mlops.drift.arrays import Floats

_PIECE = 65_536


def wasserstein(one: Floats, other: Floats) -> float:
    """The area between two empirical distribution functions; both samples sorted and not empty.

    >>> wasserstein(np.array([0.0, 1.0]), np.array([1.0, 2.0])), wasserstein(np.array([0.0]), np.array([1.0, 3.0]))
    (1.0, 2.0)
    """
    with np.errstate(over="ignore"):
        return _same_length(one, other) if len(one) == len(other) else _merged(one, other)


def _same_length(one: Floats, other: Floats) -> float:
    total = 0.0
    for start in range(0, len(one), _PIECE):
        piece = one[start : start + _PIECE] - other[start : start + _PIECE]
        np.abs(piece, out=piece)
        total += float(piece.sum())
    return total / len(one)


def _merged(one: Floats, other: Floats) -> float:
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    total, done, last = 0.0, 0, min(float(longer[0]), float(shorter[0]))
    for start in range(0, len(longer), _PIECE):
        piece = longer[start : start + _PIECE]
        whole = start + _PIECE >= len(longer)
        upto = len(shorter) if whole else int(np.searchsorted(shorter, piece[-1], "right"))
        beside = shorter[done:upto]
        points = np.sort(np.concatenate([[last], piece, beside]))
        here = start + np.searchsorted(piece, points[:-1], "right")
        there = done + np.searchsorted(beside, points[:-1], "right")
        gaps = np.abs(here / len(longer) - there / len(shorter))
        total += float(np.dot(gaps, np.diff(points)))
        done, last = upto, float(points[-1])
    return total
