"""One row through each kind of model, in process, beside the library that trained it; ten numbers, as a dict."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.measure import median
from benchmarks.report import Goal, Table
from mlops.models.card import Card, DataFacts
from mlops.models.encoder import Encoder, NumberField
from mlops.models.loaded import LoadedModel
from mlops.training.fitting import fit

COLUMNS = tuple(f"x{n}" for n in range(10))
ROWS = 4000
TITLES = {
    "linear": "logistic regression",
    "xgboost": "XGBoost, 200 trees of depth 6",
    "forest": "forest, 100 trees of depth 14",
}
# by the library's quickest way for one row
BOUNDS = {"linear": 15.0, "xgboost": 5.0, "forest": 5.0}


def run(*, quick: bool) -> list[Table]:
    rounds, repeats = (3, 200) if quick else (9, 1000)
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(ROWS, len(COLUMNS)))
    outcome = (matrix[:, 0] * matrix[:, 1] + matrix[:, 2] + rng.normal(size=ROWS) > 0).astype(np.float64)
    probes = [dict(zip(COLUMNS, row, strict=True)) for row in matrix[:100].tolist()]
    rows, goals = [], []
    for algorithm, title in TITLES.items():
        model = _model(algorithm, matrix, outcome)
        theirs = _library(algorithm, matrix, outcome)
        ours_us, theirs_us = [], []
        for _ in range(rounds):
            ours_us.append(_cpu_us(model.score_row, probes, repeats))
            theirs_us.append(_cpu_us(theirs, probes, max(repeats // 20, 10)))
        ratio = median([b / a for a, b in zip(ours_us, theirs_us, strict=True)])
        rows.append((title, f"{median(ours_us):.1f}", f"{median(theirs_us):.0f}", f"{ratio:.0f}"))
        goals.append(Goal(f"{title}: times less than the library", ratio, BOUNDS[algorithm], least=True))
    return [
        Table(
            title="One row, validation included: CPU µs",
            columns=("", "ours", "the library, from the same dict", "times less"),
            rows=rows,
            goals=goals,
            notes=(
                "The library's quickest way: predict_proba of the pipeline on an array, inplace_predict of the booster.",
            ),
        )
    ]


def _model(algorithm: str, matrix: "np.ndarray[Any, Any]", outcome: "np.ndarray[Any, Any]") -> LoadedModel:
    encoder = Encoder(tuple(NumberField(name, 0.0, nullable=False) for name in COLUMNS), ())
    card = Card(
        name="bench",
        task="classification",
        algorithm=algorithm,
        target="y",
        features=COLUMNS,
        classes=(0, 1),
        data=DataFacts(path="", fingerprint="", rows=ROWS, trained_rows=ROWS, held_out_rows=0),
        seed=0,
        trained_at="",
        metrics={},
    )
    return LoadedModel(card, encoder, fit(algorithm, matrix, outcome, logistic=True, seed=0).scorer)


def _library(
    algorithm: str, matrix: "np.ndarray[Any, Any]", outcome: "np.ndarray[Any, Any]"
) -> Callable[[Mapping[str, float]], float]:
    if algorithm == "xgboost":
        return _booster(matrix, outcome)
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    forest = RandomForestClassifier(100, max_depth=14, min_samples_leaf=3, random_state=0)
    model = forest if algorithm == "forest" else make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(matrix, outcome)
    return lambda row: float(model.predict_proba(np.array([[row[name] for name in COLUMNS]]))[0, 1])


def _booster(
    matrix: "np.ndarray[Any, Any]", outcome: "np.ndarray[Any, Any]"
) -> Callable[[Mapping[str, float]], float]:
    import xgboost

    parameters = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(matrix, label=outcome), 200)
    kept = np.empty((1, len(COLUMNS)), dtype=np.float32)

    def score(row: Mapping[str, float]) -> float:
        kept[0] = [row[name] for name in COLUMNS]
        return float(booster.inplace_predict(kept)[0])

    return score


def _cpu_us(score: Callable[[Any], object], probes: list[dict[str, float]], repeats: int) -> float:
    began = time.process_time()
    for n in range(repeats):
        score(probes[n % len(probes)])
    return (time.process_time() - began) / repeats * 1e6
