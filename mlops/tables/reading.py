"""Reads any CSV file into a Table, or says in one line what is wrong with it and where."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlops.errors import BadInputError
from mlops.tables import cells
from mlops.tables.dialect import Dialect, sniff
from mlops.tables.shape import MOST_COLUMNS, check_rows, header
from mlops.tables.table import Column, Kind, Table, make_table, missing_column

MOSTLY = 0.9  # of the cells with a value: below that a column of numbers is one of categories
_NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def read_table(
    path: Path,
    *,
    target: str | None = None,
    columns: tuple[str, ...] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    delimiter: str | None = None,
) -> Table:
    """The table in a CSV file.

    `columns` reads these alone; `target` must be among them and have a value somewhere. A column is of numbers where
    at least nine tenths of its values are (what is none counts as missing, and a note tells it); `kinds` says it
    instead, for columns whose kind is known. Infinite numbers count as missing. Raises BadInputError.
    """
    dialect = sniff(path, delimiter)
    names = header(path, dialect)
    wanted = columns or names
    for name in (*wanted, *((target,) if target else ())):
        if name not in names:
            raise missing_column(name, names, path)
    if len(wanted) > MOST_COLUMNS:
        raise BadInputError(
            f"{len(wanted):,} columns, at most {MOST_COLUMNS:,} are read at once",
            where=path,
            do=f"name those that matter; the first too many is {wanted[MOST_COLUMNS]!r}",
        )
    if check_rows(path, dialect, len(names)) < 1:
        raise BadInputError("only a header, no rows", where=path, do="a table needs at least one row")
    return _table(path, dialect, names, tuple(wanted), kinds or {}, target)


def _table(
    path: Path,
    dialect: Dialect,
    names: tuple[str, ...],
    wanted: tuple[str, ...],
    kinds: Mapping[str, Kind],
    target: str | None,
) -> Table:
    raw = _parse(
        path, dialect, names, wanted, as_text={name for name in wanted if kinds.get(name) == "category"}
    )
    found: dict[str, Column] = {}
    notes: list[str] = []
    if dialect != Dialect("utf-8", ","):
        notes.append(
            f"read as {dialect.encoding} with {_NAMED.get(dialect.delimiter, dialect.delimiter)} as delimiter"
        )
    for name in wanted:
        found[name], note = _column(raw.pop(name), kinds.get(name))
        notes += [f"column {name!r}: {note}"] if note else []
    table = make_table(
        found, path=path, encoding=dialect.encoding, delimiter=dialect.delimiter, notes=tuple(notes)
    )
    if target and table.missing(target).all():
        raise BadInputError(f"column {target!r}: every cell of the target is missing", where=path)
    if all(table.missing(name).all() for name in wanted):
        raise BadInputError("every cell is missing", where=path)
    return table


def _parse(
    path: Path, dialect: Dialect, names: tuple[str, ...], wanted: tuple[str, ...], as_text: set[str]
) -> dict[str, Column]:
    """Arrays of float64 where every cell is a number or a plain missing token, of text otherwise."""
    import pandas as pd

    def read(columns: tuple[str, ...], text: set[str]) -> dict[str, Column]:
        try:
            frame = pd.read_csv(
                path,
                sep=dialect.delimiter,
                encoding=dialect.encoding,
                header=0,
                names=list(names),
                usecols=list(columns),
                index_col=False,
                dtype=dict.fromkeys(text, object),
                na_values=cells.spellings(),
                keep_default_na=False,
                float_precision="round_trip",
                low_memory=False,
                compression=None,
            )
        except (pd.errors.ParserError, ValueError, OverflowError) as error:
            raise BadInputError(f"cannot be parsed: {str(error).splitlines()[0]}", where=path) from error
        return {name: _array(frame.pop(name)) for name in columns}

    arrays = read(wanted, as_text)
    odd = {name for name, values in arrays.items() if values.dtype.kind == "b" or _is_guessed(values)}
    return {**arrays, **read(tuple(odd), odd)} if odd else arrays


def _is_guessed(values: Column) -> bool:
    """Whether objects are something else than text and NaN: True was a word, a number of forty digits is one."""
    return values.dtype == object and not {*map(type, values.tolist())} <= {str, float}


def _array(series: Any) -> Column:
    if series.dtype.kind in "iuf":
        return np.asarray(series.to_numpy(dtype=np.float64))
    if series.dtype.kind == "b":
        return np.asarray(series.to_numpy())
    return np.asarray(series.astype(object).to_numpy())


def _column(values: Column, kind: Kind | None) -> tuple[Column, str]:
    """The column as numbers or categories, and what is to be told of it."""
    if values.dtype != object:
        return _finite(values, "")
    texts, codes = _distinct(values)
    numbers = [cells.number(text) for text in texts]
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    right = int(counts[[number is not None for number in numbers]].sum()) if texts else 0
    present = int(counts.sum())
    if kind == "number" or (kind is None and right >= MOSTLY * present):
        wrong = [text for text, number in zip(texts, numbers, strict=True) if number is None]
        note = (
            f"{present - right} cells are no numbers and count as missing, such as {wrong[0][:40]!r}"
            if wrong
            else ""
        )
        table = np.array([*(np.nan if number is None else number for number in numbers), np.nan])
        return _finite(table[codes], note)
    words = np.array([*texts, None], dtype=object)
    return words[codes], ""


def _distinct(values: Column) -> tuple[list[str], "np.ndarray[Any, np.dtype[np.intp]]"]:
    """The different texts without the space around them, and for each cell which it is; -1 for missing."""
    places: dict[Any, int] = {}
    codes = np.fromiter(
        (places.setdefault(value, len(places)) for value in values.tolist()), np.intp, len(values)
    )
    known: dict[str, int] = {}
    renamed = []
    for value in places:
        text = value.strip() if isinstance(value, str) else ""
        renamed.append(-1 if cells.is_missing(text) else known.setdefault(text, len(known)))
    return list(known), np.array(renamed, dtype=np.intp)[codes]


def _finite(values: Column, note: str) -> tuple[Column, str]:
    infinite = np.isinf(values)
    if not infinite.any():
        return values, note
    told = f"{int(infinite.sum())} infinite numbers count as missing"
    return np.where(infinite, np.nan, values), f"{note}; {told}" if note else told
