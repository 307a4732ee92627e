"""How good the champion is now, on rows that it was not trained on."""

import numpy as np
from msgspec import Struct

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.models.card import Card, Metric
from mlops.places import Places
from mlops.registry.pointer import Change
from mlops.registry.reader import Reader
from mlops.retraining import window
from mlops.tables import Table, fingerprint, read_table, split
from mlops.training.train import evaluate


class Measured(Struct, frozen=True, kw_only=True):
    model: str
    version: int
    metrics: dict[str, Metric]
    rows: int
    data: str
    judged_on: str

    @property
    def accuracy(self) -> float:
        return self.metrics["accuracy"].value


def measure(places: Places, spec: ModelSpec, data: str | None = None) -> Measured:
    """BadInputError where there is no model, no table, or nothing to judge by."""
    reader = Reader(places, spec.name)
    model = reader.load_champion()
    path = places.table(data or spec.data)
    table = read_table(path, target=spec.target)
    rows, told = _unseen(table, spec, model.card, _retrained(reader, model.version))
    if not rows.rows:
        raise BadInputError("has no row that the champion was not trained on", where=path)
    return Measured(
        model=spec.name, version=model.version, metrics=evaluate(model, rows), rows=rows.rows,
        data=data or spec.data, judged_on=told,
    )  # fmt: skip


def _retrained(reader: Reader, version: int) -> Change | None:
    return next((each for each in reader.history()
                 if each.kind == "registered" and each.to_version == version and "table" in each.details), None)  # fmt: skip


def _unseen(table: Table, spec: ModelSpec, card: Card, retrained: Change | None) -> tuple[Table, str]:
    content = fingerprint(table).content
    if content == card.data.fingerprint:
        return split(table, spec, seed=card.seed).held_out, "the part that was held out from training"
    known = window.Known(card.features, card.data.fingerprint, card.data.rows)
    if retrained is not None:
        details = retrained.details
        if content == details["table"]:
            parts = window.parts(table, spec, int(details["known"] or 0))
            return table.take(parts.apart), "the part that was held out from retraining"
        known = window.Known(card.features, str(details["table"]), int(details["rows"] or 0))
    if grown := window.known_rows(table, known):
        return table.take(np.arange(grown, table.rows)), "the rows that came after training"
    return table, "all rows of a table that it was not trained on"
