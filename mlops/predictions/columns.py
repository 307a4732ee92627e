"""Columns that grow row by row and end as arrays: numbers as float64 with NaN, anything else as text with None."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.predictions.records import Value

Array = NDArray[Any]


def column(values: Sequence[Value]) -> Array:
    """Numbers (and what is missing) become float64 with NaN; where one is a text, all become texts or None.

    >>> column([1, None, True])
    array([ 1., nan,  1.])
    >>> column([1, "rent", None])
    array(['1', 'rent', None], dtype=object)
    """
    try:
        return (
            np.array(values, dtype=np.float64) if not any(type(v) is str for v in values) else texts(values)
        )
    except (TypeError, ValueError, OverflowError):
        return texts(values)


def texts(values: Sequence[Value]) -> Array:
    out = np.empty(len(values), dtype=object)
    out[:] = [None if value is None else text(value) for value in values]
    return out


def text(value: Value) -> str:
    """A class or category by one name, whether it was written 1, 1.0, true or "1"."""
    if isinstance(value, str):
        return value
    number = float(value if value is not None else "nan")
    return str(int(number)) if number.is_integer() else str(number)


class Columns:
    """Gathers dictionaries into columns, block by block so that the dictionaries need not be kept."""

    def __init__(self, block: int = 8192) -> None:
        self._rows: list[dict[str, Value]] = []
        self._blocks: list[dict[str, Array]] = []
        self._sizes: list[int] = []
        self._block = block

    def add(self, row: dict[str, Value]) -> None:
        self._rows.append(row)
        if len(self._rows) >= self._block:
            self._fold()

    def arrays(self) -> dict[str, Array]:
        self._fold()
        names = dict.fromkeys(name for block in self._blocks for name in block)
        return {name: self._joined(name) for name in names}

    def _fold(self) -> None:
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        names = dict.fromkeys(name for row in rows for name in row)
        self._blocks.append({name: column([row.get(name) for row in rows]) for name in names})
        self._sizes.append(len(rows))

    def _joined(self, name: str) -> Array:
        parts = [
            block.get(name, np.full(size, np.nan))
            for block, size in zip(self._blocks, self._sizes, strict=True)
        ]
        if any(part.dtype == object for part in parts):
            parts = [part if part.dtype == object else _as_texts(part) for part in parts]
        return np.concatenate(parts)


def _as_texts(numbers: Array) -> Array:
    return texts([None if value != value else float(value) for value in numbers.tolist()])
