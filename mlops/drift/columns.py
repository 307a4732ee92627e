"""What the tests of one column's values say: a p-value for all of them together, and how far it moved."""

import math
from collections import Counter

import numpy as np
from msgspec import Struct

from mlops.drift import categories, ordered
from mlops.drift.arrays import Column, Floats, finite, numbers, texts
from mlops.drift.defaults import Statistic, of_counts, of_numbers
from mlops.drift.distance import wasserstein
from mlops.drift.reference import Described, Reference
from mlops.drift.special import NORMAL, sigmas_apart

# rows that are looked at on their own: old rows would thin out what is new
NEWEST = (256, 512, 1024, 2048, 4096)
_THINNED = 4096  # values of the reference from which the distance of a part of the window is measured
_TOLD = 10  # new categories


class Limits(Struct, frozen=True, kw_only=True):
    min_effect_sigmas: float = 0.1  # anything smaller is no drift, however sure
    detect_sigmas: float = 0.5  # "no drift" is said only where this would have been seen nine times in ten
    min_rows: int = 30  # no drift is said of fewer


class Found(Struct, frozen=True, kw_only=True):
    rows: int  # with a value
    p_value: float = 1.0
    effect: float = 0.0
    moved: bool = False
    needed: float = 0.0  # rows with a value
    statistic: Statistic | None = None
    reason: str = ""
    new: tuple[str, ...] = ()


def of_column(reference: Reference, column: Described, cells: Column, level: float, limits: Limits) -> Found:
    if column.kind == "category":
        return _categories(column, texts(cells), level, limits)
    return _numbers(reference, column, finite(numbers(cells)), level, limits)


def parts(rows: int) -> list[int]:
    """The newest rows that are looked at: all, and some that are fewer.

    >>> parts(20), parts(1200)
    ([20], [1200, 256, 512, 1024])
    """
    return [rows, *(newest for newest in NEWEST if newest < rows)]


# --- numbers ---


def _numbers(reference: Reference, column: Described, values: Floats, level: float, limits: Limits) -> Found:
    if not len(values) or not column.rows:
        return Found(rows=len(values), reason="no values to compare")
    before = reference.ordered(column)
    edges = ordered.cut(before)
    cells = ordered.tally(before, edges)
    sizes = parts(len(values))
    least, found = 1.0, (0.0, "")
    statistic, moved = None, False
    for size in sizes:
        newest = np.sort(values[len(values) - size :])
        p, distance, words = _tests(cells, ordered.tally(newest, edges))
        p = min(1.0, 2.0 * len(sizes) * p)
        if size == len(values):
            statistic = of_numbers(before, newest, column.std)
        if found[1] and p > level and p >= least:
            continue
        effect = _effect(before, newest, distance, column.std, statistic if size == len(values) else None)
        says = p <= level and effect >= limits.min_effect_sigmas
        if (says, -p) > (moved, -least) or not found[1]:
            least, found, moved = p, (effect, f"{words}, newest {size} rows"), says
    needed = ordered.rows_needed(level / 4.0, column.rows, limits.detect_sigmas)
    return Found(
        rows=len(values),
        p_value=least,
        effect=found[0],
        moved=moved,
        needed=needed,
        statistic=statistic,
        reason=found[1],
    )


def _tests(reference: Floats, window: Floats) -> tuple[float, float, str]:
    """(the smaller p-value of the two tests, distance of the distribution functions, in words)."""
    (of_place, superiority), (of_shape, distance) = (
        ordered.place(reference, window),
        ordered.shape(reference, window),
    )
    if of_place <= of_shape:
        return float(of_place), float(distance), "higher" if superiority > 0 else "lower"
    return float(of_shape), float(distance), "another shape"


def _effect(before: Floats, window: Floats, distance: float, std: float, whole: Statistic | None) -> float:
    """The larger of two: where outliers blow up the standard deviation, only ranks see the bulk move."""
    by_rank = sigmas_apart(distance)
    if not std:
        return by_rank
    if whole is not None and whole.name == "wasserstein":
        return max(by_rank, whole.value * max(std, 0.001) / std)
    thin = before
    if len(before) > _THINNED:
        thin = before[((np.arange(_THINNED) + 0.5) * (len(before) / _THINNED)).astype(np.int64)]
    return max(by_rank, wasserstein(thin, window) / std)


# --- categories ---


def _categories(column: Described, cells: list[str], level: float, limits: Limits) -> Found:
    if not cells or not column.rows:
        return Found(rows=len(cells), reason="no values to compare")
    counts = Counter(cells)
    sizes = parts(len(cells))
    least, effect, reason, moved = 1.0, 0.0, "", False
    for size in sizes:
        newest = counts if size == len(cells) else Counter(cells[-size:])
        rows = categories.lumped(column.counts, newest)
        p, distance = categories.p_value(rows)
        p = min(1.0, len(sizes) * p)
        says = p <= level and sigmas_apart(distance) >= limits.min_effect_sigmas
        if (says, -p) > (moved, -least) or not reason:
            least, effect, moved = p, sigmas_apart(distance), says
            reason = f"{_most_moved(rows)}, newest {size} rows"
    levels = len(categories.lumped(column.counts, {}))
    apart = 2.0 * NORMAL.cdf(limits.detect_sigmas / 2.0) - 1.0
    new = sorted((name for name in counts if name not in column.counts), key=lambda name: -counts[name])
    return Found(
        rows=len(cells),
        p_value=least,
        effect=effect,
        moved=moved,
        needed=categories.rows_needed(level / 2.0, levels, column.rows, apart),
        statistic=of_counts(column.counts, counts),
        reason=reason,
        new=tuple(new[:_TOLD]),
    )


def _most_moved(rows: list[tuple[str, int, int]]) -> str:
    m, n = (max(sum(counts), 1) for counts in ([row[1] for row in rows], [row[2] for row in rows]))
    name, before, now = max(rows, key=lambda row: abs(row[1] / m - row[2] / n))
    return f"{name!r} from {before / m:.1%} to {now / n:.1%}"


def more_rows(needed: float, rows: int, missing: float) -> int | None:
    """Further rows of the window until `needed` hold a value; None: never."""
    if math.isinf(needed):
        return None
    return max(1, math.ceil((needed - rows) / (1.0 - missing if missing < 1.0 else 1.0)))
