"""One logistic regression and one XGBoost model, each as ours and as MLflow's, from the same fit."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlops.models.boosted import Boosted
from mlops.models.card import Card, DataFacts, Metric
from mlops.models.encoder import Encoder, NumberField
from mlops.models.linear import Linear
from mlops.models.loaded import LoadedModel, Scorer
from mlops.places import Places
from mlops.registry.registry import Registry

NAMES = tuple(f"feature_{n}" for n in range(10))
KINDS = ("linear", "xgboost")


class _Trained(NamedTuple):
    model: LoadedModel


def make(folder: Path) -> bytes:
    """Registry and configuration below `folder`, MLflow's models below `folder/peers`; a row to ask for."""
    random = np.random.default_rng(3)
    rows = random.normal(3.0, 2.0, (5000, len(NAMES)))
    labels = (rows @ random.normal(0, 1, len(NAMES)) + random.normal(0, 2, 5000) > 1).astype(int)
    fits: dict[str, Any] = {"linear": _logistic(rows, labels), "xgboost": _boosted(rows, labels)}
    scorers: dict[str, Scorer] = {"linear": _folded(fits["linear"]), "xgboost": _own(fits["xgboost"])}
    for kind in KINDS:
        Registry(Places(folder), kind).register(_Trained(_model(kind, scorers[kind])))
        _as_mlflow(kind, fits[kind], rows, folder / "peers" / kind)
    models = [{"name": kind, "task": "classification", "data": "none.csv", "target": "y"} for kind in KINDS]
    (folder / "config").mkdir()
    (folder / "config" / "monitoring_config.json").write_text(json.dumps({"models": models}))
    _check(fits, folder, rows[0])
    return json.dumps(dict(zip(NAMES, rows[0].tolist(), strict=True))).encode()


def _check(fits: dict[str, Any], folder: Path, row: Any) -> None:
    """Both sides must say the same, or the comparison means nothing."""
    for kind in KINDS:
        ours = Registry(Places(folder), kind).load(1).score_row(dict(zip(NAMES, row.tolist(), strict=True)))
        theirs = float(fits[kind].predict_proba(row[None])[0, 1])
        if ours[1] is None or abs(ours[1] - theirs) > 1e-6:
            raise AssertionError(f"{kind}: ours says {ours}, the library {theirs}")


def _logistic(rows: Any, labels: Any) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels)


def _folded(pipeline: Any) -> Linear:
    scaler, regression = pipeline[0], pipeline[1]
    weights = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - weights @ scaler.mean_)
    return Linear(tuple(weights.tolist()), intercept, logistic=True)


def _boosted(rows: Any, labels: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=100, max_depth=5, n_jobs=1).fit(rows, labels)


def _own(classifier: Any) -> Boosted:
    return Boosted(bytes(classifier.get_booster().save_raw("json")))


def _model(kind: str, scorer: Scorer) -> LoadedModel:
    card = Card(
        name=kind,
        task="classification",
        algorithm=kind,
        target="y",
        features=NAMES,
        classes=(0.0, 1.0),
        data=DataFacts(path="none.csv", fingerprint="", rows=5000, trained_rows=5000, held_out_rows=0),
        seed=3,
        trained_at=datetime.now(UTC).isoformat(),
        metrics={"accuracy": Metric(0.9, 0.9, 0.9)},
    )
    return LoadedModel(
        card, Encoder(tuple(NumberField(name, 3.0, nullable=False) for name in NAMES), ()), scorer
    )


def _as_mlflow(kind: str, fitted: Any, rows: Any, folder: Path) -> None:
    """As a person does who follows MLflow's documentation; nothing where it is absent."""
    try:
        import mlflow.pyfunc
        import mlflow.sklearn
        import mlflow.xgboost
        import pandas
        from mlflow.models import infer_signature
    except ImportError:
        return
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it warns of its own pickle, which only it will read
    table = pandas.DataFrame(rows, columns=list(NAMES))
    told = {"signature": infer_signature(table, fitted.predict(rows)), "pip_requirements": []}
    if kind == "linear":
        mlflow.sklearn.save_model(fitted, folder, serialization_format="cloudpickle", **told)
    else:
        mlflow.xgboost.save_model(fitted, folder, **told)
