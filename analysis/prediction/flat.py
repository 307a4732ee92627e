"""XGBoost's trees as flat arrays, every tree a full binary heap, so that whoever scores a row needs no XGBoost."""

import json
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analysis.prediction.record import Floats, Matrix

Singles = NDArray[np.float32]


class Trees(Struct, frozen=True):
    """`feature`, `cut`, `missing_left`: (trees, inner nodes); `value`: (trees, leaves of the last level)."""

    feature: NDArray[np.intp]
    cut: Singles
    missing_left: NDArray[np.bool_]
    value: Singles
    base: float

    def margins(self, matrix: Matrix) -> Floats:
        """As XGBoost's `output_margin`, but for the last digits of single precision."""
        rows = np.asarray(matrix, np.float32)
        count, inner = self.feature.shape
        tree = np.arange(count)
        found = np.empty(len(rows))
        for number, row in enumerate(rows):
            node = np.zeros(count, np.intp)
            while node[0] < inner:
                values = row[self.feature[tree, node]]
                right = np.where(
                    np.isnan(values), ~self.missing_left[tree, node], values >= self.cut[tree, node]
                )
                node = 2 * node + 1 + right
            found[number] = self.value[tree, node - inner].sum(dtype=np.float64) + self.base
        return found


def flattened(text: str, *, logistic: bool) -> Trees:
    """From XGBoost's JSON; a leaf above the last level is repeated below itself."""
    learner = json.loads(text)["learner"]
    trees = learner["gradient_booster"]["model"]["trees"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    depth = max(1, *map(_depth, trees))
    inner = 2**depth - 1
    found = Trees(
        feature=np.zeros((len(trees), inner), np.intp),
        cut=np.zeros((len(trees), inner), np.float32),
        missing_left=np.zeros((len(trees), inner), bool),
        value=np.zeros((len(trees), inner + 1), np.float32),
        base=float(np.log(base / (1 - base))) if logistic else base,
    )
    for number, tree in enumerate(trees):
        _place(found, number, tree, depth)
    return found


def _place(found: Trees, number: int, tree: dict[str, Any], depth: int) -> None:
    inner = 2**depth - 1
    waiting = [(0, 0, 0)]  # (its node, place in the heap, level)
    while waiting:
        node, place, level = waiting.pop()
        left, right = tree["left_children"][node], tree["right_children"][node]
        if left < 0:
            span = 2 ** (depth - level)
            first = (place + 1) * span - 1 - inner
            found.value[number, first : first + span] = tree["split_conditions"][node]
            continue
        found.feature[number, place] = tree["split_indices"][node]
        found.cut[number, place] = tree["split_conditions"][node]
        found.missing_left[number, place] = tree["default_left"][node]
        waiting += [(left, 2 * place + 1, level + 1), (right, 2 * place + 2, level + 1)]


def _depth(tree: dict[str, Any]) -> int:
    levels = [0] * len(tree["left_children"])
    for node, left in enumerate(tree["left_children"]):  # children stand behind their parents
        if left >= 0:
            levels[left] = levels[tree["right_children"][node]] = levels[node] + 1
    return max(levels)
