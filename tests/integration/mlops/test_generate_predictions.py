import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlops.places import Places
from mlops.predictions.labels import matured
from mlops.predictions.reading import Predictions, predictions
from tests.fixtures.extra import needs
from tests.fixtures.served_models import CONFIG, ROOT, server, world

needs("fastapi", "uvicorn")
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked")
    world(folder)
    config = folder / "config" / "monitoring_config.json"
    config.write_text(config.read_text().replace("credit.csv", "data/raw/credit_risk.csv"))
    assert len(CONFIG) == 2
    (folder / "rents.csv").write_text("months,home,late\n1,own,in time\n2,rent,late\n3,,late\n4,rent,\n")
    return folder


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with server(root) as (address, _):
        yield address


def run(root: Path, *arguments: str, script: str = "generate_test_predictions.py") -> tuple[int, str, str]:
    program = [sys.executable] if script.endswith(".py") else []
    command = [*program, str(ROOT / "scripts" / script), *arguments]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=60, check=False, env=ENVIRON
    )
    return done.returncode, done.stdout, done.stderr


def logged(root: Path, rows: int) -> Predictions:
    """Once they all stand in the log, which a request does not wait for."""
    end = time.monotonic() + 10.0
    while (found := predictions(Places(root), "credit")).rows < rows and time.monotonic() < end:
        time.sleep(0.02)
    return found


def test_each_request_is_answered_logged_and_labelled_and_a_seed_repeats_the_rows(
    root: Path, url: str
) -> None:
    before = predictions(Places(root), "credit").rows
    code, out, err = run(root, "250", "--url", url, "--labels", "--seed", "3")
    assert (code, err) == (0, "")
    assert out.startswith("250 of 250 predictions from credit, version 1, in ")
    assert out.endswith("250 of 250 labels accepted\n")
    code, out, _ = run(root, "250", "--url", url, "--seed", "3", "--labels", "0.5")
    assert out.endswith("125 of 125 labels accepted\n")
    logged(root, before + 500)
    found = matured(Places(root), "credit")
    assert (found.count, found.unlabelled) == (before + 375, 125)
    assert 0.02 < float(found.labels.mean()) < 0.5
    incomes = predictions(Places(root), "credit").features["income"]
    assert incomes[-250:].tolist() == incomes[-500:-250].tolist()
    assert len(set(incomes[-250:].tolist())) > 200
    assert run(root, "250", "--url", url, "--seed", "4")[0] == 0
    others = logged(root, before + 750).features["income"]
    assert others[-250:].tolist() != incomes[-250:].tolist()


def test_drift_moves_every_number_by_so_many_standard_deviations(root: Path, url: str) -> None:
    before = predictions(Places(root), "credit").rows
    assert run(root, "400", "--url", url)[0] == 0
    assert run(root, "400", "--url", url, "--drift", "1.5", "--shift", "age=0")[0] == 0
    found = logged(root, before + 800).features
    for name, values in found.items():
        plain, moved = values[-800:-400], values[-400:]
        shift = (moved.mean() - plain.mean()) / plain.std()
        assert abs(shift - (0.0 if name == "age" else 1.5)) < 0.25, name


def test_rows_of_a_table_of_ones_own_are_drawn_from_it_and_what_fails_is_counted(
    root: Path, url: str
) -> None:
    code, out, err = run(root, "60", "--url", url, "--model", "rents", "--labels")
    assert code == 1  # the row without a home is one that this model never saw
    rows = predictions(Places(root), "rents")
    failed = 60 - rows.rows
    assert 0 < failed < 40
    assert f"{failed} of 60 requests failed:\n  {failed} x 422: home is null" in err
    assert set(rows.features["home"].tolist()) == {"own", "rent"}
    assert np.isin(rows.features["months"], [1.0, 2.0, 4.0]).all()
    known = int((rows.features["months"] != 4.0).sum())
    assert f"{known} of {known} labels accepted" in out


def test_the_shell_script_passes_everything_on(root: Path, url: str) -> None:
    code, out, _ = run(root, "5", "--url", url, script="generate_test_predictions.sh")
    assert (code, out.splitlines()[0][:16]) == (0, "5 of 5 predictio")


def test_without_a_server_or_with_bad_arguments_it_says_so_and_ends_with_2(root: Path, url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        code, _, err = run(root, "5", "--url", nobody)
    assert (code, err) == (
        2,
        f"{nobody}: no server answers: Connection refused; start one: python scripts/serve_model.py\n",
    )
    assert run(root, "5", "--url", "nonsense://x")[0] == 2
    code, _, err = run(root, "5", "--url", url, "--model", "nobody")
    assert (code, err) == (2, "no model named 'nobody' is configured; known: credit, housing, rents\n")
    code, _, err = run(root, "5", "--url", url, "--shift", "agee=1")
    assert (code, "agee" in err) == (2, True)
    code, _, err = run(root, "5", "--url", url, "--model", "housing")
    assert (code, "housing.csv" in err) == (2, True)
    assert run(root, "0", "--url", url)[0] == 2
