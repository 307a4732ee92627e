"""A model ready to score: its card, its encoder and its scorer."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mlops.models.card import THRESHOLD, Card, Class
from mlops.models.encoder import Columns, Encoder
from mlops.models.rows import BadRowError, RowReader

Scores = NDArray[np.float64]
Predictions = NDArray[np.generic]


class Scorer(Protocol):
    """Vectors in; the probability of the positive class or the number itself out."""

    FILE: ClassVar[str]

    def row(self, vector: Sequence[float]) -> float: ...
    def matrix(self, matrix: Scores) -> Scores: ...
    def file(self) -> bytes: ...
    def problem(self, width: int) -> str: ...


class LoadedModel:
    """Predictions are in the words of the target; the probability is that of the positive class, None of a regression."""

    def __init__(self, card: Card, encoder: Encoder, scorer: Scorer) -> None:
        self.card, self.encoder, self.scorer = card, encoder, scorer
        self._read = RowReader(encoder)
        self._row = scorer.row

    @property
    def version(self) -> int:
        return self.card.version

    def score_row(self, row: Mapping[str, Any]) -> tuple[Class, float | None]:
        """BadRowError names the field that cannot be scored."""
        score = self._row(self._read(row))
        if not isfinite(score):
            raise BadRowError(self.card.features[0], "or another field is too large to be scored")
        classes = self.card.classes
        return (score, None) if classes is None else (classes[score >= THRESHOLD], score)

    def score_table(self, table: Columns) -> tuple[Predictions, Scores | None]:
        return self.score_matrix(self.encoder.matrix(table))

    def score_matrix(self, matrix: Scores) -> tuple[Predictions, Scores | None]:
        """Of vectors that the encoder made."""
        scores = self.scorer.matrix(matrix)
        return self.card.told(scores), None if self.card.classes is None else scores
