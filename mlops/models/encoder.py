"""Turns rows and tables into vectors: numbers first, then one place for each known value of a category.

A missing number becomes the median of the training (or stays missing where the algorithm has a way of its own with it).
A category that is missing or was never seen has no place: all of its places are zero.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.errors import BadInputError

Matrix = NDArray[np.float64]


class Columns(Protocol):
    """What an encoder needs of a table: arrays of float64 (NaN is missing) or of objects (None is missing)."""

    @property
    def columns(self) -> Mapping[str, NDArray[np.generic]]: ...
    @property
    def kinds(self) -> Mapping[str, Literal["number", "category"]]: ...
    @property
    def rows(self) -> int: ...
    @property
    def path(self) -> Path | str: ...


class NumberField(Struct, frozen=True):
    name: str
    fill: float | None  # for what is missing; None: it stays missing
    nullable: bool  # it was missing in the training too


class CategoryField(Struct, frozen=True):
    name: str
    values: tuple[str, ...]
    nullable: bool


class Encoder(Struct, frozen=True):
    numbers: tuple[NumberField, ...]
    categories: tuple[CategoryField, ...]

    @property
    def width(self) -> int:
        return len(self.numbers) + sum(len(field.values) for field in self.categories)

    @property
    def places(self) -> tuple[str, ...]:
        """What each place of the vector means."""
        numbers = [field.name for field in self.numbers]
        return (*numbers, *(f"{field.name}={value}" for field in self.categories for value in field.values))

    def matrix(self, table: Columns) -> Matrix:
        """All rows of a table; BadInputError names the column that does not fit."""
        matrix = np.zeros((table.rows, self.width))
        for place, number in enumerate(self.numbers):
            matrix[:, place] = _numbers(table, number)
        place = len(self.numbers)
        for category in self.categories:
            values = column(table, category.name, "category")
            for value in category.values:
                matrix[:, place] = values == value
                place += 1
        return matrix


def column(table: Columns, name: str, kind: Literal["number", "category"]) -> NDArray[np.generic]:
    """One column of a table, or BadInputError where it is absent or of another kind."""
    if name not in table.columns:
        raise BadInputError(f"has no column {name!r}", where=table.path, do="the model was trained with it")
    values = table.columns[name]
    if table.kinds[name] == kind:
        return values
    if kind == "number" and any(value is not None for value in values):
        bad = next(str(value) for value in values if value is not None)
        raise BadInputError(f"column {name!r} should hold numbers, it holds {bad!r}", where=table.path)
    if kind == "category" and not np.isnan(values.astype(np.float64)).all():
        raise BadInputError(f"column {name!r} should hold words, it holds numbers", where=table.path)
    return np.full(table.rows, np.nan) if kind == "number" else np.full(table.rows, None)


def _numbers(table: Columns, field: NumberField) -> Matrix:
    values = column(table, field.name, "number").astype(np.float64)
    if np.isinf(values).any():
        raise BadInputError(
            f"column {field.name!r} holds an infinite number", where=table.path, do="repair it first"
        )
    return values if field.fill is None else np.where(np.isnan(values), field.fill, values)
