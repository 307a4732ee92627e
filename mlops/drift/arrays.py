"""What a column of a window is, and how its parts are told apart."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Column = NDArray[Any]


def numbers(column: Column) -> Floats:
    """A column as float64; what is no finite number becomes NaN, as a missing cell is."""
    if column.dtype == np.float64:
        return column
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    return np.array([_number(cell) for cell in column.tolist()], dtype=np.float64)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def finite(values: Floats) -> Floats:
    """Those that are numbers, in their order; the array itself where all are."""
    mask = np.isfinite(values)
    return values if mask.all() else values[mask]


def checksum(values: Floats) -> int:
    return zlib.crc32(values.data.cast("B")) if len(values) else 0


def texts(column: Column) -> list[str]:
    """The categories that are there, in their order; 1.0 and 1 are the same category."""
    return [_text(cell) for cell in column.tolist() if not _missing(cell)]


def _missing(cell: Any) -> bool:
    return cell is None or cell == "" or (isinstance(cell, float) and cell != cell)


def _text(cell: Any) -> str:
    """
    >>> _text(1.0), _text(True), _text("b")
    ('1', '1', 'b')
    """
    if isinstance(cell, bool):
        return str(int(cell))
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
