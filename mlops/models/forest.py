"""A random forest flattened into arrays: all trees walk down together, one level at a time."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.errors import BadInputError

CHUNK_ROWS = 2048
ARRAYS = {
    "feature": np.int32, "threshold": np.float64, "left": np.int32, "right": np.int32,
    "value": np.float64, "roots": np.int32,
}  # fmt: skip


class Forest(Struct, frozen=True):
    """Nodes of all trees behind one another; a leaf is its own child, so that walking on stays there."""

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]  # the probability of the positive class, or the number
    roots: NDArray[np.int32]
    depth: int

    FILE: ClassVar[str] = "forest.npz"

    def row(self, vector: Sequence[float]) -> float:
        values = _single(np.array(vector, dtype=np.float64))
        node = self.roots
        for _ in range(self.depth):
            goes_left = values.take(self.feature.take(node)) <= self.threshold.take(node)
            node = np.where(goes_left, self.left.take(node), self.right.take(node))
        return float(_average(self.value.take(node)[:, None])[0])

    def matrix(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = [
            self._walk(_single(matrix[at : at + CHUNK_ROWS])) for at in range(0, len(matrix), CHUNK_ROWS)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def _walk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.arange(len(values))
        node = np.broadcast_to(self.roots[:, None], (len(self.roots), len(values)))
        for _ in range(self.depth):
            goes_left = values[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return _average(self.value[node])

    def file(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{name: getattr(self, name) for name in ARRAYS})
        return buffer.getvalue()

    @classmethod
    def from_file(cls, data: bytes) -> Self:
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                arrays = {name: np.ascontiguousarray(file[name]) for name in ARRAYS}
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise BadInputError(f"is no forest: {error}", where=cls.FILE) from None
        if [str(arrays[name].dtype) for name in ARRAYS] != [np.dtype(kind).name for kind in ARRAYS.values()]:
            raise BadInputError("is no forest: its arrays are of other types", where=cls.FILE)
        return cls(**arrays, depth=_depth(arrays))

    @classmethod
    def from_sklearn(cls, forest: Any) -> Self:
        """The same trees; of a classifier the share of its second class."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ARRAYS if name != "roots"}
        for start, tree in zip(starts, trees, strict=False):
            itself = np.arange(start, start + tree.node_count)
            leaf = tree.children_left < 0
            parts["feature"].append(np.where(leaf, 0, tree.feature))
            parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
            parts["left"].append(np.where(leaf, itself, tree.children_left + start))
            parts["right"].append(np.where(leaf, itself, tree.children_right + start))
            shares = tree.value[:, 0, :]
            parts["value"].append(
                shares[:, 1] / shares.sum(axis=1) if hasattr(forest, "classes_") else shares[:, 0]
            )
        arrays = {name: np.concatenate(part).astype(ARRAYS[name]) for name, part in parts.items()}
        arrays["roots"] = starts[:-1].astype(np.int32)
        return cls(**arrays, depth=_depth(arrays))

    def problem(self, width: int) -> str:
        """Why it does not fit an encoder of this width, or nothing."""
        beyond = int(self.feature.max(initial=-1)) >= width
        return f"its trees ask for more than {width} places" if beyond else ""


def _single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """scikit-learn compares numbers of single precision with thresholds of double precision."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _average(values: NDArray[np.float64]) -> NDArray[np.float64]:
    totals: NDArray[np.float64] = np.add.accumulate(values, axis=0)[-1]
    return totals / len(values)


def _depth(arrays: Mapping[str, NDArray[Any]]) -> int:
    """How many steps until every tree stands at a leaf; BadInputError where some never does."""
    left, right, roots = arrays["left"], arrays["right"], arrays["roots"]
    nodes = len(left)
    sizes = {len(arrays[name]) for name in ARRAYS if name != "roots"}
    links = np.concatenate([left, right, roots])
    if len(sizes) != 1 or not nodes or not len(roots) or links.min() < 0 or links.max() >= nodes:
        raise BadInputError("is no forest: its arrays do not fit one another", where=Forest.FILE)
    level, depth = np.unique(roots), 0
    while len(inner := level[(left[level] != level) | (right[level] != level)]):
        level = np.unique(np.concatenate([left[inner], right[inner]]))
        depth += 1
        if depth > nodes:
            raise BadInputError("is no forest: its trees have no end", where=Forest.FILE)
    return depth
