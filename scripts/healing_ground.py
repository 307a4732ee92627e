"""The ground that scripts/test_self_healing.py proves on: a folder with one model, and drifted requests for it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

from config.monitoring import ModelSpec, MonitoringConfig, load_monitoring
from config.settings import Settings
from mlops.generators import Drift, credit_risk
from mlops.places import Places
from mlops.predictions.records import Label, Prediction, Shadow, Stamps, Value
from mlops.predictions.writing import append_labels, append_predictions
from mlops.registry.reader import Reader
from mlops.tables import Table

MODEL = "credit"
SHIFTS = {"age": 0.6, "income": -0.8, "credit_score": -0.6, "employment_years": -0.4}  # a downturn
DRIFT = Drift(shifts=SHIFTS, concept=0.25)
CONFIG = {
    "models": [
        {
            "name": MODEL,
            "task": "classification",
            "data": "data/raw/credit_risk.csv",
            "target": "default",
            "algorithm": "linear",
        }
    ]
}
_OURS = {field.upper() for field in Settings.__struct_fields__} | {"GITHUB_OUTPUT", "NIGHTWARDEN_INCARNATION"}


class ProofFailedError(Exception):
    """A capability did not do what it promises; the text is one line for people."""


def must(holds: object, why: str) -> None:
    if not holds:
        raise ProofFailedError(why)


class Ground:
    """A folder of its own, as a user's project would be."""

    def __init__(self, root: Path) -> None:
        (root / "config").mkdir(parents=True, exist_ok=True)
        (root / "config" / "monitoring_config.json").write_text(json.dumps(CONFIG))
        (root / "config" / "self_healing_config.json").write_text(
            "{}"
        )  # not what this machine's user has set
        self.places = Places(root)
        self.config: MonitoringConfig = load_monitoring(root / "config" / "monitoring_config.json", {})
        self.spec: ModelSpec = self.config.model(MODEL)
        self.table: Path = self.places.table(self.spec.data)
        self._stamps = Stamps("00")

    @property
    def root(self) -> Path:
        return self.places.root

    def serve(self, table: Table, *, span_s: float) -> None:
        """Requests of the last `span_s` seconds as the server logs them: champion, challenger, and the labels at once."""
        reader = Reader(self.places, MODEL)
        said, sure = reader.load_champion().score_table(table)
        challenger, version = reader.challenger(), reader.champion() or 0
        other = None if challenger is None else reader.load(challenger).score_table(table)
        target, first = table.column(self.spec.target), time.time() - span_s
        asked = table.select(tuple(name for name in table.names if name != self.spec.target))
        lines, labels = [], []
        for row in range(table.rows):
            name, at = self._stamps.next(first + span_s * row / table.rows)
            line = Prediction(
                prediction_id=name, timestamp=at, model=MODEL, model_version=version, features=asked.row(row),
                prediction=_plain(said[row]), probability=None if sure is None else float(sure[row]),
            )  # fmt: skip
            shadow = _shadow(challenger, other, row)
            lines.append(replace(line, shadow=UNSET if shadow is None else shadow))
            labels.append(Label(name, int(target[row]), at))
        append_predictions(self.places, MODEL, lines)
        append_labels(self.places, MODEL, labels)


def _shadow(version: int | None, scored: "tuple[object, object] | None", row: int) -> Shadow | None:
    if version is None or scored is None:
        return None
    said, sure = scored
    return Shadow(version, _plain(said[row]), float(sure[row]))  # type: ignore[index]  # two arrays


def _plain(value: object) -> Value:
    return int(value)  # type: ignore[call-overload,no-any-return]  # the classes of this model are 0 and 1


def calm(rows: int, seed: int) -> Table:
    """People without the far tails that a repair would cap: what it changes then is damage alone."""
    import numpy as np

    table = credit_risk(rows, seed)
    kept = np.ones(table.rows, bool)
    for name in table.names[:-1]:
        values = table.column(name)
        low, high = np.quantile(values, (0.25, 0.75))
        kept &= (values >= low - (high - low)) & (values <= high + (high - low))
    return table.take(kept)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without what this process' environment would change: limits, servers, the outputs of a workflow's step."""
    kept = {name: os.environ.pop(name) for name in _OURS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
