"""Trains one configured model: checks its table, holds a part out, fits, judges, and writes down what it did."""

import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.models.card import Card, DataFacts, Metric
from mlops.models.loaded import LoadedModel, Scores
from mlops.places import Places
from mlops.registry.backups import back_up
from mlops.registry.runs import track
from mlops.tables.fingerprint import fingerprint
from mlops.tables.splits import Split, split
from mlops.tables.table import Table, features
from mlops.training.encoding import learn_encoder
from mlops.training.fitting import NEEDS_FILLING, PARAMETERS, fit
from mlops.training.metrics import measure
from mlops.training.target import check_spread, classes_of, leaks, outcomes

LIBRARIES = {"linear": "scikit-learn", "forest": "scikit-learn", "xgboost": "xgboost"}
Say = Callable[[str], None]


def silent(text: str) -> None:
    """Says nothing."""


class Trained(Struct, frozen=True, kw_only=True):
    """A model that nobody uses yet: give it to the registry."""

    card: Card
    model: LoadedModel
    metrics: dict[str, Metric]
    split: Split
    notes: tuple[str, ...] = ()  # what a person should know
    backup: Path | None = None  # of the champion as it was before


def train(
    spec: ModelSpec,
    table: Table,
    places: Places,
    *,
    seed: int = 0,
    tracking: bool = True,
    say: Say = silent,
) -> Trained:
    """BadInputError names file and column where nothing could be learnt; a tracking server that is down is a note."""
    started = time.monotonic()
    backup, notes = back_up(places, spec.name)
    say("Checking the table")
    names = features(spec, table)
    parts = split(table, spec, seed=seed)
    classes = classes_of(table, spec)
    outcome = outcomes(parts.train, spec.target, classes)
    check_spread(outcome, table, spec.target)
    notes += leaks(parts.train, names, spec, outcome)
    say(f"Fitting {spec.algorithm} to {parts.train.rows:,} rows of {len(names)} columns")
    encoder = learn_encoder(parts.train, names, fill=spec.algorithm in NEEDS_FILLING)
    fitted = fit(
        spec.algorithm, encoder.matrix(parts.train), outcome, logistic=classes is not None, seed=seed
    )
    say(f"Judging it by {parts.held_out.rows:,} rows that it never saw")
    card = Card(
        name=spec.name,
        task=spec.task,
        algorithm=spec.algorithm,
        target=spec.target,
        features=names,
        classes=classes,
        data=_facts(table, places, parts),
        seed=seed,
        trained_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        metrics={},
        parameters=PARAMETERS[spec.algorithm],
        libraries=_libraries(spec.algorithm),
        notes=(*table.notes, *notes, *fitted.notes),
    )
    metrics = evaluate(LoadedModel(card, encoder, fitted.scorer), parts.held_out, seed=seed)
    card = msgspec.structs.replace(card, metrics=metrics, seconds=round(time.monotonic() - started, 3))
    told = card.notes
    if tracking:
        say("Tracking the run")
        run_id, problem = track(card, places)
        card = msgspec.structs.replace(card, run_id=run_id)
        told = (*told, problem) if problem else told
    model = LoadedModel(card, encoder, fitted.scorer)
    return Trained(card=card, model=model, metrics=metrics, split=parts, notes=told, backup=backup)


def evaluate(model: LoadedModel, table: Table, *, seed: int = 0) -> dict[str, Metric]:
    """How good a model is on a table with its target; rows without one count for nothing."""
    outcome, score = judged(model, table)
    metrics = measure(model.card.task, outcome, score, seed=seed)
    if "accuracy" not in metrics:
        where = f"{table.path}: column {model.card.target!r}"
        raise BadInputError(
            "all rows to judge by have the same value: no accuracy", where=where, do="use more rows"
        )
    return metrics


def judged(model: LoadedModel, table: Table) -> tuple[Scores, Scores]:
    """Outcomes and scores of the rows whose target is known."""
    outcome = outcomes(table, model.card.target, model.card.classes)
    known = ~np.isnan(outcome)
    if not known.any():
        where = f"{table.path}: column {model.card.target!r}"
        raise BadInputError("no row has a target that the model knows", where=where)
    rows = table if known.all() else table.take(known)
    return outcome[known], model.scorer.matrix(model.encoder.matrix(rows))


def _facts(table: Table, places: Places, parts: Split) -> DataFacts:
    path = table.path
    if path.is_absolute() and path.is_relative_to(places.root):
        path = path.relative_to(places.root)
    return DataFacts(
        path=str(path),
        fingerprint=fingerprint(table).content,
        rows=parts.train.rows + parts.held_out.rows,
        trained_rows=parts.train.rows,
        held_out_rows=parts.held_out.rows,
    )


def _libraries(algorithm: str) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("nightwarden", "numpy", LIBRARIES[algorithm], f"{LIBRARIES[algorithm]}-cpu"):
        try:
            found[name.removesuffix("-cpu")] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
