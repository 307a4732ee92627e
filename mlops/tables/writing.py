"""Writes a Table as a CSV file, whole or not at all."""

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlops.errors import BadInputError
from mlops.tables.dialect import DELIMITERS
from mlops.tables.table import Column, Table

_ROWS = 50_000


def write_table(table: Table, path: Path, *, replace: bool = True) -> None:
    """UTF-8 with commas; missing cells are empty, numbers the shortest text that reads back as the same number.

    Without `replace` a file that is there already stays. Raises BadInputError where nothing can be written.
    """
    write_rows(path, table.names, _parts(table), replace=replace, quoted=_looks_otherwise(table))


def write_rows(
    path: Path,
    names: tuple[str, ...],
    parts: Iterator[Iterable[Iterable[Any]]],
    *,
    replace: bool = True,
    quoted: bool = False,
) -> None:
    """A header and rows, in parts, beside the file first; None and "" are empty cells. `quoted`: all text is."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(
                file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL
            )
            writer.writerow(names)
            for rows in parts:
                writer.writerows(rows)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(temporary)
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror}", where=path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _parts(table: Table) -> Iterator[Iterable[Iterable[Any]]]:
    whole = {name: _whole(table, name) for name in table.names}
    for start in range(0, table.rows, _ROWS):
        part = [_plain(values[start : start + _ROWS], whole[name]) for name, values in table.columns.items()]
        yield zip(*part, strict=True)


def _looks_otherwise(table: Table) -> bool:
    """Whether bare text might be taken for cells with another delimiter between them."""
    texts = set(table.names)
    for name in table.names:
        if table.kinds[name] == "category":
            texts.update(value for value in table.columns[name].tolist() if value is not None)
    return any(mark in text for mark in DELIMITERS if mark != "," for text in texts)


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
