"""Whether a table may be trained on, and which of its rows are kept apart to judge by."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from config.monitoring import ModelSpec
from mlops.tables import Table, features, fingerprint
from mlops.tables.splits import moments

LEAST_ROWS = 200
MOST_MISSING = 0.3  # of a column that the champion was trained on: more could not be repaired without a guess
RAREST = 20


class Known(Struct, frozen=True):
    """The table that the champion comes from, and what it asks of a row."""

    features: tuple[str, ...]
    fingerprint: str
    rows: int


class Parts(Struct, frozen=True):
    """Rows to train on, and rows that neither model has seen."""

    train: NDArray[np.intp]
    apart: NDArray[np.intp]


def problems(table: Table, spec: ModelSpec, champion: Known | None) -> Iterator[str]:
    """Why this window is not trained on, each with the column and the figure."""
    if spec.target not in table.names:
        yield f"the target {spec.target!r} is missing"
        return
    usable = np.flatnonzero(~table.missing(spec.target))
    if len(usable) < LEAST_ROWS:
        yield f"{len(usable)} rows have a target, at least {LEAST_ROWS} are needed"
        return
    if (share := 1 - len(usable) / table.rows) > MOST_MISSING:
        yield f"column {spec.target!r}: {share:.0%} of the target are missing"
    yield from _outcomes(table.texts(spec.target)[usable], spec)
    names = champion.features if champion is not None else features(spec, table)
    for name in names:
        if name not in table.names:
            yield f"column {name!r}, which the champion was trained on, is missing"
        elif (share := float(np.mean(table.missing(name)))) > MOST_MISSING:
            yield f"column {name!r}: {share:.0%} of its cells are missing or damaged, more than {MOST_MISSING:.0%}"
    if champion is not None and fingerprint(table).content == champion.fingerprint:
        yield "it is the table that the champion was trained on: nothing new is to be learnt"


def _outcomes(labels: NDArray[np.object_], spec: ModelSpec) -> Iterator[str]:
    values, counts = np.unique(labels.astype(str), return_counts=True)
    if len(values) < 2:
        yield f"column {spec.target!r}: only one {'class' if spec.task == 'classification' else 'value'}, {values[0]!r}"
    elif spec.task == "classification" and counts.min() < RAREST:
        rarest = values[counts.argmin()]
        yield f"column {spec.target!r}: {counts.min()} rows of class {rarest!r}, at least {RAREST} are needed"


def parts(table: Table, spec: ModelSpec, known: int, *, seed: int = 0) -> Parts:
    """The newest of the rows that the champion cannot have seen: behind its own `known` rows, or anywhere."""
    usable = np.flatnonzero(~table.missing(spec.target))
    fresh = usable[usable >= known]
    if spec.time_column:
        fresh = fresh[np.argsort(moments(table, spec.time_column)[fresh], kind="stable")]
    elif not known:
        fresh = np.random.default_rng(seed).permutation(fresh)
    apart = np.sort(fresh[len(fresh) - round(len(fresh) * spec.held_out) :])
    return Parts(np.setdiff1d(usable, apart), apart)


def known_rows(table: Table, champion: Known | None) -> int:
    """How many leading rows are the champion's own table; 0 where the table is another one."""
    known = champion.rows if champion is not None else 0
    if champion is None or not 0 < known < table.rows:
        return 0
    head = fingerprint(table.take(np.arange(known)))
    return known if head.content == champion.fingerprint else 0
