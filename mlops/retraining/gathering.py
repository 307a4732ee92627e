"""What the gate and the watch judge by: served requests whose labels came, or rows of the table that neither model saw."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from config.monitoring import ModelSpec
from mlops.gate import Answers, Evidence
from mlops.gate.quality import calibration_slope
from mlops.models.card import Card
from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.predictions.labels import Matured, matured
from mlops.registry.pointer import Change
from mlops.retraining.record import Baseline, Run, unix
from mlops.retraining.watch import Counts
from mlops.tables import Table

Floats = NDArray[np.float64]
TOLERATED = 0.8  # of the champion's absolute errors lie below what counts as bad in a regression

CLOCKS_DIFFER_S = 5.0  # of whoever tells labels and of whoever answers requests


class Models(Struct, frozen=True):
    champion: LoadedModel
    challenger: LoadedModel


def outcomes(card: Card, values: NDArray[Any]) -> Floats:
    """Labels or predictions as 0, 1 or the number; NaN for what is neither."""
    known: dict[Any, float] = {}
    for value in values.tolist():
        if value not in known:
            outcome = card.outcome(value)
            known[value] = np.nan if outcome is None else outcome
    return np.array([known[value] for value in values.tolist()], float)


def served(places: Places, spec: ModelSpec, run: Run, models: Models) -> Evidence:
    """The champion's requests since the challenger answered the first one in the shadow."""
    found = matured(places, run.model, since=unix(run.since))
    ours = np.flatnonzero(found.version == run.champion)
    shadowed = ours[found.shadow_version[ours] == run.challenger]
    first = found.at[shadowed].min() if len(shadowed) else np.inf
    rows = ours[found.at[ours] >= first]
    mine = found.shadow_version[rows] == run.challenger
    card, other = models.champion.card, models.challenger.card
    said = np.where(mine, outcomes(other, found.shadow_prediction[rows]), np.nan)
    columns = {name: values[rows] for name, values in found.features.items()}
    return Evidence(
        task=spec.task,
        labels=outcomes(card, found.labels[rows]),
        champion=_answers(spec, outcomes(card, found.prediction[rows]), found.probability[rows]),
        challenger=_answers(spec, said, found.shadow_probability[rows]),
        slices=_slices(spec, columns),
        features=columns,
        averages=other.algorithm == "forest",
        predicted_at=found.at[rows],
        labelled_at=found.told_at[rows] + CLOCKS_DIFFER_S,
    )


def held_out(spec: ModelSpec, table: Table, models: Models) -> Evidence:
    card = models.champion.card
    columns = {name: table.column(name) for name in table.names if name != spec.target}
    return Evidence(
        task=spec.task,
        labels=outcomes(card, _labels(spec, table)),
        champion=_scored(spec, models.champion, table),
        challenger=_scored(spec, models.challenger, table),
        slices=_slices(spec, columns),
        features={name: columns[name] for name in models.challenger.card.features},
        averages=models.challenger.card.algorithm == "forest",
    )


def _labels(spec: ModelSpec, table: Table) -> NDArray[Any]:
    return table.texts(spec.target) if spec.task == "classification" else table.column(spec.target)


def _scored(spec: ModelSpec, model: LoadedModel, table: Table) -> Answers:
    prediction, probability = model.score_table(table)
    return _answers(spec, outcomes(model.card, np.asarray(prediction)), probability)


def _answers(spec: ModelSpec, said: Floats, probability: Floats | None) -> Answers:
    return Answers(
        said,
        np.asarray(probability, float) if spec.task == "classification" and probability is not None else None,
    )


def _slices(spec: ModelSpec, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: columns[name] for name in spec.slices if name in columns}


def training_slope(trained: object) -> dict[str, float]:
    """How the new model's probabilities fit the rows that its own training held out, for the version's history."""
    parts, model = getattr(trained, "split", None), getattr(trained, "model", None)
    if parts is None or model is None or model.card.classes is None or not parts.held_out.rows:
        return {}
    labels = outcomes(model.card, parts.held_out.texts(model.card.target))
    _, probability = model.score_table(parts.held_out)
    known = np.isfinite(labels)
    slope, error = calibration_slope(labels[known], np.asarray(probability, float)[known])
    return {"slope": slope, "slope_error": error} if np.isfinite(error) else {}


def slope_of(history: list[Change], run: Run) -> tuple[float, float] | None:
    for change in history:
        if change.details.get("run") == run.id and "slope" in change.details:
            return float(change.details["slope"] or 0), float(change.details["slope_error"] or 0)
    return None


def baseline(evidence: Evidence) -> Baseline:
    """How often the champion was wrong on what the gate judged by."""
    known = np.isfinite(evidence.labels) & np.isfinite(evidence.champion.prediction)
    errors = np.abs(evidence.champion.prediction - evidence.labels)[known]
    limit = 0.5 if evidence.task == "classification" else float(np.quantile(errors, TOLERATED))
    return Baseline(len(errors), int((errors > limit).sum()), limit)


def answered_since(places: Places, run: Run, card: Card) -> Counts:
    """The promoted model's answers whose labels came, and how many of them were bad."""
    limit = run.baseline.error_limit if run.baseline is not None else 0.5
    found: Matured = matured(places, run.model, since=unix(run.promoted_at))
    mine = np.flatnonzero(found.version == run.challenger)
    errors = np.abs(outcomes(card, found.prediction[mine]) - outcomes(card, found.labels[mine]))
    errors = errors[np.isfinite(errors)]
    return Counts(len(errors), int((errors > limit).sum()))
