"""What a model is: what it was trained on, how good it was then, by whom it can be judged. Kept as card.json."""

from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Class = int | float | str  # of a target in figures or in words, as it stands in the table
Task = Literal["regression", "classification"]
THRESHOLD = 0.5  # of the probability from which the positive class is told


class Metric(Struct, frozen=True):
    """A figure on the held-out part with its 95 % interval."""

    value: float
    low: float
    high: float


class DataFacts(Struct, frozen=True, kw_only=True):
    """The table a model was trained on, so that the same one can be told later."""

    path: str
    fingerprint: str
    rows: int  # with a target
    trained_rows: int
    held_out_rows: int


class Card(Struct, frozen=True, kw_only=True):
    name: str
    task: Task
    algorithm: str
    target: str
    features: tuple[str, ...]
    classes: tuple[Class, Class] | None = None  # of a classification: the other one, the positive one
    data: DataFacts
    seed: int
    trained_at: str
    seconds: float = 0.0
    metrics: dict[str, Metric]
    parameters: dict[str, float | int | str] = {}
    libraries: dict[str, str] = {}
    notes: tuple[str, ...] = ()  # what a reader should know of this training
    run_id: str = ""  # of the tracked run
    version: int = 0  # given by the registry
    format: int = 1

    @property
    def accuracy(self) -> float:
        """The share that is right, of a regression R² clipped to 0–1, both on the held-out part."""
        return self.metrics["accuracy"].value

    def told(self, scores: NDArray[np.float64]) -> NDArray[np.generic]:
        """Predictions in the words of the target."""
        if self.classes is None:
            return scores
        kind = object if isinstance(self.classes[0], str) else np.float64
        return np.array(self.classes, dtype=kind)[(scores >= THRESHOLD).astype(np.intp)]

    def outcome(self, label: object) -> float | None:
        """A label as 1 (positive), 0 (the other class) or the number itself; None where it is neither."""
        if self.classes is None:
            return _number(label)
        for value, each in zip((0.0, 1.0), self.classes, strict=True):
            if (
                label == each
                or str(label) == str(each)
                or (_number(label) is not None and _number(label) == _number(each))
            ):
                return value
        return None


def _number(label: object) -> float | None:
    try:
        number = float(label)  # type: ignore[arg-type]  # whatever cannot be one is no label
    except (TypeError, ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None
