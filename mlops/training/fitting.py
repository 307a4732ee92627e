"""Fits a scorer with scikit-learn or XGBoost and takes it out of the library as data."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.models.boosted import Boosted
from mlops.models.forest import Forest
from mlops.models.linear import Linear
from mlops.models.loaded import Scorer

Matrix = NDArray[np.float64]
Parameters = dict[str, float | int | str]
CHECKED_ROWS = 1000
TOLERANCE = {"linear": 1e-9, "forest": 1e-12, "xgboost": 1e-5}  # XGBoost counts in single precision
NEEDS_FILLING = {"linear", "forest"}  # XGBoost has a way of its own for what is missing

# One thread: the same seed and data give the same model on every machine, and the other cores are the services'.
PARAMETERS: Mapping[str, Parameters] = {
    "linear": {"max_iter": 1000},
    "forest": {"n_estimators": 100, "max_depth": 14, "min_samples_leaf": 3, "n_jobs": 1},
    "xgboost": {
        "rounds": 200,
        "max_depth": 6,
        "eta": 0.1,
        "subsample": 0.9,
        "nthread": 1,
    },  # 6: 64 leaves, see bits
}


class Fitted(Struct, frozen=True):
    scorer: Scorer
    notes: list[str]


def fit(algorithm: str, matrix: Matrix, outcome: Matrix, *, logistic: bool, seed: int) -> Fitted:
    """A scorer that gives what the library itself gives; that is checked before it is handed out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scorer, by_library = _FITS[algorithm](matrix, outcome, logistic, seed)
    rows = matrix[:CHECKED_ROWS]
    expected, found = by_library(rows), scorer.matrix(rows)
    spread = max(1.0, float(np.abs(expected).max()))
    if not np.allclose(found, expected, rtol=0, atol=TOLERANCE[algorithm] * spread):
        worst = float(np.abs(found - expected).max())
        raise RuntimeError(f"the {algorithm} model scores {worst:.3g} off from the library that fitted it")
    notes = [str(each.message).splitlines()[0] for each in caught if "onverge" in str(each.message)]
    return Fitted(scorer, notes)


Library = Callable[[Matrix], Matrix]


def _linear(matrix: Matrix, outcome: Matrix, logistic: bool, seed: int) -> tuple[Scorer, Library]:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    most = int(PARAMETERS["linear"]["max_iter"])
    model = LogisticRegression(max_iter=most, random_state=seed) if logistic else Ridge(random_state=seed)
    pipeline = make_pipeline(StandardScaler(), model).fit(matrix, outcome)
    scaler = pipeline[0]
    weights = np.ravel(model.coef_) / scaler.scale_
    intercept = float(np.ravel(model.intercept_)[0]) - float(weights @ scaler.mean_)
    scorer = Linear(tuple(weights.tolist()), intercept, logistic)
    return scorer, (lambda rows: pipeline.predict_proba(rows)[:, 1]) if logistic else pipeline.predict


def _forest(matrix: Matrix, outcome: Matrix, logistic: bool, seed: int) -> tuple[Scorer, Library]:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind: Any = RandomForestClassifier if logistic else RandomForestRegressor
    model = kind(**PARAMETERS["forest"], random_state=seed).fit(matrix, outcome)
    return Forest.from_sklearn(model), (
        lambda rows: model.predict_proba(rows)[:, 1]
    ) if logistic else model.predict


def _boosted(matrix: Matrix, outcome: Matrix, logistic: bool, seed: int) -> tuple[Scorer, Library]:
    import xgboost

    parameters = {**PARAMETERS["xgboost"], "seed": seed, "tree_method": "hist"}
    rounds = int(parameters.pop("rounds"))
    parameters["objective"] = "binary:logistic" if logistic else "reg:squarederror"
    booster = xgboost.train(parameters, xgboost.DMatrix(matrix, label=outcome), rounds)
    return Boosted(bytes(booster.save_raw("json"))), lambda rows: booster.predict(xgboost.DMatrix(rows))


_FITS: Mapping[str, Callable[[Matrix, Matrix, bool, int], tuple[Scorer, Library]]] = {
    "linear": _linear,
    "forest": _forest,
    "xgboost": _boosted,
}
