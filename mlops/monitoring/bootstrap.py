"""Freezes what a model's data and answers look like when all is well."""

from pathlib import Path

import numpy as np

from config.monitoring import ModelSpec
from mlops.drift.arrays import Column
from mlops.drift.freezing import freeze
from mlops.drift.reference import Card, load_reference
from mlops.errors import BadInputError
from mlops.monitoring.proxies import PREDICTION, PROBABILITY
from mlops.monitoring.writing import stamp
from mlops.places import Places
from mlops.predictions.reading import predictions
from mlops.predictions.records import rfc3339
from mlops.registry.reader import Reader
from mlops.tables import Table, features, read_table, split

FEW = 1000  # rows below which small drifts take long to be told from chance


def from_table(
    spec: ModelSpec, places: Places, data: Path, now: float, not_before: str = ""
) -> tuple[Card, list[str]]:
    """From a table: every feature of it, and the champion's answers on the part that it was not trained on."""
    table = read_table(data, target=spec.target)
    names = features(spec, table)
    if not names:
        raise BadInputError("no column is a feature", where=data, do="see features and ignored of the model")
    outputs, notes = _answers(spec, places, table)
    kinds = {name: str(table.kinds[name]) for name in names} | _kinds(spec, outputs)
    card = freeze(
        places.reference(spec.name),
        {name: table.column(name) for name in names},
        outputs,
        model=spec.name,
        source=str(data),
        created_at=rfc3339(now),
        not_before=not_before,
        kinds=kinds,
    )
    return card, notes


def from_predictions(
    spec: ModelSpec, places: Places, now: float, hours: float, not_before: str = ""
) -> tuple[Card, list[str]]:
    """From the last `hours` of the log of predictions."""
    rows = predictions(places, spec.name, now - hours * 3600.0, now)
    outputs: dict[str, Column] = {PREDICTION: rows.prediction}
    if np.isfinite(rows.probability).any():
        outputs[PROBABILITY] = rows.probability
    card = freeze(
        places.reference(spec.name),
        rows.features,
        outputs,
        model=spec.name,
        source=f"{places.predictions(spec.name)}, the last {hours:g} h",
        created_at=rfc3339(now),
        not_before=not_before,
        kinds=_kinds(spec, outputs),
    )
    return card, []


def _kinds(spec: ModelSpec, outputs: dict[str, Column]) -> dict[str, str]:
    classes = spec.task == "classification"
    return {name: "category" if classes and name == PREDICTION else "number" for name in outputs}


def _answers(spec: ModelSpec, places: Places, table: Table) -> tuple[dict[str, Column], list[str]]:
    """What the champion says of rows that it has not seen; of its own training rows it is too sure."""
    reader = Reader(places, spec.name)
    if reader.champion() is None:
        return {}, ["no champion yet: the reference holds no predictions, and their shift is not known"]
    said, probability = reader.load_champion().score_table(split(table, spec).held_out)
    outputs: dict[str, Column] = {PREDICTION: said}
    return (outputs | {PROBABILITY: probability} if probability is not None else outputs), []


def set_aside(places: Places, model: str, *, force: bool) -> Path | None:
    """Keep an old reference under its time; BadInputError where there is one and nobody said to replace it."""
    path = places.reference(model)
    there = [each for each in (path, path.with_suffix(".json")) if each.exists()]
    if not there:
        return None
    if not force:
        raise BadInputError(
            "there is a reference already", where=path, do="--force makes a new one and keeps the old one"
        )
    try:
        name = stamp(load_reference(path).card.created_at)
    except BadInputError:
        name = "damaged"
    for each in there:
        each.rename(path.with_name(f"{model}.{name}{each.suffix}"))
    return path.with_name(f"{model}.{name}.npz")
