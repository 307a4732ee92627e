"""A training as a run in MLflow: parameters, metrics with their intervals, the card."""

import time
from typing import Any

import msgspec

from mlops.models.card import Card
from mlops.places import Places
from mlops.registry.store import StoreError, experiment_of, mlflow_client

LONGEST_RUN_MS = 3_600_000  # writing a run down takes seconds: what is open for longer was killed
LONGEST = 500  # characters of a value that MLflow takes everywhere


def track(card: Card, places: Places) -> tuple[str, str]:
    """The id of the run, or why there is none: the training itself is not lost by that."""
    try:
        with mlflow_client(places) as client:
            return log_run(client, places, card), ""
    except StoreError as problem:
        return "", f"{problem}; the training is kept and is tracked by the next command that reaches it"


def log_run(client: Any, places: Places, card: Card) -> str:
    from mlflow.entities import Metric, Param, RunTag

    at = int(time.time() * 1000)
    experiment = experiment_of(client, places, card.name)
    _end_the_dead(client, experiment, at)
    run_id = str(client.create_run(experiment, run_name=f"{card.name} {card.trained_at}").info.run_id)
    figures = {
        f"{name}{part}": value
        for name, metric in card.metrics.items()
        for part, value in (("", metric.value), ("_low", metric.low), ("_high", metric.high))
    }
    settings = {
        **card.parameters,
        "algorithm": card.algorithm,
        "seed": card.seed,
        "target": card.target,
        "features": ", ".join(card.features),
        "rows": card.data.rows,
        "data": card.data.path,
        "fingerprint": card.data.fingerprint,
    }
    try:
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, at, 0) for name, value in figures.items()],
            params=[Param(name, str(value)[:LONGEST]) for name, value in settings.items()],
            tags=[RunTag(f"library.{name}", value) for name, value in card.libraries.items()],
        )
        client.log_dict(run_id, msgspec.to_builtins(card), "card.json")
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _end_the_dead(client: Any, experiment: str, now_ms: int) -> None:
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if run.info.start_time < now_ms - LONGEST_RUN_MS:
            client.set_terminated(run.info.run_id, "KILLED")
