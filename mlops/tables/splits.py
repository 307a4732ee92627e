"""Cuts a table into the part that a model learns from and the part that it is judged by."""

from typing import Any, Literal, Protocol

import numpy as np
from msgspec import Struct

from mlops.errors import BadInputError
from mlops.tables.table import Column, Table


class Wanted(Protocol):
    """What of a model's specification decides on the split (config.monitoring.ModelSpec)."""

    @property
    def task(self) -> Literal["regression", "classification"]: ...
    @property
    def target(self) -> str: ...
    @property
    def time_column(self) -> str | None: ...
    @property
    def held_out(self) -> float: ...


class Split(Struct, frozen=True):
    train: Table
    held_out: Table


def split(table: Table, spec: Wanted, *, seed: int = 0) -> Split:
    """The newest rows are held out where a time column is declared, else a random part, of each class its share.

    Rows without a target are in neither part. Raises BadInputError where nothing could be learnt or judged.
    """
    usable = np.flatnonzero(~table.missing(spec.target))
    where = f"{table.path}: column {spec.target!r}"
    if len(usable) < 10:
        raise BadInputError(f"{len(usable)} rows have a target, at least 10 are needed", where=where)
    classes = table.texts(spec.target)[usable] if spec.task == "classification" else None
    if classes is not None and len(set(classes)) < 2:
        raise BadInputError(f"only one class, {classes[0]!r}", where=where, do="nothing can be told apart")
    if spec.time_column:
        held = usable[_newest(table, spec.time_column, usable, spec.held_out)]
    else:
        held = usable[_random(len(usable), classes, spec.held_out, np.random.default_rng(seed))]
    train = np.setdiff1d(usable, held)
    return Split(table.take(train), table.take(np.sort(held)))


def _random(rows: int, classes: Column | None, share: float, rng: np.random.Generator) -> Column:
    """Places of the held-out rows; each class gives its share, at least one row where it has two."""
    if classes is None:
        return rng.permutation(rows)[: max(1, round(rows * share))]
    held = []
    for name in sorted(set(classes)):
        of_class = np.flatnonzero(classes == name)
        count = round(len(of_class) * share)
        count = min(max(1, count), len(of_class) - 1)
        held.append(rng.permutation(of_class)[:count])
    return np.concatenate(held)


def _newest(table: Table, name: str, usable: Column, share: float) -> Column:
    """Places of the newest rows; those of one instant stay together."""
    times = moments(table, name)[usable]
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    cut = len(order) - max(1, round(len(order) * share))
    first = int(np.searchsorted(ordered, ordered[cut], side="left"))
    if first == 0:
        first = int(np.searchsorted(ordered, ordered[cut], side="right"))
    if first in {0, len(order)}:
        raise BadInputError(
            "all rows have the same time: none is newer", where=f"{table.path}: column {name!r}"
        )
    return order[first:]


def moments(table: Table, name: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """A time column as numbers that grow with time; rows without a time count as the oldest."""
    values = table.column(name)
    if table.kinds[name] == "number":
        return np.where(np.isnan(values), -np.inf, values)
    import pandas as pd

    parsed = pd.to_datetime(pd.Series(values), utc=True, errors="coerce", format="ISO8601")
    wrong = np.flatnonzero(parsed.isna().to_numpy() & ~table.missing(name))
    if len(wrong):
        raise BadInputError(
            f"row {int(wrong[0]) + 1} holds no time: {str(values[wrong[0]])[:40]!r}",
            where=f"{table.path}: column {name!r}",
            do="times are numbers or written like 2026-11-20T12:00:00Z",
        )
    found = parsed.to_numpy(dtype="datetime64[ns]").astype(np.int64).astype(np.float64)
    return np.where(parsed.isna().to_numpy(), -np.inf, found)
