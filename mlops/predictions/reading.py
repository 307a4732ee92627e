"""Reads the prediction log of a model as columns: predictions(places, model, since, until)."""

from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from mlops.places import Places
from mlops.predictions.columns import Array, Columns, column
from mlops.predictions.daily import days
from mlops.predictions.records import Line, Shadow, Value, rfc3339
from mlops.predictions.tallies import Tally, parsed

_line = msgspec.json.Decoder(Line)
_NO_SHADOW = Shadow(0, None)


class Predictions(Struct, frozen=True, kw_only=True):
    """The predictions of a window, oldest first, one array a column."""

    ids: list[str]
    at: Array  # Unix seconds
    version: Array  # int64
    prediction: Array  # float64, or texts where a class is one
    probability: Array  # of the positive class; NaN in a regression
    shadow_version: Array  # int64, 0 where no challenger scored the row
    shadow_prediction: Array  # NaN or None there
    shadow_probability: Array
    features: dict[str, Array]
    tally: Tally

    @property
    def rows(self) -> int:
        return len(self.ids)

    def take(self, rows: Array) -> "Predictions":
        """The rows at these positions."""
        return Predictions(
            ids=[self.ids[row] for row in rows.tolist()],
            at=self.at[rows],
            version=self.version[rows],
            prediction=self.prediction[rows],
            probability=self.probability[rows],
            shadow_version=self.shadow_version[rows],
            shadow_prediction=self.shadow_prediction[rows],
            shadow_probability=self.shadow_probability[rows],
            features={name: values[rows] for name, values in self.features.items()},
            tally=self.tally,
        )


def predictions(
    places: Places, model: str, since: float | None = None, until: float | None = None
) -> Predictions:
    """The predictions made at or after `since` and before `until` (Unix seconds; None: no limit)."""
    return _gather(places.predictions(model), since, until)


def files_between(folder: Path, since: float | None, until: float | None) -> list[Path]:
    """The files of the days that a window touches."""
    first = "" if since is None else rfc3339(since)[:10]
    last = "9999" if until is None else rfc3339(until)[:10]
    return [path for day, path in days(folder) if first <= day <= last]


def _gather(folder: Path, since: float | None, until: float | None) -> Predictions:
    gathered = _Gathered(-np.inf if since is None else since, np.inf if until is None else until)
    for path in files_between(folder, since, until):
        for line in parsed(path, _line, gathered.tally):
            gathered.add(line)
        gathered.forget_ids()
    return gathered.sorted()


class _Gathered:
    """The rows so far; a challenger's word that comes in a line of its own finds its row by the id."""

    def __init__(self, since: float, until: float) -> None:
        self.tally = Tally()
        self._since, self._until = since, until
        self._rows: dict[str, int] = {}  # of the file in hand: a prediction and its shadow stand in the same
        self._ids: list[str] = []
        self._at: list[float] = []
        self._versions: list[int] = []
        self._said: list[Value] = []
        self._probabilities: list[float | None] = []
        self._shadows: list[Shadow] = []
        self._features = Columns()

    def add(self, line: Line) -> None:
        row = self._rows.get(line.prediction_id)
        if line.features is None or line.timestamp is None:
            if line.shadow is not None and row is not None:
                self._shadows[row] = line.shadow
            return
        at = line.timestamp.timestamp()
        if not self._since <= at < self._until:
            return
        if row is not None:
            self.tally.doubled += 1
            return
        self._rows[line.prediction_id] = len(self._ids)
        self._ids.append(line.prediction_id)
        self._at.append(at)
        self._versions.append(line.model_version)
        self._said.append(line.prediction)
        self._probabilities.append(line.probability)
        self._shadows.append(line.shadow or _NO_SHADOW)
        self._features.add(line.features)

    def forget_ids(self) -> None:
        self._rows = {}

    def sorted(self) -> Predictions:
        at = np.array(self._at, dtype=np.float64)
        found = Predictions(
            ids=self._ids,
            at=at,
            version=np.array(self._versions, dtype=np.int64),
            prediction=column(self._said),
            probability=_numbers(self._probabilities),
            shadow_version=np.array([shadow.model_version for shadow in self._shadows], dtype=np.int64),
            shadow_prediction=column([shadow.prediction for shadow in self._shadows]),
            shadow_probability=_numbers([shadow.probability for shadow in self._shadows]),
            features=self._features.arrays(),
            tally=self.tally,
        )
        return found if (np.diff(at) >= 0).all() else found.take(np.argsort(at, kind="stable"))


def _numbers(values: list[float | None]) -> Array:
    return np.array(values, dtype=np.float64)
