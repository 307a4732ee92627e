"""The daemon's learnt failure predictor as a function over data frames, for judges outside of this project."""

import numpy as np
import pandas as pd

from analysis.prediction.learnt import learn
from analysis.prediction.record import Floats, Record, record


def fit_predict(
    train: pd.DataFrame,
    failures: pd.DataFrame,
    test: pd.DataFrame,
    horizon: tuple[float, float],
    max_fpr: float,
) -> tuple[Floats, float]:
    """The scores of `test`'s rows, and the threshold chosen beforehand: all that it was learnt from is `train`.

    A test row is scored with its entity's rows of `train` and of `test` up to it as its past.
    """
    names = tuple(str(column) for column in train.columns if column not in {"entity", "t"})
    model = learn(_record(train, failures, names), (float(horizon[0]), float(horizon[1])), max_fpr)
    if model is None:
        return np.zeros(len(test)), 1.0
    place = np.arange(len(test))
    both = pd.concat([train.assign(_test=-1), test.assign(_test=place)])
    both = both[both.entity.isin(test.entity.unique())].sort_values(["entity", "t"], kind="stable")
    rows = np.flatnonzero(both._test.to_numpy() >= 0)
    scores = np.empty(len(test))
    scores[both._test.to_numpy()[rows]] = model.score(_record(both, failures, names), rows)
    return scores, model.threshold


def _record(frame: pd.DataFrame, failures: pd.DataFrame, names: tuple[str, ...]) -> Record:
    return record(
        frame.entity.to_numpy(),
        frame.t.to_numpy(float),
        frame[list(names)].to_numpy(float),
        names,
        list(zip(failures.entity.tolist(), failures.t.tolist(), strict=True)),
    )
