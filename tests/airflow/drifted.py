"""A day of requests whose features are far from what the model was trained on: `log(root)`."""

import time
from pathlib import Path

from mlops.generators import Drift, credit_risk
from mlops.places import Places
from mlops.predictions.records import Label, Prediction, Stamps
from mlops.predictions.writing import append_labels, append_predictions

FEATURES = ("age", "income", "credit_score", "employment_years")
ROWS = 1500


def log(root: str) -> None:
    table = credit_risk(ROWS, 77, Drift(shifts={"age": -1.0, "income": -1.0, "credit_score": -1.0}))
    stamps, asked, began = Stamps("00"), table.select(FEATURES), time.time() - 2 * ROWS
    lines, labels = [], []
    for row in range(ROWS):
        name, at = stamps.next(began + row)
        lines.append(Prediction(
            prediction_id=name, timestamp=at, model="credit", model_version=1, features=asked.row(row),
            prediction=0, probability=0.1,
        ))  # fmt: skip
        labels.append(Label(name, int(table.column("default")[row]), at))
    append_predictions(Places(Path(root)), "credit", lines)
    append_labels(Places(Path(root)), "credit", labels)
