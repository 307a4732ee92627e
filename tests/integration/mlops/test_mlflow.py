"""MLflow behind the pointer: runs, model versions, aliases; a store of our own, a server, and one that is gone."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from config.monitoring import ModelSpec
from mlops.generators import credit_risk
from mlops.places import Places
from mlops.registry import store
from mlops.registry.mirror import TAG, mirror
from mlops.registry.registry import Registry
from mlops.registry.runs import log_run
from mlops.registry.store import experiment_of, mlflow_client
from mlops.tables.table import Table
from mlops.training.renewal import renew
from tests.fixtures.extra import needs
from tests.fixtures.mlflow_store import aliases, free_port, fresh, server
from tests.fixtures.small_models import made

CREDIT = ModelSpec(
    name="credit", task="classification", data="credit.csv", target="default", algorithm="linear"
)


@pytest.fixture(scope="module")
def table() -> Table:
    return credit_risk(300)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def frame_of(table: Table) -> Any:
    import pandas as pd

    return pd.DataFrame({name: values for name, values in table.columns.items() if name != "default"})


def test_a_training_is_a_run_and_the_champion_loads_by_its_alias(table: Table, tmp_path: Path) -> None:
    import mlflow

    places = fresh(tmp_path)
    renewal = renew(CREDIT, table, places, seed=4)
    assert renewal.notes == ()
    with mlflow_client(places) as client:
        run = client.get_run(renewal.trained.card.run_id)
        assert run.info.status == "FINISHED"
        assert run.data.metrics["accuracy"] == renewal.trained.metrics["accuracy"].value
        assert run.data.metrics["accuracy_low"] == renewal.trained.metrics["accuracy"].low
        assert (run.data.params["seed"], run.data.params["algorithm"]) == ("4", "linear")
        assert run.data.params["fingerprint"] == renewal.trained.card.data.fingerprint
    mlflow.set_tracking_uri(f"sqlite:///{places.mlflow / 'mlflow.db'}")
    loaded = mlflow.pyfunc.load_model("models:/credit@champion")
    ours = Registry(places, "credit").load_champion()
    assert loaded.predict(frame_of(table)).tolist() == ours.score_table(table)[0].tolist()
    artifacts = {path.suffix for path in (places.mlflow / "artifacts").rglob("*") if path.is_file()}
    assert not artifacts & {".pkl", ".pickle", ".joblib", ".cloudpickle"}


def test_aliases_follow_promotion_and_rollback_and_are_put_right_when_moved_by_hand(tmp_path: Path) -> None:
    places = fresh(tmp_path)
    models = Registry(places, "credit")
    for _ in range(3):
        models.register(made())
    models.set_challenger(3, "")
    assert mirror(places, "credit") == []
    assert aliases(places, "credit") == {"champion": 1, "challenger": 3}
    models.promote(3, "")
    mirror(places, "credit")
    assert aliases(places, "credit") == {"champion": 3}
    models.rollback("")
    mirror(places, "credit")
    assert aliases(places, "credit") == {"champion": 1}
    with mlflow_client(places) as client:
        client.set_registered_model_alias("credit", "champion", "2")
    mirror(places, "credit", anew=True)
    assert aliases(places, "credit") == {"champion": 1}


def test_what_mlflow_was_told_is_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = fresh(tmp_path)
    Registry(places, "credit").register(made())
    assert mirror(places, "credit") == []
    monkeypatch.setattr("mlops.registry.mirror.mlflow_client", None)
    assert mirror(places, "credit") == []


def test_a_server_that_is_down_loses_nothing_and_what_it_missed_follows(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = fresh(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter2@127.0.0.1:{free_port()}")
    renewal = renew(CREDIT, table, places)
    models = Registry(places, "credit")
    assert (models.champion(), renewal.trained.card.run_id) == (1, "")
    assert any("MLflow was left out" in note and "Connection refused" in note for note in renewal.notes)
    assert not any("hunter2" in note for note in renewal.notes)
    models.promote(models.register(made()), "")
    assert len(mirror(places, "credit")) == 1
    assert models.champion() == 2
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert mirror(places, "credit") == []
    assert aliases(places, "credit") == {"champion": 2}
    with mlflow_client(places) as client:
        [first] = [each for each in client.search_model_versions("name = 'credit'") if each.tags[TAG] == "1"]
        assert client.get_run(first.run_id).data.metrics["f1"] == renewal.trained.metrics["f1"].value


def test_a_server_that_takes_calls_and_never_answers_is_given_up_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(tmp_path)
    Registry(places, "credit").register(made())
    monkeypatch.setattr(store, "PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}/mlflow")
        began = time.monotonic()
        [problem] = mirror(places, "credit")
    assert "timed out" in problem
    assert time.monotonic() - began < 5


def test_a_server_is_tracked_in_over_http(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra holds MLflow's client alone; NIGHTWARDEN_TEST_MLFLOW names a Python that has its server."""
    import mlflow

    if not (python := os.environ.get("NIGHTWARDEN_TEST_MLFLOW")):
        pytest.skip("NIGHTWARDEN_TEST_MLFLOW names no Python with the whole of MLflow")
    places = Places(tmp_path)
    with server(python, tmp_path / "server") as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        renewal = renew(CREDIT, table, places)
        assert renewal.notes == ()
        assert aliases(places, "credit") == {"champion": 1}
        mlflow.set_tracking_uri(url)
        loaded = mlflow.pyfunc.load_model("models:/credit@champion")
        ours = Registry(places, "credit").load_champion()
        assert loaded.predict(frame_of(table)).tolist() == ours.score_table(table)[0].tolist()
    assert not (places.models / "mlflow").exists()
    models = Registry(places, "credit")
    models.promote(models.register(made()), "")
    assert len(mirror(places, "credit")) == 1


def test_without_mlflow_a_training_goes_on_and_says_so(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops.registry.store.find_spec", lambda name: None)
    renewal = renew(CREDIT, table, Places(tmp_path))
    assert Registry(Places(tmp_path), "credit").champion() == 1
    assert "it is not installed (make setup-mlops)" in renewal.notes[0]


def test_a_damaged_version_is_told_and_the_others_are_mirrored(tmp_path: Path) -> None:
    places = fresh(tmp_path)
    models = Registry(places, "credit")
    models.register(made())
    models.register(made())
    (places.version("credit", 2) / "card.json").write_bytes(b"{}")
    [problem] = mirror(places, "credit")
    assert "version 2 is not in MLflow" in problem
    assert mirror(places, "credit") == [problem]
    assert aliases(places, "credit") == {"champion": 1}


def test_a_run_whose_training_was_killed_does_not_run_for_ever(tmp_path: Path) -> None:
    places = fresh(tmp_path)
    now = int(time.time() * 1000)
    with mlflow_client(places) as client:
        experiment = experiment_of(client, places, "credit")
        dead = client.create_run(experiment, start_time=now - 7_200_000).info.run_id
        alive = client.create_run(experiment, start_time=now - 60_000).info.run_id
        log_run(client, places, made().model.card)
        assert [client.get_run(run).info.status for run in (dead, alive)] == ["KILLED", "RUNNING"]
