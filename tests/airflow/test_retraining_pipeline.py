"""The DAG in a real Airflow: it loads, and a run of it repairs, looks, retrains and judges on real tables."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("NIGHTWARDEN_PYTHON", str(ROOT / ".venv/bin/python"))
RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
run = bag.dags["retraining_pipeline"].test(run_conf={"model": "credit"})
states = {instance.task_id: str(instance.state) for instance in run.get_task_instances()}
print("STATES " + json.dumps({"run": str(run.state), **states}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("airflow")
    return {
        **os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "NIGHTWARDEN_DAG_RETRIES": "0", "NIGHTWARDEN_PYTHON": PYTHON, "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def in_project(root: Path, *words: str) -> None:
    done = subprocess.run([PYTHON, *words], cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion, its reference, and a day of requests that have drifted."""
    root = tmp_path_factory.mktemp("world")
    (root / "config").mkdir()
    for name in ("monitoring_config.json", "self_healing_config.json"):
        (root / "config" / name).write_text((ROOT / "config" / name).read_text())
    scripts = ROOT / "scripts"
    in_project(root, str(scripts / "make_data.py"), "credit_risk", "--rows", "4000")
    in_project(root, str(scripts / "train_model.py"), "--model", "credit", "--no-tracking")
    in_project(root, str(scripts / "bootstrap_reference.py"), "--model", "credit")
    return root


def run(environment: dict[str, str], world: Path) -> dict[str, Any]:
    ready = subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment,
                           capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert ready.returncode == 0, ready.stderr
    words = [sys.executable, "-c", RUN, str(ROOT / "dags")]
    done = subprocess.run(words, env=environment | {"NIGHTWARDEN_ROOT": str(world)}, capture_output=True,
                          text=True, timeout=600, check=False)  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("STATES ")), None)
    assert line is not None, done.stdout[-4000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(line.removeprefix("STATES "))
    return found


def test_without_drift_nothing_is_retrained(environment: dict[str, str], world: Path) -> None:
    states = run(environment, world)
    assert states["run"] == "success"
    assert states["look_for_drift"] == states["judge_shadow"] == states["repair_data"] == "success"
    assert states["retrain_shadow"] == "skipped"
    assert not (world / ".github/triggers/retraining_log.json").exists()


def test_drift_trains_a_shadow_model(environment: dict[str, str], world: Path) -> None:
    drifted = "from tests.airflow.drifted import log; import sys; log(sys.argv[1])"
    in_project(world, "-c", drifted, str(world))
    states = run(environment, world)
    assert states["run"] == states["retrain_shadow"] == "success"
    log = json.loads((world / ".github/triggers/retraining_log.json").read_text())
    assert [event["event"] for event in log["events"]][:2] == ["requested", "trained"]
