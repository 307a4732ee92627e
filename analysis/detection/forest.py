"""Isolation Forest as flat arrays: every tree a full binary heap, so that a row goes down all trees at once.

Scores equal scikit-learn's `-score_samples` for the same trees; scikit-learn is needed neither to fit nor to score.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.detection.rows import Floats, Singles

TREES = 50
SAMPLE = 256
TRIES = 4  # features looked at until one is found that is not the same everywhere
AT_ONCE = 512
EULER = 0.5772156649015329


def unsuccessful(count: NDArray[Any] | float) -> Floats:
    """Mean path length of an unsuccessful search in a binary tree of so many samples."""
    n = np.asarray(count, dtype=np.float64)
    above = np.maximum(n, 3.0)
    value = 2.0 * (np.log(above - 1.0) + EULER) - 2.0 * (above - 1.0) / above
    return np.where(n <= 1, 0.0, np.where(n <= 2, 1.0, value))


class Forest:
    def __init__(
        self, feature: NDArray[np.intp], threshold: Floats | Singles, path: Floats | Singles, sample: int
    ) -> None:
        """`feature`, `threshold`: (trees, inner nodes); `path`: (trees, leaves of the last level)."""
        self.trees, self._inner = feature.shape
        self.depth = (self._inner + 1).bit_length() - 1
        self._feature = feature.ravel().astype(np.int16)
        self._threshold, self._path = threshold.ravel(), path.ravel()
        self._roots = np.arange(self.trees) * self._inner
        self._leaves = np.arange(self.trees) * (self._inner + 1)
        self._usual = float(unsuccessful(sample)) * self.trees

    def score(self, rows: Floats) -> Floats:
        """In (0, 1), higher is stranger."""
        found = np.empty(len(rows))
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE].astype(np.float32)
            found[start : start + AT_ONCE] = self._of(part) if len(part) > 1 else self._of_one(part[0])
        return found

    def _of(self, rows: Singles) -> Floats:
        width = rows.shape[1]
        flat = rows.ravel()
        starts = np.arange(len(rows))[:, None] * width
        node = np.zeros((len(rows), self.trees), dtype=np.intp)
        for _ in range(self.depth):
            at = node + self._roots
            right = flat.take(starts + self._feature.take(at)) > self._threshold.take(at)
            node = 2 * node + 1 + right
        path = self._path.take(node - self._inner + self._leaves).sum(axis=1)
        return np.asarray(2.0 ** (-path / self._usual))

    def _of_one(self, row: Singles) -> float:
        node = self._roots
        first = 1 - self._roots
        for _ in range(self.depth):
            right = row.take(self._feature.take(node)) > self._threshold.take(node)
            node = 2 * node + first + right
        path = self._path.take(node - self._roots - self._inner + self._leaves).sum()
        return float(2.0 ** (-path / self._usual))


def grown(rows: Floats, seed: int = 0, trees: int = TREES, sample: int = SAMPLE) -> Forest:
    """A forest of random trees; all trees grow level by level together."""
    rng = np.random.default_rng(seed)
    count = min(sample, len(rows))
    depth = max(int(np.ceil(np.log2(max(count, 2)))), 1)
    inner = 2**depth - 1
    picked = np.concatenate([rng.permutation(len(rows))[:count] for _ in range(trees)])
    tree = np.repeat(np.arange(trees), count)
    node = np.zeros(len(picked), dtype=np.intp)
    feature = np.zeros((trees, inner), dtype=np.intp)
    threshold = np.full((trees, inner), np.inf)
    steps = np.zeros((trees, 2 * inner + 1))
    for _ in range(depth):
        at = tree * inner + node
        chosen, cut, split = _cuts(rows, picked, at, trees * inner, rng)
        feature.ravel()[split] = chosen[split]
        threshold.ravel()[split] = cut[split]
        ended = np.isinf(threshold.ravel()[at])
        right = rows[picked, feature.ravel()[at]] > threshold.ravel()[at]
        before = steps[tree, node]
        node = 2 * node + 1 + right
        steps[tree, node] = np.where(ended, before, before + 1)
    held = np.zeros((trees, 2 * inner + 1))
    np.add.at(held, (tree, node), 1)
    path = steps[:, inner:] + unsuccessful(held[:, inner:])
    return Forest(feature, threshold.astype(np.float32), path.astype(np.float32), count)


def _cuts(
    rows: Floats, picked: NDArray[np.intp], at: NDArray[np.intp], size: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]]:
    """For each node that can be split: a feature and a threshold between its least and greatest value."""
    order = np.argsort(at, kind="stable")
    nodes, starts = np.unique(at[order], return_index=True)
    chosen = np.zeros(size, dtype=np.intp)
    cut = np.full(size, np.inf)
    open_ = np.ones(len(nodes), dtype=bool)
    for _ in range(TRIES):
        tried = rng.integers(0, rows.shape[1], len(nodes))
        expanded = np.repeat(tried, np.diff(np.append(starts, len(at))))
        values = rows[picked[order], expanded]
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        good = open_ & (high > low)
        chosen[nodes[good]] = tried[good]
        cut[nodes[good]] = np.minimum(rng.uniform(low[good], high[good]), np.nextafter(high[good], low[good]))
        open_ &= ~good
    return chosen, cut, nodes[~open_]


def flattened(trees: Sequence[Any], features: Sequence[NDArray[np.intp]], sample: int) -> Forest:
    """From scikit-learn's: the `tree_` of each estimator and its `estimators_features_`."""
    depth = max(int(tree.max_depth) for tree in trees) or 1
    inner = 2**depth - 1
    feature = np.zeros((len(trees), inner), dtype=np.intp)
    threshold = np.full((len(trees), inner), np.inf)
    path = np.zeros((len(trees), inner + 1))
    for number, (tree, names) in enumerate(zip(trees, features, strict=True)):
        waiting = [(0, 0, 0)]  # (its node, place in the heap, level)
        while waiting:
            node, place, level = waiting.pop()
            left, right = int(tree.children_left[node]), int(tree.children_right[node])
            if left < 0:
                span = 2 ** (depth - level)
                first = (place + 1) * span - 1 - inner
                path[number, first : first + span] = level + unsuccessful(tree.n_node_samples[node])
                continue
            feature[number, place] = names[tree.feature[node]]
            threshold[number, place] = tree.threshold[node]
            waiting += [(left, 2 * place + 1, level + 1), (right, 2 * place + 2, level + 1)]
    return Forest(feature, threshold, path, sample)
