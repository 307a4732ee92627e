"""How MLflow loads a model of ours: `mlflow.pyfunc.load_model("models:/credit@champion")` scores as serving does, no pickle."""

from pathlib import Path
from typing import Any

import numpy as np

from mlops.models.encoder import Encoder
from mlops.models.folder import load
from mlops.models.loaded import LoadedModel, Predictions
from mlops.tables.table import Table, make_table


class PyFunc:
    """MLflow hands over a data frame and wants one prediction a row."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    def predict(self, frame: Any, params: Any = None) -> Predictions:  # noqa: ARG002 -- MLflow's signature
        return self.model.score_table(table_of(frame, self.model.encoder))[0]


def _load_pyfunc(data_path: str) -> PyFunc:
    folder = Path(data_path)
    return PyFunc(load(folder, inside=folder))


def table_of(frame: Any, encoder: Encoder) -> Table:
    """The encoder's columns of a data frame; those that are absent are told when it scores."""
    columns: dict[str, Any] = {}
    for field in encoder.numbers:
        if field.name in frame:
            columns[field.name] = np.asarray(frame[field.name], dtype=np.float64)
    for category in encoder.categories:
        if category.name in frame:
            values = frame[category.name]
            columns[category.name] = np.where(values.isna(), None, values.astype(object))
    return make_table(columns)
