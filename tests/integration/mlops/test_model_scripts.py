import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.problems import ConfigError
from mlops.errors import BadInputError
from mlops.retraining.log import read_log
from scripts import auto_retrain_on_drift, rollback_model, validate_model
from tests.fixtures.retraining_world import SPEC, World, drifted
from utils.disk import OsDisk

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    found = World(tmp_path)
    found.begin()
    model = {
        "name": "credit",
        "task": "classification",
        "data": SPEC.data,
        "target": "default",
        "algorithm": "linear",
    }
    settings(tmp_path)
    (tmp_path / "config/monitoring_config.json").write_text(json.dumps({"models": [model]}))
    return found


def settings(root: Path, **sections: object) -> None:
    (root / "config").mkdir(exist_ok=True)
    (root / "config/self_healing_config.json").write_text(json.dumps({"services": [], **sections}))


def words(world: World, *rest: str) -> list[str]:
    return [*rest, "--root", str(world.places.root)]


def retrain(world: World, *rest: str) -> int:
    return auto_retrain_on_drift.main(words(world, "--no-tracking", *rest))


def roll_back(world: World, *rest: str) -> int:
    return rollback_model.main(words(world, "--no-tracking", *rest))


DRIFT = ("--drift-detected", "--drift-score", "0.85")


def test_a_drifted_model_is_retrained_and_the_workflow_told(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = world.places.root / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    assert retrain(world, *DRIFT) == 0
    assert world.registry.champion() == 2
    assert "is watched" in capsys.readouterr().out
    lines = dict(line.split("=") for line in outputs.read_text().splitlines())
    assert lines == {"retrained": "true", "status": "watching", "drift_detected": "true", "drift_score": "0.85",
                     "model_version": "2"}  # fmt: skip
    log = read_log(OsDisk(), world.places)
    assert [event["event"] for event in log["events"]] == ["requested", "trained", "promoted"]
    assert log["last_retrain_time"] == log["events"][1]["timestamp"]


def test_a_score_below_the_threshold_says_why_nothing_is_retrained(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retrain(world, "--drift-detected", "--drift-score", "0.2") == 0
    assert "drift score 0.2 is not above drift_threshold 0.5" in capsys.readouterr().out


def test_the_second_retraining_of_a_day_cools_down_and_exits_0(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    import time

    from mlops.retraining.log import log_event
    from mlops.retraining.record import told

    log_event(
        OsDisk(), world.places, {"timestamp": told(time.time() - 7200), "model": "credit", "event": "trained"}
    )
    assert retrain(world, *DRIFT) == 0
    assert "the cool-down of 24 h ends" in capsys.readouterr().out


def test_consent_that_is_not_given_exits_1(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    settings(world.places.root, drift_detection={"auto_retrain_enabled": False})
    assert retrain(world, *DRIFT, "--force") == 1
    assert "auto_retrain_enabled is false" in capsys.readouterr().err


@pytest.mark.parametrize(("detected", "champion"), [(True, 2), (False, 1)])
def test_without_flags_the_last_alert_decides(world: World, detected: bool, champion: int) -> None:
    alert = {"drift_detected": detected, "drift_score": 0.75, "model": "credit"}
    world.places.alerts.mkdir()
    world.places.drift_alert.write_text(
        json.dumps({**alert, "drift_detected": False, "models": {"credit": alert}})
    )
    assert retrain(world) == 0
    assert world.registry.champion() == champion


def test_a_model_that_nobody_configured_is_bad_input(world: World) -> None:
    with pytest.raises(ConfigError, match="nobody"):
        validate_model.main(words(world, "--model", "nobody"))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "drift_alert.json: no such file"),
        (["--drift-detected"], "needs --drift-score"),
        (["--drift-detected", "--drift-score", "nan"], "between 0 and 1"),
        (["--drift-detected", "--drift-score", "7"], "between 0 and 1"),
    ],
)
def test_flags_that_say_nothing_are_bad_input(world: World, flags: list[str], told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        retrain(world, *flags)


def test_a_metric_below_the_threshold_rolls_back_and_is_logged(world: World) -> None:
    assert retrain(world, *DRIFT) == 0
    assert (
        roll_back(world, "--current-metric", "0.65", "--threshold", "0.70", "--reason", "users complain") == 0
    )
    assert world.registry.champion() == 1
    [entry] = json.loads(world.places.rollback_log.read_text())
    assert (entry["current_metric"], entry["threshold"], entry["reason"]) == (0.65, 0.7, "users complain")
    assert (entry["from_version"], entry["to_version"]) == (2, 1)


def test_a_dry_run_and_a_metric_that_is_good_enough_change_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    retrain(world, *DRIFT)
    assert roll_back(world, "--current-metric", "0.65", "--threshold", "0.70", "--dry-run") == 0
    assert "would go back to version 1" in capsys.readouterr().out
    assert roll_back(world, "--current-metric", "0.70", "--threshold", "0.70") == 0
    assert "is not below 0.7" in capsys.readouterr().out
    assert world.registry.champion() == 2


def test_a_rollback_needs_a_version_to_go_back_to(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert roll_back(world, "--current-metric", "0.65", "--threshold", "0.70") == 1
    assert "no earlier version" in capsys.readouterr().err
    assert world.registry.champion() == 1


def test_a_rollback_needs_consent(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    retrain(world, *DRIFT)
    settings(world.places.root, model_validation={"auto_rollback_enabled": False})
    assert roll_back(world, "--current-metric", "0.65", "--threshold", "0.70") == 1
    assert "auto_rollback_enabled is false" in capsys.readouterr().err
    assert world.registry.champion() == 2


def test_without_figures_the_metric_is_measured_and_compared_with_the_configured_threshold(
    world: World,
) -> None:
    retrain(world, *DRIFT)
    settings(world.places.root, model_validation={"min_accuracy_threshold": 0.99})
    assert roll_back(world) == 0
    assert world.registry.champion() == 1
    [entry] = json.loads(world.places.rollback_log.read_text())
    assert 0.6 < entry["current_metric"] < 0.9
    assert entry["threshold"] == 0.99


def test_validation_measures_the_champion_on_rows_that_it_never_saw(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrain(world, *DRIFT)
    outputs, results = world.places.root / "outputs", world.places.root / "results.json"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    assert validate_model.main(words(world, "--output", str(results))) == 0
    found = json.loads(results.read_text())
    assert (found["version"], found["passed"], found["rows"]) == (2, True, 800)
    assert found["judged_on"] == "the part that was held out from retraining"
    model, table = world.registry.load(2), drifted(50_000, 77)
    true = (model.score_table(table)[0] == table.column("default")).mean()
    assert found["metrics"]["accuracy"]["low"] - 0.02 < true < found["metrics"]["accuracy"]["high"] + 0.02
    assert f"accuracy={found['accuracy']:.6f}" in outputs.read_text().splitlines()


def test_validation_below_the_threshold_exits_1_and_still_writes_the_result(world: World) -> None:
    results = world.places.root / "results.json"
    assert validate_model.main(words(world, "--output", str(results), "--threshold", "0.99")) == 1
    assert json.loads(results.read_text())["passed"] is False


@pytest.mark.parametrize(
    ("script", "flags"),
    [
        ("validate_model.py", ["--data", "no/such.csv"]),
        ("rollback_model.py", ["--current-metric", "nan"]),
        ("auto_retrain_on_drift.py", []),
    ],
)
def test_bad_input_is_one_line_and_exit_2(world: World, script: str, flags: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / script), *words(world, *flags)],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
