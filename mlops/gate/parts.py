"""Parts of the requests: declared slices, and every region of every feature; all made of bins that do not overlap."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.gate.evidence import Column, Floats

DECLARED_BINS, SEARCHED_BINS, MOST_CATEGORIES = 4, 12, 50

Names = list[str]
Codes = NDArray[np.intp]


class Parts(Struct, frozen=True):
    """`bins` says which rows are in which bin, `runs` which bins make up which part."""

    names: Names
    bins: NDArray[np.float32]  # rows x bins
    runs: NDArray[np.float32]  # parts x bins

    def sums(self, values: NDArray[np.floating[Any]]) -> Floats:
        """The sum of each part's values; of a table of values, column by column."""
        return np.asarray(self.runs @ (self.bins.T @ values), float)

    def kept(self, which: NDArray[np.bool_]) -> "Parts":
        names = [name for name, keep in zip(self.names, which, strict=True) if keep]
        return Parts(names, self.bins, self.runs[which])


def declared(columns: Mapping[str, Column]) -> Parts:
    """Categories as they are, numbers by their quarters, missing values as a part of their own."""
    return _joined([_alone(*_bins(name, column, DECLARED_BINS)) for name, column in columns.items()])


def regions(columns: Mapping[str, Column]) -> Parts:
    """Every run of neighbouring bins of every number, and every category: where a back door could hide."""
    found = []
    for name, column in columns.items():
        names, codes = _bins(name, column, SEARCHED_BINS)
        found.append(_runs(name, names, codes) if column.dtype.kind in "fiub" else _alone(names, codes))
    return _joined(found)


def _joined(parts: list[Parts]) -> Parts:
    if not parts:
        return Parts([], np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
    width = sum(part.bins.shape[1] for part in parts)
    runs = np.zeros((sum(len(part.names) for part in parts), width), np.float32)
    row = column = 0
    for part in parts:
        height, bins = part.runs.shape
        runs[row : row + height, column : column + bins] = part.runs
        row, column = row + height, column + bins
    return Parts([name for part in parts for name in part.names], np.hstack([p.bins for p in parts]), runs)


def _alone(names: Names, codes: Codes) -> Parts:
    return Parts(names, _table(codes, len(names)), np.eye(len(names), dtype=np.float32))


def _runs(name: str, names: Names, codes: Codes) -> Parts:
    """The bin of missing values, where there is one, comes last and is a part of its own."""
    count = len(names)
    ordered = count - (count > 0 and names[-1] == f"{name} missing")
    spans = [(first, last) for first in range(ordered) for last in range(first, ordered)
             if (first, last) != (0, ordered - 1) or ordered == 1]  # fmt: skip
    spans += [(last, last) for last in range(ordered, count)]
    runs = np.array([[first <= at <= last for at in range(count)] for first, last in spans], np.float32)
    return Parts(
        [_between(name, names[first], names[last]) for first, last in spans],
        _table(codes, count),
        runs.reshape(len(spans), count),
    )


def _between(name: str, first: str, last: str) -> str:
    if first == last:
        return first
    return f"{first.partition('..')[0]}..{last.removeprefix(f'{name} ').rpartition('..')[2]}"


def _table(codes: Codes, count: int) -> NDArray[np.float32]:
    return np.asarray(codes[:, None] == np.arange(count), np.float32)


def _bins(name: str, column: Column, most: int) -> tuple[Names, Codes]:
    """The bins' names and each row's bin; -1 for none."""
    if column.dtype.kind not in "fiub":
        return _categories(name, column)
    numbers = column.astype(float)
    finite = np.isfinite(numbers)
    distinct = np.unique(numbers[finite])
    if len(distinct) <= most:
        names, codes = [f"{name} {value:g}" for value in distinct], np.searchsorted(distinct, numbers)
    else:
        edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, most + 1)))
        codes = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
        names = [f"{name} {low:.4g}..{high:.4g}" for low, high in pairwise(edges)]
    if not finite.all():
        names, codes = [*names, f"{name} missing"], np.where(finite, codes, len(names))
    return names, np.asarray(codes, np.intp)


def _categories(name: str, column: Column) -> tuple[Names, Codes]:
    texts = np.array(["missing" if value is None else str(value) for value in column])
    values, codes, counts = np.unique(texts, return_inverse=True, return_counts=True)
    largest = np.sort(np.argsort(-counts, kind="stable")[:MOST_CATEGORIES])
    place = np.full(len(values), -1)
    place[largest] = np.arange(len(largest))
    return [f"{name} {values[at]}" for at in largest], place[codes]
