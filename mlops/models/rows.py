"""One row from outside, a dict, as a vector: quick where all is well, exact about the field where it is not."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan
from operator import itemgetter
from typing import Any

from mlops.errors import BadInputError
from mlops.models.encoder import CategoryField, Encoder, NumberField

_PLAIN = frozenset({float, int})
ABSENT = object()


class BadRowError(BadInputError):
    """A row that cannot be scored; `field` is whose fault that is."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem, where=field)
        self.field, self.problem = field, problem


class RowReader:
    """Fields that no model asked for are left alone."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._numbers = _getter([field.name for field in encoder.numbers])
        self._places: list[tuple[CategoryField, dict[str, int]]] = []
        place = len(encoder.numbers)
        for field in encoder.categories:
            self._places.append((field, {value: place + n for n, value in enumerate(field.values)}))
            place += len(field.values)
        self._hot = encoder.width - len(encoder.numbers)

    def __call__(self, row: Mapping[str, Any]) -> Sequence[float]:
        """The vector, or BadRowError."""
        try:
            numbers = self._numbers(row)
            if not (_PLAIN.issuperset(map(type, numbers)) and all(map(isfinite, numbers))):
                numbers = self._checked(row)
        except (KeyError, OverflowError):
            numbers = self._checked(row)
        return self._with_categories(numbers, row) if self._places else numbers

    def _checked(self, row: Mapping[str, Any]) -> Sequence[float]:
        return [_number(field, row.get(field.name, ABSENT)) for field in self._encoder.numbers]

    def _with_categories(self, numbers: Sequence[float], row: Mapping[str, Any]) -> Sequence[float]:
        vector = [*numbers, *(0.0,) * self._hot]
        for field, places in self._places:
            value = row.get(field.name, ABSENT)
            if type(value) is not str:
                _no_word(field, value)
            elif (place := places.get(value)) is not None:
                vector[place] = 1.0
        return vector


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[float]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _number(field: NumberField, value: Any) -> float:
    if value is ABSENT:
        raise BadRowError(field.name, "is missing")
    if value is None:
        if not field.nullable:
            raise BadRowError(field.name, "is null; it never was in the training")
        return nan if field.fill is None else field.fill
    if isinstance(value, str | bytes | bool) or not hasattr(value, "__float__"):
        raise BadRowError(field.name, f"should be a number, it is {_shown(value)}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadRowError(field.name, f"should be a number, it is {_shown(value)}") from None
    if not isfinite(number):
        raise BadRowError(field.name, f"should be a finite number, it is {number}")
    return number


def _no_word(field: CategoryField, value: Any) -> None:
    if value is ABSENT:
        raise BadRowError(field.name, "is missing")
    if value is not None:
        raise BadRowError(field.name, f"should be a text, it is {_shown(value)}")
    if not field.nullable:
        raise BadRowError(field.name, "is null; it never was in the training")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
