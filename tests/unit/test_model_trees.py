"""Trees as arrays and as bits: one row gives what a walk through the trees gives."""

import io
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from mlops.errors import BadInputError
from mlops.models.bits import LEAVES, BitTrees, TooManyLeavesError, Tree
from mlops.models.boosted import Boosted
from mlops.models.forest import Forest

WIDTH = 5
THRESHOLDS = (-1.5, 0.0, 0.1, 0.1, 1e-30, 3.0, 16777216.0)


def random_tree(random: Random, depth: int) -> Tree:
    left: list[int] = []
    right: list[int] = []
    feature: list[int] = []
    value: list[float] = []
    missing: list[bool] = []

    def grow(depth: int) -> int:
        node = len(left)
        inner = depth > 0 and random.random() < 0.9
        left.append(-1)
        right.append(-1)
        feature.append(random.randrange(WIDTH) if inner else 0)
        value.append(float(np.float32(random.choice(THRESHOLDS) if inner else random.gauss(0, 1))))
        missing.append(random.random() < 0.5)
        if inner:
            left[node] = grow(depth - 1)
            right[node] = grow(depth - 1)
        return node

    grow(depth)
    return Tree(tuple(left), tuple(right), tuple(feature), tuple(value), tuple(missing))


def walk(trees: Sequence[Tree], base: np.float32, vector: Sequence[float]) -> float:
    """As XGBoost does it: single precision, left where below."""
    total = base
    for tree in trees:
        node = 0
        while tree.left[node] >= 0:
            value = np.float32(vector[tree.feature[node]])
            goes_left = tree.missing_left[node] if np.isnan(value) else value < np.float32(tree.value[node])
            node = tree.left[node] if goes_left else tree.right[node]
        total = total + np.float32(tree.value[node])
    return float(total)


def test_a_row_reaches_the_leaves_that_a_walk_reaches() -> None:
    random = Random(7)
    near = [float(np.float32(threshold)) for threshold in THRESHOLDS]
    values = [
        *near,
        *(np.nextafter(each, -np.inf) for each in near),
        *(np.nextafter(each, np.inf) for each in near),
    ]
    values += [float("nan"), 16777217.0, -5, 4]
    for _ in range(20):
        trees = [random_tree(random, random.choice((0, 1, 3, 6))) for _ in range(random.choice((1, 7, 30)))]
        bits = BitTrees(trees, np.float32(0.25))
        for _ in range(15):
            vector = [float(random.choice(values)) for _ in range(WIDTH)]
            assert bits.margin(vector) == walk(trees, np.float32(0.25), vector)


def test_a_tree_with_64_leaves_fits_and_one_with_65_does_not() -> None:
    def comb(leaves: int) -> Tree:
        left, right, value = [], [], []
        for n in range(leaves - 1):
            left += [2 * n + 1, -1]
            right += [2 * n + 2, -1]
            value += [float(n), float(n)]
        return Tree(
            (*left, -1), (*right, -1), (0,) * (2 * leaves - 1), (*value, -7.0), (True,) * (2 * leaves - 1)
        )

    bits = BitTrees([comb(LEAVES)], np.float32(0))
    assert [bits.margin([at]) for at in (-1.0, 0.0, 61.5, 62.0, 1e30)] == [0, 1, 62, -7, -7]
    with pytest.raises(TooManyLeavesError):
        BitTrees([comb(LEAVES + 1)], np.float32(0))


def forest(**changed: object) -> Forest:
    """Two trees: x0 <= 1 ? (x1 <= 2 ? 1 : 2) : 3, and a leaf of 10."""
    arrays = {
        "feature": [0, 1, 0, 0, 0, 0], "threshold": [1.0, 2.0, 0, 0, 0, 0], "left": [1, 2, 2, 3, 4, 5],
        "right": [4, 3, 2, 3, 4, 5], "value": [0, 0, 1.0, 2.0, 3.0, 10.0], "roots": [0, 5], **changed,
    }  # fmt: skip
    kinds = {"feature": np.int32, "left": np.int32, "right": np.int32, "roots": np.int32}
    buffer = io.BytesIO()
    np.savez(
        buffer, **{name: np.array(each, dtype=kinds.get(name, np.float64)) for name, each in arrays.items()}
    )
    return Forest.from_file(buffer.getvalue())


def test_a_forest_walks_all_its_trees_at_once() -> None:
    rows = [[1.0, 2.0], [1.0, 2.1], [1.1, 0.0], [1.0 + 1e-12, 0.0]]
    assert forest().depth == 2
    assert [forest().row(row) for row in rows] == [5.5, 6.0, 6.5, 5.5]
    assert forest().matrix(np.array(rows)).tolist() == [5.5, 6.0, 6.5, 5.5]
    assert forest().matrix(np.empty((0, 2))).tolist() == []
    again = Forest.from_file(forest().file())
    assert again.matrix(np.array(rows)).tolist() == [5.5, 6.0, 6.5, 5.5]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"left": [1, 0, 2, 3, 4, 5]}, "its trees have no end"),
        ({"right": [4, 9, 2, 3, 4, 5]}, "do not fit one another"),
        ({"value": [1.0]}, "do not fit one another"),
        ({"roots": []}, "do not fit one another"),
    ],
)
def test_a_forest_that_leads_nowhere_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        forest(**changed)


def test_a_forest_that_hides_a_pickle_is_refused() -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        **{
            name: np.array([object()]) for name in ("feature", "threshold", "left", "right", "value", "roots")
        },
    )
    with pytest.raises(BadInputError, match="is no forest"):
        Forest.from_file(buffer.getvalue())
    with pytest.raises(BadInputError, match="is no forest"):
        Forest.from_file(b"\x80\x04cos\nsystem\n.")


def test_a_forest_that_asks_for_more_places_is_told() -> None:
    assert forest().problem(2) == ""
    assert forest().problem(1) == "its trees ask for more than 1 places"


@pytest.mark.parametrize("data", [b"", b"{}", b'{"learner": {"objective": {"name": "rank:ndcg"}}}'])
def test_what_is_no_booster_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(BadInputError, match=r"xgboost\.json: is"):
        Boosted.from_file(data)
