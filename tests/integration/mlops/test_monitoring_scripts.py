"""The scripts of monitoring as people and workflows run them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from mlops.drift.reference import load_reference
from mlops.monitoring.look import look
from mlops.places import Places
from mlops.registry.registry import Registry
from scripts import bootstrap_reference, run_monitoring
from tests.fixtures.in_process import run_main
from tests.fixtures.monitored import CONFIG as WATCHED
from tests.fixtures.monitored import CREDIT as CREDIT_SPEC
from tests.fixtures.monitored import HOUR, label, labels_of, log
from tests.fixtures.served_models import CREDIT, credit

ROOT = Path(__file__).parents[3]
CONFIG = {"models": [{"name": "credit", "task": "classification", "data": "credit.csv", "target": "default"}]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A configuration and a training table of the columns that the log of predictions has."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "monitoring_config.json").write_text(json.dumps(CONFIG))
    rng = np.random.default_rng(1)
    with (tmp_path / "credit.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "income", "score", "default"])
        writer.writerows([*rng.standard_normal(3).round(6), int(rng.random() < 0.5)] for _ in range(2000))
    return tmp_path


def command(script: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / script), *arguments]


def environment(**more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MONITORING", "GITHUB"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def run(root: Path, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    main = {"bootstrap_reference.py": bootstrap_reference.main, "run_monitoring.py": run_monitoring.main}[
        script
    ]
    return run_main(main, root, *arguments, without=("MONITORING", "GITHUB"), **more)


def process_of(root: Path, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(script, *arguments),
        cwd=root,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_reference_is_frozen_once_and_replaced_only_by_force(root: Path) -> None:
    first = run(root, "bootstrap_reference.py")
    assert (first.returncode, "2000 rows" in first.stdout) == (0, True), first.stderr
    assert "no champion yet" in first.stderr
    path = Places(root).reference("credit")
    frozen = path.read_bytes()
    again = run(root, "bootstrap_reference.py")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "--force" in again.stderr and path.read_bytes() == frozen
    log(Places(root), 600, until=time.time() - 60, shift=0.5)
    forced = run(root, "bootstrap_reference.py", "--force", "--from-predictions", "24")
    assert forced.returncode == 0, forced.stderr
    [old] = path.parent.glob("credit.2*.npz")
    assert old.read_bytes() == frozen
    reference = load_reference(path)
    assert [column.name for column in reference.outputs] == ["prediction", "probability"]
    assert [column.name for column in load_reference(old).features] == ["age", "income", "score"]


def test_references_of_all_models_are_frozen_where_they_are_absent_and_stay_where_they_are(
    root: Path,
) -> None:
    assert run(root, "bootstrap_reference.py").returncode == 0
    frozen = Places(root).reference("credit").read_bytes()
    more = {**CONFIG["models"][0], "name": "loans"}
    path = root / "config" / "monitoring_config.json"
    path.write_text(json.dumps({"models": [*CONFIG["models"], more]}))
    done = run(root, "bootstrap_reference.py", "--all", "--if-absent")
    assert (done.returncode, "credit.npz: is there already" in done.stdout) == (0, True), done.stderr
    assert Places(root).reference("credit").read_bytes() == frozen
    assert Places(root).reference("loans").exists()
    assert run(root, "bootstrap_reference.py", "--all").returncode == 2


def test_a_refused_table_leaves_the_old_reference_where_it_was(root: Path) -> None:
    assert run(root, "bootstrap_reference.py").returncode == 0
    frozen = Places(root).reference("credit").read_bytes()
    (root / "short.csv").write_text("age,income,score,default\n" + "1,2,3,0\n4,5,6,1\n" * 6)
    refused = run(root, "bootstrap_reference.py", "--force", "--data", "short.csv")
    assert (refused.returncode, "12 rows are too few" in refused.stderr) == (2, True)
    assert Places(root).reference("credit").read_bytes() == frozen


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "short.csv"),
        ("age,income,score,default\n", "short.csv"),
        ("age,income\n" + "1,2\n" * 100, "default"),
    ],
)
def test_a_bad_table_is_one_clear_line(root: Path, content: str, says: str) -> None:
    (root / "short.csv").write_text(content)
    refused = run(root, "bootstrap_reference.py", "--data", "short.csv")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert says in refused.stderr


def test_the_champions_answers_to_unseen_rows_belong_to_the_reference(root: Path) -> None:
    rng = np.random.default_rng(1)
    with (root / "credit.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*CREDIT, "default"])
        for _ in range(1000):
            row = [value * rng.uniform(0.5, 1.5) for value in CREDIT.values()]
            writer.writerow([*row, int(rng.random() < 0.5)])
    Registry(Places(root), "credit").register(credit())
    done = run(root, "bootstrap_reference.py")
    assert (done.returncode, done.stderr) == (0, "")
    reference = load_reference(Places(root).reference("credit"))
    assert [(column.name, column.rows) for column in reference.outputs] == [
        ("prediction", 200),
        ("probability", 200),
    ]


def test_one_look_writes_the_alert_the_result_the_page_and_the_step_outputs(root: Path) -> None:
    assert run(root, "bootstrap_reference.py").returncode == 0
    places, now = Places(root), time.time()
    made = log(places, 500, until=now - 60, shift=0.8)
    label(places, made[:300], labels_of(made)[:300], [now] * 300)
    output = root / "output"
    done = run(root, "run_monitoring.py", "--once", GITHUB_OUTPUT=str(output))
    assert done.returncode == 0, done.stderr
    assert "credit: drift, 1 of 3 features (income)" in done.stdout
    assert "of 300 labels" in done.stdout
    alert = json.loads(places.drift_alert.read_text())
    assert (alert["drift_detected"], alert["features"]) == (True, ["income"])
    assert output.read_text().startswith("drift_detected=true\ndrift_score=0.333333\n")
    [result] = places.results.glob("monitoring_*.json")
    assert json.loads(result.read_text())["performance"]["figures"]["samples"] == 300
    page = (root / alert["report"]).read_text()
    if find_spec("evidently") is None:
        assert "Evidently is not installed" in page
    else:
        assert done.stderr == "" and "own page" not in page
        assert len(page) > 1_000_000 and "income" in page  # with all that it needs inside


def test_without_a_reference_the_look_says_how_to_make_one(root: Path) -> None:
    done = run(root, "run_monitoring.py", "--once")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "scripts/bootstrap_reference.py" in done.stderr


def test_a_folder_that_takes_nothing_is_one_clear_line(root: Path) -> None:
    (root / "monitoring").write_text("in the way")
    refused = process_of(root, "bootstrap_reference.py")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert "monitoring" in refused.stderr


def test_it_looks_again_and_again_until_it_is_told_to_stop(root: Path) -> None:
    assert run(root, "bootstrap_reference.py").returncode == 0
    log(Places(root), 900, until=time.time() - HOUR)
    look(CREDIT_SPEC, WATCHED, Places(root), time.time(), maker=lambda _samples, _path: "not needed here")
    process = subprocess.Popen(
        command("run_monitoring.py"),
        cwd=root,
        env=environment(MONITORING_INTERVAL="0.05", PATH=os.environ.get("PATH", "")),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    looks = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert all("credit: no drift" in line for line in looks)
