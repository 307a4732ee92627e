"""One row through many small trees at once: each feature says which leaves are out of reach, what is left is the leaf.

After QuickScorer (Lucchese et al., SIGIR 2015), with the conjunctions of each feature made beforehand: how many of its
thresholds a value has passed says by one lookup which leaves of every tree it rules out. The leaf that is reached is the
lowest bit that no feature ruled out.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

LEAVES = 64
ALL = (1 << LEAVES) - 1
MAGIC = 0x03F79D71B4CB0A89  # times a power of two, its highest six bits name the power (de Bruijn)


class Tree(Struct, frozen=True):
    """As XGBoost has them: left where the value is below the condition; the value of a leaf stands there too."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    feature: tuple[int, ...]
    value: tuple[float, ...]
    missing_left: tuple[bool, ...]


class Split(Struct, frozen=True):
    tree: int
    feature: int
    threshold: float
    missing_left: bool
    mask: int  # of the leaves that stay in reach where the way goes right


class BitTrees:
    """Threshold by threshold the leaves that stay in reach; the last line of each feature is for a missing value."""

    def __init__(self, trees: Sequence[Tree], base: np.float32) -> None:
        leaves: list[list[float]] = []
        by_feature: dict[int, list[Split]] = defaultdict(list)
        for number, tree in enumerate(trees):
            found: list[float] = []
            for split in _splits(number, tree, 0, found):
                by_feature[split.feature].append(split)
            leaves.append(found)
        self._features: list[tuple[int, int, int, list[float]]] = []  # place, first line, missing, thresholds
        lines: list[NDArray[np.uint64]] = []
        for feature, splits in sorted(by_feature.items()):
            thresholds, made = _lines(splits, len(trees))
            self._features.append((feature, len(lines), len(lines) + len(made) - 1, thresholds))
            lines += made
        self._lines = np.array(lines, dtype=np.uint64).reshape(len(lines), len(trees))
        self._sums = np.full(len(trees) + 1, base, dtype=np.float32)
        self._leaves = np.zeros(len(trees) * LEAVES, dtype=np.float32)
        for number, values in enumerate(leaves):
            for bit, value in enumerate(values):
                self._leaves[number * LEAVES + ((MAGIC << bit & ALL) >> 58)] = value
        self._starts = np.arange(len(trees), dtype=np.uint64) * np.uint64(LEAVES)
        self._everything = np.full(len(trees), ALL, dtype=np.uint64)

    def margin(self, vector: Sequence[float]) -> float:
        """The sum of the leaves and the base, in single precision, tree by tree."""
        chosen = []
        for feature, first, missing, thresholds in self._features:
            value = vector[feature]
            chosen.append(
                first + bisect_right(thresholds, value) if value == value else missing
            )  # NaN differs from itself
        reach = np.bitwise_and.reduce(self._lines[chosen], axis=0) if chosen else self._everything
        lowest = reach & (~reach + _ONE)
        sums = self._sums.copy()
        sums[1:] = self._leaves.take(self._starts + ((lowest * _MAGIC) >> _SHIFT))
        return float(np.add.accumulate(sums)[-1])


_ONE, _MAGIC, _SHIFT = np.uint64(1), np.uint64(MAGIC), np.uint64(58)


class TooManyLeavesError(ValueError):
    """A tree that does not fit into 64 bits."""


def _splits(number: int, tree: Tree, node: int, leaves: list[float]) -> list[Split]:
    """The splits below a node; its leaves are added from the left."""
    if tree.left[node] < 0:
        if len(leaves) == LEAVES:
            raise TooManyLeavesError(f"tree {number} has more than {LEAVES} leaves")
        leaves.append(tree.value[node])
        return []
    first = len(leaves)
    found = _splits(number, tree, tree.left[node], leaves)
    left = ((1 << (len(leaves) - first)) - 1) << first
    threshold = _in_double(tree.value[node])
    found.append(Split(number, tree.feature[node], threshold, tree.missing_left[node], ALL & ~left))
    return found + _splits(number, tree, tree.right[node], leaves)


def _in_double(threshold: float) -> float:
    """The least double that single precision rounds to this threshold or above: comparing needs no rounding then."""
    single = np.float32(threshold)
    middle = (float(np.nextafter(single, np.float32(-np.inf))) + float(single)) / 2
    return middle if np.float32(middle) >= single else float(np.nextafter(middle, np.inf))


def _lines(splits: list[Split], trees: int) -> tuple[list[float], list[NDArray[np.uint64]]]:
    """The thresholds in order, and the leaves in reach after each of them, before the first, and for NaN."""
    line = np.full(trees, ALL, dtype=np.uint64)
    missing = line.copy()
    thresholds: list[float] = []
    lines = [line.copy()]
    for split in sorted(splits, key=lambda each: each.threshold):
        line[split.tree] &= np.uint64(split.mask)
        if not split.missing_left:
            missing[split.tree] &= np.uint64(split.mask)
        if thresholds and thresholds[-1] == split.threshold:
            lines[-1] = line.copy()
        else:
            thresholds.append(split.threshold)
            lines.append(line.copy())
    return thresholds, [*lines, missing]
