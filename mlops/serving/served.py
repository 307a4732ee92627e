"""A model that has proven that it answers: what a slot holds as champion or as challenger."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from mlops.errors import BadInputError
from mlops.models.encoder import Encoder
from mlops.models.loaded import LoadedModel
from mlops.predictions.records import Value

Row = Mapping[str, Any]


class Served:
    """Making one scores a canonical row: BadInputError where the model does not answer as it must."""

    def __init__(self, model: LoadedModel) -> None:
        card = model.card
        self.model, self.card, self.version = model, card, card.version
        encoder = model.encoder
        numbers = [field.name for field in encoder.numbers]
        self.features = (*numbers, *(field.name for field in encoder.categories))
        self.classes = None if card.classes is None else tuple(plain(each) for each in card.classes)
        self.positive: Value = None if self.classes is None else self.classes[1]
        self._labels = {spelt: each for each in self.classes or () for spelt in (each, str(each))}
        self.canonical = canonical_row(encoder)
        self._told = None if card.classes is None else {each: plain(each) for each in card.classes}
        self._score = model.score_row
        self.prove()

    def score(self, row: Row) -> tuple[Value, float | None]:
        """(prediction, probability of the positive class); BadRowError names the field that cannot be scored."""
        said, probability = self._score(row)
        return (said if self._told is None else self._told[said]), probability

    def prove(self) -> None:
        """Score the canonical row."""
        where = f"version {self.version} of {self.card.name!r}"
        try:
            said, probability = self.score(self.canonical)
        except Exception as error:
            raise BadInputError(f"does not answer a plain row: {error}", where=where) from error
        numbers = [each for each in (said, probability) if isinstance(each, float)]
        if not all(map(isfinite, numbers)) or (probability is not None and not 0 <= probability <= 1):
            raise BadInputError(f"answers a plain row with {said}, {probability}", where=where)

    def label(self, said: object) -> Value:
        """A label in the words of the predictions; None where it is no class of this model, or no number."""
        if isinstance(said, bool) or not isinstance(said, str | int | float):
            return None
        if self.classes is not None:
            return self._labels.get(said)
        try:
            return float(said) if not isinstance(said, str) and isfinite(said) else None
        except OverflowError:
            return None


def plain(value: float | str) -> float | int | str:
    """Class 1 of a column of numbers is 1, not 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def canonical_row(encoder: Encoder) -> dict[str, Value]:
    """A row that any model of this encoder answers: the middle of each number, the first word of each category."""
    row: dict[str, Value] = {
        field.name: 0.0 if field.fill is None else field.fill for field in encoder.numbers
    }
    row |= {field.name: field.values[0] if field.values else "" for field in encoder.categories}
    return row
