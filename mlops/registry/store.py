"""Reaches MLflow: which store is meant, whether it answers, and calls that do not wait for minutes where it does not."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from config.settings import load_settings
from mlops.places import Places
from utils.redact import Redactor

PATIENCE_S = 3.0
QUICK = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
WARNING = "MLflow was left out"


class StoreError(Exception):
    """MLflow cannot be used now; why, in one line without secrets."""


def uri_of(places: Places) -> str:
    """MLFLOW_TRACKING_URI, else a database of our own below models/."""
    settings = load_settings(os.environ)
    return settings.mlflow_tracking_uri or f"sqlite:///{places.mlflow.resolve() / 'mlflow.db'}"


@contextmanager
def mlflow_client(places: Places) -> Iterator[Any]:
    """A client of the store; whatever goes wrong with it is a StoreError."""
    uri = uri_of(places)
    try:
        _check_reachable(uri)
        if not load_settings(os.environ).mlflow_tracking_uri:
            places.mlflow.mkdir(parents=True, exist_ok=True)
        yield _client(uri)
    except StoreError:
        raise
    except Exception as error:  # MLflow, its databases and its HTTP library have errors of their own
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StoreError(Redactor()(f"{WARNING}: {uri}: {first[:200]}")) from error


def _check_reachable(uri: str) -> None:
    if find_spec("mlflow") is None:
        raise StoreError(f"{WARNING}: it is not installed (make setup-mlops)")
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"}:
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            connection.getresponse()  # whatever it says, somebody is there
        finally:
            connection.close()


def _client(uri: str) -> Any:
    for name, value in QUICK.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment_of(client: Any, places: Places, name: str) -> str:
    """The experiment of a model, made where it is missing; artifacts of a store of our own lie beside it."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    own = uri_of(places).startswith("sqlite:")
    artifacts = (places.mlflow.resolve() / "artifacts" / name).as_uri() if own else None
    return str(client.create_experiment(name, artifact_location=artifacts))
