"""Scores with an XGBoost booster in its own JSON: tables by the library, single rows by tables of bits.

Both add the leaves in single precision and in the order of the trees, so that their sums agree to the last bit.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from mlops.errors import BadInputError
from mlops.models.bits import BitTrees, TooManyLeavesError, Tree
from mlops.models.linear import sigmoid, sigmoids

FEW_ROWS = 64  # up to here rows one by one are quicker than the start of the library
LARGEST = float(np.finfo(np.float32).max)
OBJECTIVES = {"binary:logistic": True, "reg:squarederror": False}


class Boosted:
    """The library itself is loaded with the first table, not with the first row."""

    FILE: ClassVar[str] = "xgboost.json"

    def __init__(self, data: bytes) -> None:
        self._data = data
        learner = _learner(data)
        self.logistic = OBJECTIVES[learner["objective"]["name"]]
        self.width = int(learner["learner_model_param"]["num_feature"])
        trees = [_tree(raw) for raw in learner["gradient_booster"]["model"]["trees"]]
        self._bits: BitTrees | None = None
        with suppress(TooManyLeavesError):
            self._bits = BitTrees(trees, _base_margin(learner, logistic=self.logistic))

    def row(self, vector: Sequence[float]) -> float:
        margin = self._bits.margin(vector) if self._bits else self._by_library(np.array([vector]))[0]
        return sigmoid(margin) if self.logistic else margin

    def matrix(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._bits and len(matrix) <= FEW_ROWS:
            margins = np.array([self._bits.margin(vector) for vector in matrix.tolist()], dtype=np.float64)
        else:
            margins = self._by_library(matrix)
        return sigmoids(margins) if self.logistic else margins

    def _by_library(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        small = np.clip(matrix, -LARGEST, LARGEST).astype(np.float32)
        margins: NDArray[np.float32] = self._booster.inplace_predict(small, predict_type="margin")
        return margins.astype(np.float64)

    @cached_property
    def _booster(self) -> Any:
        import xgboost

        return xgboost.Booster(model_file=bytearray(self._data))

    def file(self) -> bytes:
        return self._data

    @classmethod
    def from_file(cls, data: bytes) -> Self:
        return cls(data)

    def problem(self, width: int) -> str:
        """Why it does not fit an encoder of this width, or nothing."""
        return "" if self.width == width else f"trained with {self.width} places, not {width}"


def _learner(data: bytes) -> dict[str, Any]:
    try:
        learner: dict[str, Any] = msgspec.json.decode(data)["learner"]
        if learner["objective"]["name"] not in OBJECTIVES or learner["gradient_booster"]["name"] != "gbtree":
            raise BadInputError("is a booster of another kind", where=Boosted.FILE)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadInputError(f"is no booster: {error}", where=Boosted.FILE) from None
    return learner


def _tree(raw: dict[str, Any]) -> Tree:
    if any(raw.get("split_type", ())):
        raise BadInputError("holds categorical splits, which only the library knows", where=Boosted.FILE)
    return Tree(
        left=tuple(raw["left_children"]),
        right=tuple(raw["right_children"]),
        feature=tuple(raw["split_indices"]),
        value=tuple(raw["split_conditions"]),
        missing_left=tuple(bool(each) for each in raw["default_left"]),
    )


def _base_margin(learner: dict[str, Any], *, logistic: bool) -> np.float32:
    text = learner["learner_model_param"]["base_score"]
    base = np.float32(str(text).strip("[]"))
    # the library's own way through logarithms of single precision
    return -np.log(np.float32(1.0) / base - np.float32(1.0)) if logistic else base
