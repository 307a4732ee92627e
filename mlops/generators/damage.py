"""Damage that is known: what was done to which cell of which line, so that a repair can be held against it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from mlops.errors import BadInputError
from mlops.tables.cells import text_of
from mlops.tables.table import Table
from mlops.tables.writing import write_rows

TOKENS = ("", "n/a", "NA", "nan", "null")
WORDS = ("unknown", "error", "twelve", "12 kg", "?")


class Damage(Struct, frozen=True, kw_only=True):
    """Shares of the cells (of the rows, for duplicates) that are damaged; no cell twice; `spared` columns not at all."""

    missing: float = 0.0
    outliers: float = 0.0
    types: float = 0.0  # words among numbers
    duplicates: float = 0.0
    spared: tuple[str, ...] = ()


class Mark(Struct, frozen=True):
    """One damage: `line` of the file (the header is 1); of a duplicate `before` is the line that it repeats."""

    line: int
    column: str
    kind: Literal["missing", "outlier", "type", "duplicate"]
    before: str
    after: str


class Damaged(Struct, frozen=True):
    """The cells as text, row by row, and what was done to them, by line."""

    names: tuple[str, ...]
    rows: list[list[str]]
    ledger: tuple[Mark, ...]

    def write(self, path: Path) -> None:
        write_rows(path, self.names, iter([self.rows]))


def damage(table: Table, wanted: Damage, seed: int = 0) -> Damaged:
    """A damaged copy; the same one for the same arguments."""
    rng = np.random.default_rng(seed)
    shares = (wanted.missing, wanted.outliers, wanted.types, wanted.duplicates)
    if min(shares) < 0 or sum(shares[:3]) > 1 or wanted.duplicates > 1:
        raise BadInputError(f"shares of damage lie between 0 and 1, together too, not {shares}")
    cells = {name: ["" if text is None else text for text in map(text_of, values.tolist())]
             for name, values in table.columns.items()}  # fmt: skip
    done: list[tuple[int, Mark]] = []
    for name in table.names:
        if name not in wanted.spared:
            done += _column(table, name, cells[name], wanted, rng)
    rows = [list(row) for row in zip(*cells.values(), strict=True)]
    return _with_duplicates(table.names, rows, done, round(wanted.duplicates * table.rows), rng)


def _column(
    table: Table, name: str, texts: list[str], wanted: Damage, rng: np.random.Generator
) -> Iterator[tuple[int, Mark]]:
    number = table.kinds[name] == "number"
    counts = [round(share * table.rows) for share in (wanted.missing, wanted.outliers, wanted.types)]
    places = rng.permutation(np.flatnonzero(~table.missing(name)))
    missing, outliers, types = np.split(places, np.cumsum(counts))[:3]
    for place in missing.tolist():
        yield _mark(texts, place, name, "missing", str(rng.choice(TOKENS)))
    if not number:
        return
    for place, value in zip(outliers.tolist(), _far(table.columns[name], len(outliers), rng), strict=True):
        yield _mark(texts, place, name, "outlier", value)
    for place in types.tolist():
        yield _mark(texts, place, name, "type", str(rng.choice(WORDS)))


def _far(values: "np.ndarray[Any, Any]", count: int, rng: np.random.Generator) -> list[str]:
    """Values 15 to 40 interquartile ranges outside the quartiles, which no tail of these tables reaches."""
    low, high = np.nanquantile(values, (0.25, 0.75)).tolist()
    width = (high - low) or abs(high) or 1.0
    far = rng.uniform(15.0, 40.0, count) * width
    found = np.where(rng.random(count) < 0.5, low - far, high + far)
    return [str(text_of(float(np.round(value, 4)))) for value in found]


def _mark(
    texts: list[str], place: int, name: str, kind: Literal["missing", "outlier", "type"], after: str
) -> tuple[int, Mark]:
    before, texts[place] = texts[place], after
    return place, Mark(0, name, kind, before, after)


def _with_duplicates(
    names: tuple[str, ...],
    rows: list[list[str]],
    done: list[tuple[int, Mark]],
    count: int,
    rng: np.random.Generator,
) -> Damaged:
    """Copies of whole rows, each somewhere after its original; the lines of the ledger are those of the result."""
    originals = np.sort(rng.choice(len(rows), count, replace=False)) if count else np.array([], dtype=int)
    behind = rng.integers(originals + 1, len(rows) + 1)
    copies: dict[int, list[int]] = {}
    for original, before in zip(originals.tolist(), behind.tolist(), strict=True):
        copies.setdefault(before, []).append(original)
    result: list[list[str]] = []
    line_of: dict[int, int] = {}
    ledger = []
    for place in range(len(rows) + 1):
        for original in copies.get(place, ()):
            result.append(rows[original])
            ledger.append(Mark(len(result) + 1, "", "duplicate", str(line_of[original]), ""))
        if place < len(rows):
            result.append(rows[place])
            line_of[place] = len(result) + 1
    ledger += [Mark(line_of[place], mark.column, mark.kind, mark.before, mark.after) for place, mark in done]
    return Damaged(names, result, tuple(sorted(ledger, key=lambda mark: (mark.line, mark.column))))
