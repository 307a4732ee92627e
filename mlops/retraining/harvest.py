"""What is trained on: the requests of the window that drifted where they are enough, else the table with all of them."""

import math
import os
from pathlib import Path

import msgspec
import numpy as np

from config.monitoring import ModelSpec
from mlops.places import Places
from mlops.predictions.columns import Array
from mlops.predictions.labels import matured
from mlops.tables import features, read_table, write_table
from mlops.tables.cells import text_of
from mlops.tables.table import Kind, make_table

ENOUGH_ALONE = 1000


def window_of(places: Places, model: str) -> Path:
    return places.root / "data" / "windows" / f"{model}.csv"


def current(spec: ModelSpec, places: Places) -> ModelSpec:
    """The model as it is retrained: on its window where one was gathered from the table that is there now."""
    window, table = window_of(places, spec.name), places.table(spec.data)
    try:
        fresh = window.stat().st_mtime_ns >= table.stat().st_mtime_ns
    except OSError:
        return spec
    return msgspec.structs.replace(spec, data=os.path.relpath(window, places.root)) if fresh else spec


def gather(spec: ModelSpec, places: Places, since: float) -> ModelSpec:
    """Write the window anew. Labelled requests since `since`, if they are enough to learn from alone: under old rows a new
    rule would drown. Else the table, then a row for each labelled request there is, oldest first. Without any, the table."""
    recent = matured(places, spec.name, since=since)
    alone = recent.count >= ENOUGH_ALONE
    found = recent if alone else matured(places, spec.name)
    table = read_table(places.table(spec.data), target=spec.target)
    if not found.count or not set(features(spec, table)) <= found.features.keys():
        return spec
    fresh = {**found.features, spec.target: found.labels}
    before = table.take(np.arange(0 if alone else table.rows))
    columns = {
        name: np.concatenate([before.column(name), _more(table.kinds[name], fresh.get(name), found.count)])
        for name in table.names
    }
    write_table(make_table(columns, table.kinds), window_of(places, spec.name))
    return current(spec, places)


def _more(kind: Kind, values: Array | None, count: int) -> Array:
    """A column of requests as its table has it; what no request carries is missing."""
    told = [None] * count if values is None else values.tolist()
    if kind == "number":
        return np.array([_number(value) for value in told], float)
    return np.array([text_of(value) for value in told], object)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # what is no number is missing
    except (TypeError, ValueError):
        return math.nan
