"""Two tests of ordered values that hold at any number of rows: one of place, one of shape.

Both work on counts per cell: the points of the reference's quantiles and the gaps between them. Arrays may have leading
axes (features, looks); the last axis is that of cells.

>>> reference = np.arange(1000.0)
>>> edges = cut(reference)
>>> p, _ = place(tally(reference, edges), tally(np.arange(500.0, 800.0), edges))
>>> bool(p < 1e-12)
True
"""

import math

import numpy as np

from mlops.drift.arrays import Floats
from mlops.drift.special import NORMAL

CELLS = 1024
_POWER_Z = NORMAL.inv_cdf(0.9)


def cut(ordered: Floats, cells: int = CELLS) -> Floats:
    """Up to `cells` different values of a sorted sample, evenly spaced by rank."""
    picks = np.linspace(0, len(ordered) - 1, min(cells, len(ordered))).astype(np.int64)
    return np.unique(ordered[picks])


def tally(ordered: Floats, edges: Floats) -> Floats:
    """How many of a sorted sample lie before the first edge, on it, between it and the second ...: 2 k + 1 counts."""
    bounds = np.empty(2 * len(edges), dtype=np.int64)
    bounds[0::2] = np.searchsorted(ordered, edges, "left")
    bounds[1::2] = np.searchsorted(ordered, edges, "right")
    return np.diff(bounds, prepend=0, append=len(ordered)).astype(np.float64)


def place(reference: Floats, window: Floats) -> tuple[Floats, Floats]:
    """(p-value, P(window > reference) - 1/2) of the rank-sum test.

    Without drift U is sub-Gaussian with its own variance nm(n+m+1)/12 at every n and m: its generating function is
    a product of sinh(b)/b over sinh(a)/a, and log(sinh(x)/x) grows in x² by 1/6 at most. Ties and cells only average
    over orders that are equally likely, and so keep the bound 2 exp(-z²/2).
    """
    m, n = reference.sum(axis=-1), window.sum(axis=-1)
    below = np.cumsum(reference, axis=-1) - reference / 2.0
    pairs = np.maximum(n * m, 1.0)
    superiority = (window * below).sum(axis=-1) / pairs - 0.5
    z_squared = superiority**2 * 12.0 * pairs / (n + m + 1.0)
    return np.minimum(1.0, 2.0 * np.exp(-z_squared / 2.0)), superiority


def shape(reference: Floats, window: Floats) -> tuple[Floats, Floats]:
    """(p-value, largest distance of the distribution functions): two-sample Kolmogorov-Smirnov.

    The bound e exp(-2 D² nm/(n+m)) is that of Wei and Dudley (2012). Looking at cells alone can only make D smaller.
    """
    m, n = reference.sum(axis=-1), window.sum(axis=-1)
    gaps = np.cumsum(reference, axis=-1) / np.maximum(m, 1.0)[..., None]
    gaps = gaps - np.cumsum(window, axis=-1) / np.maximum(n, 1.0)[..., None]
    distance = np.abs(gaps).max(axis=-1)
    weight = n * m / np.maximum(n + m, 1.0)
    return np.minimum(1.0, math.e * np.exp(-2.0 * distance**2 * weight)), distance


def rows_needed(level: float, reference_rows: int, sigmas: float) -> float:
    """Rows at which `place` finds a shift of a normal by `sigmas` at `level` nine times in ten; inf: never."""
    superiority = NORMAL.cdf(sigmas / math.sqrt(2.0)) - 0.5
    z = math.sqrt(2.0 * math.log(2.0 / level)) + _POWER_Z
    return with_reference(z**2 / (12.0 * superiority**2), reference_rows)


def with_reference(rows: float, reference_rows: int) -> float:
    """Rows of a window that are worth `rows` beside an endless reference.

    >>> with_reference(200, 1000), with_reference(200, 200)
    (250.0, inf)
    """
    return rows * reference_rows / (reference_rows - rows) if reference_rows > rows else math.inf
