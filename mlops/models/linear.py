"""Scores with one dot product: imputation, scaling and regression folded into weights and an intercept."""

from collections.abc import Sequence
from math import exp
from operator import mul
from typing import ClassVar, Self

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray


class Linear(Struct, frozen=True):
    """A logistic one gives the probability of the positive class."""

    weights: tuple[float, ...]
    intercept: float
    logistic: bool

    FILE: ClassVar[str] = "linear.json"

    def row(self, vector: Sequence[float]) -> float:
        total = sum(map(mul, vector, self.weights), self.intercept)
        return sigmoid(total) if self.logistic else total

    def matrix(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = matrix @ np.array(self.weights) + self.intercept
        return sigmoids(totals) if self.logistic else totals

    def file(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def from_file(cls, data: bytes) -> Self:
        return msgspec.json.decode(data, type=cls)

    def problem(self, width: int) -> str:
        """Why it does not fit an encoder of this width, or nothing."""
        return "" if len(self.weights) == width else f"{len(self.weights)} weights for {width} places"


def sigmoid(total: float) -> float:
    """
    >>> sigmoid(0.0), sigmoid(-1e9)
    (0.5, 0.0)
    """
    if total >= 0:
        return 1.0 / (1.0 + exp(-total))
    small = exp(total)
    return small / (1.0 + small)


def sigmoids(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(totals))
    return np.where(totals >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
