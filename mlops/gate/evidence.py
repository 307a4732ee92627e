"""What the gate judges by: matured labels, and what both models said to the same requests."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.errors import BadInputError

Floats = NDArray[np.float64]
Column = NDArray[Any]  # numbers, or text with None for what is missing


class Answers(Struct, frozen=True):
    """What one model said: numbers of a regression, 0 or 1 of a classifier; NaN where it gave no answer."""

    prediction: Floats
    probability: Floats | None = None  # of the positive class


class Evidence(Struct, frozen=True, kw_only=True):
    """Row i of everything is request i; labels of a classifier are 0 and 1."""

    task: Literal["regression", "classification"]
    labels: Floats
    champion: Answers
    challenger: Answers
    slices: Mapping[str, Column] = {}  # declared columns, none of which may get worse
    features: Mapping[str, Column] = {}  # all columns of the requests, searched for leaks and worse regions
    predicted_at: Floats | None = None  # Unix s
    labelled_at: Floats | None = None  # Unix s
    trained_on: NDArray[np.bool_] | None = None  # rows that the challenger has seen in training
    training_slope: tuple[float, float] | None = (
        None  # recalibration slope on its own held-out rows, and its error
    )
    averages: bool = (
        False  # the challenger's probabilities are means over trees, drawn to the middle by nature
    )


class Sample(Struct, frozen=True, kw_only=True):
    """The rows of the evidence that count."""

    task: Literal["regression", "classification"]
    labels: Floats
    champion: Answers
    challenger: Answers
    slices: Mapping[str, Column]
    features: Mapping[str, Column]
    averages: bool
    training_slope: tuple[float, float] | None
    unanswered: int  # by the challenger
    early: int  # labels older than their prediction
    trained_on: int
    offered: int

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def classifies(self) -> bool:
        return self.task == "classification"


def sample(evidence: Evidence) -> Sample:
    """Leave out what cannot count, and count it."""
    _check(evidence)
    labels = np.asarray(evidence.labels, float)
    answered = np.isfinite(np.asarray(evidence.challenger.prediction, float))
    known = np.isfinite(labels) & np.isfinite(np.asarray(evidence.champion.prediction, float))
    early = _early(evidence)
    seen = evidence.trained_on if evidence.trained_on is not None else np.zeros(len(labels), bool)
    kept = np.flatnonzero(answered & known & ~early & ~seen)
    return Sample(
        task=evidence.task,
        labels=labels[kept],
        champion=_rows(evidence.champion, kept),
        challenger=_rows(evidence.challenger, kept),
        slices={name: np.asarray(column)[kept] for name, column in evidence.slices.items()},
        features={name: np.asarray(column)[kept] for name, column in evidence.features.items()},
        averages=evidence.averages,
        training_slope=evidence.training_slope,
        unanswered=int((known & ~answered).sum()),
        early=int((known & early).sum()),
        trained_on=int((known & seen).sum()),
        offered=int(known.sum()),
    )


def _early(evidence: Evidence) -> NDArray[np.bool_]:
    if evidence.predicted_at is None or evidence.labelled_at is None:
        return np.zeros(len(evidence.labels), bool)
    early = np.asarray(evidence.labelled_at, float) < np.asarray(evidence.predicted_at, float)
    return np.asarray(early, bool)


def _rows(answers: Answers, kept: NDArray[np.intp]) -> Answers:
    probability = None if answers.probability is None else np.asarray(answers.probability, float)[kept]
    if probability is not None and not np.isfinite(probability).all():
        probability = None
    return Answers(np.asarray(answers.prediction, float)[kept], probability)


def _check(evidence: Evidence) -> None:
    count = len(evidence.labels)
    columns = {
        "the champion's predictions": evidence.champion.prediction,
        "the champion's probabilities": evidence.champion.probability,
        "the challenger's predictions": evidence.challenger.prediction,
        "the challenger's probabilities": evidence.challenger.probability,
        **{f"slice {name}": column for name, column in evidence.slices.items()},
        **{f"feature {name}": column for name, column in evidence.features.items()},
        "times of predictions": evidence.predicted_at,
        "times of labels": evidence.labelled_at,
        "marks of training": evidence.trained_on,
    }
    for name, column in columns.items():
        if column is not None and len(column) != count:
            raise BadInputError(f"{count} labels, but {len(column)} {name}", where="gate")
    if evidence.task == "classification":
        known = np.asarray(evidence.labels, float)
        if not np.isin(known[np.isfinite(known)], (0.0, 1.0)).all():
            raise BadInputError("labels of a classifier must be 0 and 1", where="gate")
