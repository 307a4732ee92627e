"""A bounded sample of reference and window, for pages that people read."""

from collections import Counter

import numpy as np
from msgspec import Struct

from mlops.drift.arrays import Column, finite, numbers, texts
from mlops.drift.reference import Described, Reference

ROWS = 2000


class Pair(Struct, frozen=True):
    """One column: up to `ROWS` values that stand for the reference, up to `ROWS` of the window."""

    name: str
    kind: str
    before: Column
    now: Column


def pairs(reference: Reference, window: dict[str, Column], rows: int = ROWS) -> list[Pair]:
    """Columns that have values on both sides. Rows do not belong together: each column was sampled alone."""
    rng = np.random.default_rng(0)
    found = []
    for column in reference.card.columns:
        cells = window.get(column.name)
        if cells is None or not column.rows:
            continue
        before = _before(reference, column, rows)
        now = _now(column, cells, rows, rng)
        if len(now):
            found.append(Pair(column.name, column.kind, rng.permutation(before), now))
    return found


def _before(reference: Reference, column: Described, rows: int) -> Column:
    count = min(rows, column.rows)
    at = (np.arange(count) + 0.5) / count
    if column.kind == "number":
        return reference.ordered(column)[(at * column.rows).astype(np.int64)]
    ends = np.cumsum(list(column.counts.values()))
    return np.array(list(column.counts), dtype=str)[np.searchsorted(ends, at * column.rows, "right")]


def _now(column: Described, cells: Column, rows: int, rng: np.random.Generator) -> Column:
    values: Column = finite(numbers(cells)) if column.kind == "number" else np.array(texts(cells), dtype=str)
    if len(values) <= rows:
        return values
    return values[np.sort(rng.choice(len(values), rows, replace=False))]


def bars(pair: Pair, most: int = 20) -> tuple[list[str], list[float], list[float]]:
    """(labels, shares before, shares now) of a small histogram."""
    if pair.kind == "category":
        before, now = Counter(pair.before.tolist()), Counter(pair.now.tolist())
        names = sorted({*before, *now}, key=lambda name: (-before[name] - now[name], name))[:most]
        m, n = len(pair.before), len(pair.now)
        return names, [before[name] / m for name in names], [now[name] / n for name in names]
    low, high = np.quantile(np.concatenate([pair.before, pair.now]), [0.005, 0.995])
    edges = np.linspace(low, high if high > low else low + 1.0, most + 1)
    counts = [np.histogram(np.clip(side, low, high), edges)[0] for side in (pair.before, pair.now)]
    labels = [f"{edge:.4g}" for edge in edges[:-1]]
    return labels, (counts[0] / len(pair.before)).tolist(), (counts[1] / len(pair.now)).tolist()
