"""Writes a Table as a CSV file, whole or not at all."""

import contextlib
import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from mlops.errors import BadInputError
from mlops.tables.table import Column, Table

_ROWS = 50_000


def write_table(table: Table, path: Path) -> None:
    """UTF-8 with commas; missing cells are empty, numbers the shortest text that reads back as the same number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.names)
            whole = {name: _whole(table, name) for name in table.names}
            for start in range(0, table.rows, _ROWS):
                part = [
                    _plain(values[start : start + _ROWS], whole[name])
                    for name, values in table.columns.items()
                ]
                writer.writerows(zip(*part, strict=True))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror}", where=path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _whole(table: Table, name: str) -> bool:
    """Whether a column's numbers are all whole, so that they are written without a decimal point."""
    if table.kinds[name] != "number":
        return False
    present = table.columns[name][~table.missing(name)]
    return bool((present == np.floor(present)).all() and (np.abs(present) < 2**53).all())


def _plain(values: Column, whole: bool) -> list[Any]:
    if values.dtype == object:
        return list(values)
    absent = np.isnan(values)
    plain: list[Any] = (np.where(absent, 0.0, values).astype(np.int64) if whole else values).tolist()
    for place in np.flatnonzero(absent).tolist():
        plain[place] = None
    return plain
