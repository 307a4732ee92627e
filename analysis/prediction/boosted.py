"""Two small ensembles of trees over the features: will it fail inside the horizon, and how long until it fails.

The second tells rows near the horizon's edge apart, of which the first knows only the side.
"""

import json
from typing import Any

import numpy as np
from msgspec import Struct

from analysis.prediction.record import Floats, Matrix

CAP = 1.5  # horizons; what fails later fails "later"
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.06,
    "subsample": 0.5,
    "colsample_bytree": 0.2,
    "min_child_weight": 10,
    "reg_lambda": 5,
    "max_bin": 64,
    "tree_method": "hist",
    "nthread": 1,
    "verbosity": 0,
}
ROUNDS = 250
DEPTHS = {"inside": 3, "until": 4}
OBJECTIVES = {"inside": "binary:logistic", "until": "reg:squarederror"}


class Boosted(Struct, frozen=True):
    """Both ensembles as XGBoost's JSON, with the mean and spread of each one's margin on what it was fitted to."""

    models: dict[str, str]
    centres: dict[str, float]
    spreads: dict[str, float]

    def margins(self, matrix: Matrix) -> Floats:
        """Higher means sooner; in standard deviations, the mean of both."""
        import xgboost

        data = xgboost.DMatrix(matrix, nthread=1)
        total = np.zeros(len(matrix))
        for kind, text in self.models.items():
            booster = xgboost.Booster({"nthread": 1})
            booster.load_model(bytearray(text.encode()))
            found = booster.predict(data, output_margin=True).astype(float)
            total += (_sign(kind) * found - self.centres[kind]) / self.spreads[kind]
        return total / len(self.models)

    def gains(self, names: tuple[str, ...]) -> dict[str, float]:
        """What each feature contributed, of 1 in all."""
        import xgboost

        total: dict[str, float] = {}
        for text in self.models.values():
            booster = xgboost.Booster()
            booster.load_model(bytearray(text.encode()))
            score = booster.get_score(importance_type="total_gain")
            everything = sum(float(np.sum(gain)) for gain in score.values()) or 1.0
            for feature, gain in score.items():
                name = names[int(feature[1:])]
                total[name] = total.get(name, 0.0) + float(np.sum(gain)) / everything / len(self.models)
        return total


def fit_boosted(
    matrix: Matrix, ahead: Floats, horizon: tuple[float, float], *, seed: int, rounds: int = ROUNDS
) -> Boosted:
    """`ahead` is each row's time to its failure."""
    import xgboost

    low, high = horizon
    inside = (ahead > low) & (ahead <= high)
    until = np.log1p(np.where(ahead <= low, CAP * high, np.minimum(ahead, CAP * high)) / high)
    models, centres, spreads = {}, {}, {}
    for kind, target in (("inside", inside.astype(float)), ("until", until)):
        settings = SETTINGS | {"objective": OBJECTIVES[kind], "max_depth": DEPTHS[kind], "seed": seed}
        data = xgboost.DMatrix(matrix, label=target, nthread=1)
        booster = xgboost.train(settings, data, num_boost_round=rounds)
        margins = _sign(kind) * booster.predict(data, output_margin=True).astype(float)
        models[kind] = json.dumps(json.loads(bytes(booster.save_raw("json"))))
        centres[kind], spreads[kind] = float(margins.mean()), max(float(margins.std()), 1e-9)
    return Boosted(models, centres, spreads)


def _sign(kind: str) -> int:
    return -1 if kind == "until" else 1
