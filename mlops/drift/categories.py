"""Tests of categories that hold at any number of rows, however rare a category is."""

import math
from collections.abc import Mapping, Sequence

from mlops.drift.ordered import with_reference
from mlops.drift.special import fisher_two_sided

MOST = 12  # categories that are looked at one by one; the others count as one
RARE = 0.01  # of both samples together
REST = "(rare)"
_POWER_Z = 1.2815515655446004

Counts = Mapping[str, int]


def lumped(reference: Counts, window: Counts) -> list[tuple[str, int, int]]:
    """(category, in the reference, in the window); rare ones together.

    What is rare is decided by both samples together. Deciding it by one would bias it: under "never seen in the
    reference" every new identifier looks like drift.
    """
    both = {name: reference.get(name, 0) + window.get(name, 0) for name in {*reference, *window}}
    total = sum(both.values())
    order = sorted(both, key=lambda name: (-both[name], name))
    kept = [name for name in order[:MOST] if both[name] >= RARE * total]
    rows = [(name, reference.get(name, 0), window.get(name, 0)) for name in kept]
    rest = set(order) - set(kept)
    if rest:
        rows.append(
            (REST, sum(reference.get(name, 0) for name in rest), sum(window.get(name, 0) for name in rest))
        )
    return rows


def p_value(rows: Sequence[tuple[str, int, int]]) -> tuple[float, float]:
    """(p-value, total variation distance), both of the lumped table.

    Half of the level goes to Fisher's exact test of each category (a new one, a lost one), half to the distance over
    all: Hoeffding's bound for each set of categories, without replacement, and the sum over the sets (Weissman 2003).
    """
    m, n = (sum(theirs for _, theirs, _ in rows), sum(ours for _, _, ours in rows))
    if not m or not n or len(rows) < 2:
        return 1.0, 0.0
    distance = sum(abs(theirs / m - ours / n) for _, theirs, ours in rows) / 2.0
    tests = 1 if len(rows) == 2 else len(rows)  # the second of two is the first again
    single = min(tests * fisher_two_sided(ours, n, theirs, m) for _, theirs, ours in rows)
    if len(rows) == 2:
        return single, distance
    weight = n * m / (n + m) * m / (m + 1)
    sets = len(rows) * math.log(2.0) - 2.0 * weight * distance**2
    together = math.exp(min(sets, 0.0))
    return min(1.0, 2.0 * min(single, together)), distance


def rows_needed(level: float, categories: int, reference_rows: int, distance: float) -> float:
    """Rows at which a total variation of `distance` is found at `level` nine times in ten."""
    cost = math.log(2.0 / level) + max(categories, 2) * math.log(2.0)
    root = math.sqrt(cost / 2.0) + _POWER_Z / 2.0
    return with_reference((root / distance) ** 2, reference_rows)
