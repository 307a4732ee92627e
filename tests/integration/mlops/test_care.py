"""What the daemon's worker processes do to a model, on real tables, registries and logs of requests."""

import json
import time
from pathlib import Path

import pytest

from config.model import DriftDetection, Service
from config.on_model import ModelPlatform
from mlops import care
from mlops.errors import BadInputError
from mlops.generators import Drift, credit_risk
from mlops.monitoring.bootstrap import from_predictions
from mlops.predictions.reading import predictions
from mlops.predictions.records import Prediction, rfc3339
from mlops.predictions.writing import append_predictions
from mlops.retraining.harvest import current
from mlops.retraining.record import Run
from mlops.retraining.renewal import renew_reference
from mlops.tables import read_table
from tests.fixtures.retraining_world import FEATURES, SPEC, World, drifted, fitted

MARK = "act-1"
TERMS = care.Terms()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two hours of requests as the champion knows them, a reference of them, and a table without damage."""
    model = {
        "name": SPEC.name,
        "task": SPEC.task,
        "data": SPEC.data,
        "target": SPEC.target,
        "algorithm": "linear",
    }
    config = {
        "models": [model],
        "watch": {"full_report_h": 6, "lookback_h": 1, "interval_s": 5},
    }  # fmt: skip
    (tmp_path / "config").mkdir()
    (tmp_path / "config/monitoring_config.json").write_text(json.dumps(config))
    made = World(tmp_path)
    made.clock.at = time.time() - 7200
    made.begin(2000, 0.0)
    made.serve(3000, 3, 0.0)
    from_predictions(SPEC, made.places, made.clock.at, 2.0)
    return made


@pytest.fixture
def service(world: World) -> Service:
    root = world.places.root
    platform = ModelPlatform(config=str(root / "config/monitoring_config.json"), root=str(root))
    return Service(name="credit", platform=platform)


def repaired(service: Service) -> None:
    """The maker's tails are what the repair caps."""
    care.carry_out(service, TERMS, "repair_data", "before")


def test_a_model_that_is_well_has_no_trouble(world: World, service: Service) -> None:
    repaired(service)
    world.serve(500, 5, 0.0)
    found = care.look(service, TERMS)
    assert (found.trouble, found.judging, found.next_s) == ("", "", 5)


def test_a_damaged_table_is_told_with_its_columns_repaired_and_taken_back(
    world: World, service: Service
) -> None:
    repaired(service)
    table = world.places.root / SPEC.data
    whole = table.read_bytes()
    lines = whole.split(b"\n")
    lines[5] = b"," + lines[5].split(b",", 1)[1]
    table.write_bytes(b"\n".join(lines))
    damaged = table.read_bytes()
    found = care.look(service, TERMS)
    assert found.trouble == "data_quality" and found.names == ("age",) and found.path == SPEC.data
    done = care.carry_out(service, TERMS, "repair_data", MARK)
    assert care.done_since(service, TERMS, "repair_data", MARK) == done
    assert care.look(service, TERMS).trouble == ""
    assert table.read_bytes().split(b"\n")[6:] == damaged.split(b"\n")[6:]
    care.take_back(service, TERMS, "repair_data", done.way_back, "undo")
    assert table.read_bytes() == damaged


def test_a_version_that_does_worse_than_the_one_before_is_told_and_rolled_back_once(
    world: World, service: Service
) -> None:
    repaired(service)
    poisoned = drifted(4000, 9, 0.0)
    bad = fitted(
        SPEC, poisoned._with({**poisoned.columns, "default": 1 - poisoned.column("default")}), world.places
    )
    world.registry.register(bad)
    world.registry.promote(2, "somebody was sure of it")
    world.serve(400, 6, 0.0)
    found = care.look(service, TERMS)
    assert found.trouble == "worse_since_promotion" and found.version == 2
    care.carry_out(service, TERMS, "rollback_model", MARK)
    assert world.registry.champion() == 1
    (world.places.monitoring / "acts/credit.json").unlink()  # died before it was noted
    found_done = care.done_since(service, TERMS, "rollback_model", MARK)
    assert found_done is not None and found_done.way_back == "2"
    assert care.look(service, TERMS).trouble != "worse_since_promotion"
    care.take_back(service, TERMS, "rollback_model", "2", "undo")
    assert world.registry.champion() == 2


def test_drift_trains_on_labelled_requests_and_promotion_waits_for_permission(
    world: World, service: Service
) -> None:
    repaired(service)
    world.clock.at = time.time() - 3500
    world.serve(1500, 7, 0.8)
    desk = care.model_of(service, TERMS).desk()
    assert care.carry_out(service, TERMS, "retrain", MARK).detail
    window = current(SPEC, world.places)
    table = read_table(world.places.root / window.data, target="default")
    assert table.rows == 1500 and world.registry.challenger() == 2
    assert "shadow" in care.look(service, TERMS).judging
    world.clock.at = time.time()
    world.serve(3000, 8, 0.8)
    found = care.look(service, TERMS)
    assert found.promotable == 2 and world.registry.champion() == 1, found
    care.carry_out(service, TERMS, "promote_model", "act-2")
    assert world.registry.champion() == 2
    assert desk.registry(SPEC).champion() == 2
    assert care.look(service, TERMS).trouble == ""  # the new reference is what the new champion was judged by
    assert predictions(world.places, "credit").rows == 7500


def test_what_cannot_be_looked_at_is_one_line(tmp_path: Path, service: Service, world: World) -> None:
    (world.places.root / SPEC.data).unlink()
    with pytest.raises(BadInputError) as error:
        care.look(service, TERMS)
    assert SPEC.data in str(error.value)


def asked(world: World, rows: int, began_at: float, drift: Drift) -> None:
    """One request a second of people who are as `drift` says."""
    table = credit_risk(rows, int(began_at), drift).select(FEATURES)
    lines = []
    for row in range(rows):
        name, at = world.stamps.next(began_at + row)
        lines.append(Prediction(prediction_id=name, timestamp=at, model="credit", model_version=1,
                                features=table.row(row), prediction=0, probability=0.1))  # fmt: skip
    append_predictions(world.places, "credit", lines)


def test_after_a_promotion_what_was_asked_in_the_world_before_is_no_drift(
    world: World, service: Service
) -> None:
    repaired(service)
    now = time.time()
    asked(world, 1000, now - 1900, Drift())
    asked(world, 600, now - 610, Drift(shifts={"age": -1.0, "income": 1.0, "credit_score": 1.0}))
    assert care.look(service, TERMS).trouble == "drift"
    run = Run(id="r", model="credit", drift_score=0.8, started_at=rfc3339(now), since=rfc3339(now - 615))
    renew_reference(SPEC, run, world.places, now)
    assert care.look(service, TERMS).trouble == ""


def test_the_threshold_of_the_daemons_own_configuration_decides_what_drift_is(
    world: World, service: Service
) -> None:
    repaired(service)
    beside = world.places.root / "config/self_healing_config.json"
    beside.write_text('{"drift_detection": {"drift_threshold": 9.0}}')
    now = time.time()
    asked(world, 1000, now - 1900, Drift())
    asked(world, 600, now - 610, Drift(shifts={"age": -1.0, "income": 1.0, "credit_score": 1.0}))
    patient = care.Terms(drift=DriftDetection(drift_threshold=0.9))
    assert care.look(service, patient).trouble == ""
    assert care.look(service, TERMS).trouble == "drift"
