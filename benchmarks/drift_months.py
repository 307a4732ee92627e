"""Simulated months without drift, and sudden drifts: how often the decision is wrong, and how soon it is right."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.drift import ordered
from mlops.drift.columns import parts
from mlops.drift.decide import decide
from mlops.drift.freezing import freeze
from mlops.drift.reference import Reference, load_reference

LOOKS = 720
LOOKBACK_H = 24
VALUES = 65_536  # of which a column is made
_VALUES = 0.9  # share of the level that values get where there are no outputs

Floats = NDArray[np.float64]


class Alarms(Struct):
    """Looks with an alarm, and alarms that follow none at the look before."""

    looks: int
    begun: int


def months(
    count: int,
    *,
    per_hour: int,
    features: int = 20,
    reference_rows: int = 10_000,
    cells: int = 128,
    seed: int = 0,
) -> Floats:
    """The smallest p-value over all features of each look of each month, beside a fresh reference each month.

    Looks are hourly, at the last 24 hours and at the newest rows; no effect gate. Both tests look at ranks alone:
    evenly spread numbers stand for every column of many values.
    """
    least = np.ones((count, LOOKS))
    for month in range(count):
        rng = np.random.default_rng((seed, month))
        for _ in range(features):
            least[month] = np.minimum(least[month], _feature(rng, per_hour, reference_rows, cells))
    return least


def alarms(least: Floats, *, per_month: float, features: int = 20) -> Alarms:
    """What a budget makes of the p-values of such months."""
    hit = least <= per_month / LOOKS * _VALUES / features
    begun = hit & ~np.pad(hit, ((0, 0), (1, 0)))[:, :-1]
    return Alarms(int(hit.sum()), int(begun.sum()))


def _feature(rng: np.random.Generator, per_hour: int, reference_rows: int, cells_wanted: int) -> Floats:
    """The p-value of each look of a month at one feature."""
    reference = np.sort(rng.integers(0, VALUES, reference_rows)).astype(np.float64)
    edges = ordered.cut(reference, cells_wanted)
    cells = ordered.tally(reference, edges)
    window = per_hour * LOOKBACK_H
    sizes = parts(window)
    ends = window + per_hour * np.arange(LOOKS)
    starts = np.array([ends - size for size in sizes])
    marks = np.unique(np.concatenate([starts.ravel(), ends]))
    counted = _counted_upto(rng.integers(0, VALUES, int(marks[-1]), dtype=np.uint16), edges, marks)
    at = counted[np.searchsorted(marks, ends)]
    least = np.ones(LOOKS)
    for start in starts:
        part = at - counted[np.searchsorted(marks, start)]
        least = np.minimum(least, np.minimum(ordered.place(cells, part)[0], ordered.shape(cells, part)[0]))
    return np.minimum(1.0, 2.0 * len(sizes) * least)


def _counted_upto(rows: NDArray[np.uint16], edges: Floats, marks: NDArray[np.int64]) -> Floats:
    """Counts per cell of all rows before each mark."""
    width = 2 * len(edges) + 1
    values = np.arange(VALUES)
    cell_of = np.searchsorted(edges, values, "left") + np.searchsorted(edges, values, "right")
    lengths = np.diff(marks, prepend=0)
    step = np.repeat(np.arange(len(marks)) * width, lengths)
    counts = np.bincount(step + cell_of[rows], minlength=len(marks) * width)
    return np.cumsum(counts.reshape(len(marks), width), axis=0).astype(np.float64)


def found_within(
    folder: Path, trials: int, *, sigmas: float, rows: int, per_hour: int, reference_rows: int, seed: int = 0
) -> float:
    """Share of sudden shifts of one feature of twenty that a look within the next `rows` rows finds."""
    rng = np.random.default_rng(seed)
    level = 0.1 / LOOKS / 20
    old = per_hour * LOOKBACK_H
    found = 0
    for trial in range(trials):
        reference = _frozen(folder / f"{trial}.npz", rng.standard_normal(reference_rows))
        stream = rng.standard_normal(old + rows)
        stream[old:] += sigmas
        found += any(
            decide(reference, {"x": stream[end - old : end]}, level).verdict == "drift"
            for end in _looks(old, rows, per_hour)
        )
    return found / trials


def _looks(old: int, rows: int, per_hour: int) -> Iterator[int]:
    yield from range(old + per_hour, old + rows + 1, per_hour) if per_hour <= rows else [old + rows]


def _frozen(path: Path, values: Floats) -> Reference:
    freeze(path, {"x": values}, {}, model="m", source="benchmark", created_at="")
    return load_reference(path)
