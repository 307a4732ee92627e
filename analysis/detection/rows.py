"""Rows of metrics as the detector sees them: unit-free, softly bounded, with trailing windows over them."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BOUND = 20.0  # spreads; beyond that all is equally far
LEAST_SHARE = 0.01  # of the usual level: less spread than that is none


class Scale(Struct, frozen=True):
    """What makes metrics of different units comparable."""

    centre: Floats
    spread: Floats

    def of(self, rows: Floats) -> Floats:
        """What is no number counts as usual."""
        far = (rows - self.centre) / self.spread
        far[~np.isfinite(far)] = 0.0
        return soft(far, BOUND)


def scale_of(rows: Floats) -> Scale:
    known = np.where(np.isfinite(rows), rows, np.nan)
    empty = np.isnan(known).all(axis=0)
    known[:, empty] = 0.0
    centre = np.nanmean(known, axis=0)
    floor = np.maximum(LEAST_SHARE * np.abs(centre), 1e-6)
    return Scale(centre, np.maximum(np.nanstd(known, axis=0), floor))


def soft(values: Floats, bound: float) -> Floats:
    return bound * np.tanh(values / bound)


def trailing_mean(rows: Floats, length: int) -> Floats:
    """Mean of the last `length` rows at each row; of those that there are at the beginning."""
    sums = np.cumsum(rows, axis=0)
    means = sums.copy()
    means[length:] -= sums[:-length]
    there = np.minimum(np.arange(1, len(rows) + 1), length).astype(np.float64)
    means /= there.reshape((-1,) + (1,) * (rows.ndim - 1))
    return means


def earlier(rows: Floats, by: int) -> Floats:
    """Each row's predecessor; the first row stands in for what was before it."""
    return (
        np.concatenate([np.repeat(rows[:1], by, axis=0), rows[:-by]])
        if by < len(rows)
        else np.repeat(rows[:1], len(rows), axis=0)
    )


def windows(rows: Floats, length: int) -> Floats:
    """One row each: the `length` rows that end there, flat; the first row stands in for what was before it."""
    padded = np.concatenate([np.repeat(rows[:1], length - 1, axis=0), rows])
    view = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)
    return np.ascontiguousarray(view.transpose(0, 2, 1)).reshape(len(rows), -1)
