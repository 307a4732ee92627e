"""Rows to ask a server for, with the labels that belong to them: fresh ones of our makers, or those of a user's table."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.generators import Drift, credit_risk, housing
from mlops.places import Places
from mlops.predictions.records import Value
from mlops.tables import Table, read_table

Maker = Callable[[int, int, Drift], Table]
MAKERS: dict[str, Maker] = {"data/raw/housing.csv": housing, "data/raw/credit_risk.csv": credit_risk}
OFFSET = 1_000_003  # from the seeds of the tables that models are trained on


class Samples(Struct, frozen=True):
    rows: list[dict[str, Value]]
    labels: list[Value]


def samples(
    places: Places,
    spec: ModelSpec,
    features: tuple[str, ...],
    *,
    rows: int,
    seed: int,
    drift: Drift,
    sigmas: float,
) -> Samples:
    """`sigmas` moves every number of the features, beside what the drift says of single ones."""
    maker = MAKERS.get(spec.data)
    if maker is not None and {*features, spec.target} <= {*(plain := maker(2000, 0, Drift())).names}:
        table = maker(rows, seed + OFFSET, _all_moved(plain, features, drift, sigmas))
    else:
        table = _drawn(read_table(places.table(spec.data), target=spec.target), rows, seed)
        drift = _all_moved(table, features, drift, sigmas)
        if drift.concept:
            raise BadInputError("--concept needs a table of our makers", where=spec.data, do="leave it out")
        table = _shifted(table, drift.shifts)
    taken = table.select(features)
    told = table.columns[spec.target].tolist()
    return Samples(
        [taken.row(place) for place in range(rows)], [None if each != each else each for each in told]
    )


def _all_moved(table: Table, features: tuple[str, ...], drift: Drift, sigmas: float) -> Drift:
    if not sigmas:
        return drift
    every = {name: sigmas for name in features if table.kinds.get(name) == "number"}
    return Drift(shifts={**every, **drift.shifts}, concept=drift.concept)


def _drawn(table: Table, rows: int, seed: int) -> Table:
    """Rows whose target is known, drawn with replacement."""
    if table.rows == 0:
        raise BadInputError("holds no rows", where=table.path)
    return table.take(np.random.default_rng(seed).integers(0, table.rows, rows))


def _shifted(table: Table, shifts: Mapping[str, float]) -> Table:
    from mlops.tables.table import make_table

    columns: dict[str, Any] = dict(table.columns)
    for name, sigmas in shifts.items():
        if table.kinds.get(name) != "number":
            raise BadInputError(f"column {name!r} cannot be shifted: it holds no numbers", where=table.path)
        columns[name] = columns[name] + sigmas * np.nanstd(columns[name])
    return make_table(columns, table.kinds, path=table.path)
