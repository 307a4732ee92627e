"""scripts/train_model.py as people run it, and the backups that it makes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.errors import BadInputError
from mlops.generators import credit_risk, housing
from mlops.models.folder import DamagedModelError
from mlops.places import Places
from mlops.registry.backups import back_up, backups, restore
from mlops.registry.registry import Registry
from mlops.tables.writing import write_table
from scripts import train_model
from tests.fixtures.in_process import run_main
from tests.fixtures.small_models import made

ROOT = Path(__file__).parents[3]
CONFIG = {
    "models": [
        {"name": "credit", "task": "classification", "data": "data/credit.csv", "target": "default", "algorithm": "linear"},
        {"name": "housing", "task": "regression", "data": "data/housing.csv", "target": "MedHouseVal", "algorithm": "linear"},
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    (folder / "config").mkdir()
    (folder / "data").mkdir()
    (folder / "config/monitoring_config.json").write_text(json.dumps(CONFIG))
    write_table(credit_risk(400), folder / "data/credit.csv")
    write_table(housing(400), folder / "data/housing.csv")
    return folder


def run(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return run_main(train_model.main, root, *words, without=("MLFLOW",))


def process_of(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/train_model.py"), *words],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_all_configured_models_are_trained_backed_up_and_told(root: Path) -> None:
    first = run(root, "--no-tracking")
    assert (first.returncode, first.stderr) == (0, "")
    assert "credit: version 1 is champion: the first version" in first.stdout
    assert "housing: version 1 is champion: the first version" in first.stdout
    assert {"accuracy", "roc_auc", "rmse"} <= {line.split()[0] for line in first.stdout.splitlines()}
    second = run(root, "--no-tracking", "--model", "credit")
    assert "credit: version 2 is champion: not worse than the champion" in second.stdout
    assert "housing" not in second.stdout
    [backup] = backups(Places(root), "credit")
    assert str(backup.relative_to(root)) in second.stdout
    one, two = (Registry(Places(root), "credit").load(version).scorer.file() for version in (1, 2))
    assert one == two


def test_what_has_a_version_already_is_left_alone_on_request(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/monitoring_config.json").write_text(json.dumps(CONFIG))
    for name, table in (("credit", credit_risk(400)), ("housing", housing(400))):
        write_table(table, tmp_path / f"data/{name}.csv")
    Registry(Places(tmp_path), "credit").register(made())
    done = run(tmp_path, "--no-tracking", "--if-absent")
    assert (done.returncode, done.stderr) == (0, "")
    assert "credit: version 1 is champion and stays" in done.stdout
    assert Registry(Places(tmp_path), "credit").versions() == (1,)
    assert Registry(Places(tmp_path), "housing").versions() == (1,)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "nobody"], "no model named 'nobody' is configured; known: credit, housing"),
        (["--config", "absent.json"], "absent.json: no such file"),
        (["--root", "absent"], "no such folder"),
    ],
)
def test_bad_arguments_end_with_2_and_one_line(words: list[str], told: str, root: Path) -> None:
    ended = run(root, *words)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert told in ended.stderr


def test_one_bad_table_does_not_keep_the_other_models_from_training(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "data/credit.csv").write_text("age,default\n1,0\n")
    write_table(housing(200), tmp_path / "data/housing.csv")
    ended = run(tmp_path, "--config", "config.json", "--no-tracking")
    assert ended.returncode == 2
    assert ended.stderr.startswith("credit: ")
    assert "1 rows have a target" in ended.stderr
    assert "housing: version 1 is champion" in ended.stdout


def test_help_ends_with_examples_and_says_who_becomes_champion(root: Path) -> None:
    told = process_of(root, "--help").stdout
    assert "python scripts/train_model.py --model credit --seed 7" in told
    assert "not\nworse than the champion's by more than chance explains" in told


def test_a_backup_brings_a_damaged_version_back(tmp_path: Path) -> None:
    places = Places(tmp_path)
    models = Registry(places, "credit")
    assert back_up(places, "credit") == (None, [])
    models.register(made())
    folder, notes = back_up(places, "credit")
    assert folder is not None
    assert notes == []
    assert (folder / "pointer.json").read_bytes() == places.pointer("credit").read_bytes()
    (places.version("credit", 1) / "linear.json").write_bytes(b"{}")
    with pytest.raises(DamagedModelError):
        models.load_champion()
    assert restore(places, "credit", 1) == folder
    assert models.load_champion().version == 1
    aside = places.version("credit", 1).with_name("1.corrupt")
    assert (aside / "linear.json").read_bytes() == b"{}"
    models.register(made())
    assert models.versions() == (1, 2)
    with pytest.raises(BadInputError, match="no backup holds version 2"):
        restore(places, "credit", 2)


def test_the_last_backups_are_kept_and_a_damaged_copy_is_passed_over(tmp_path: Path) -> None:
    places = Places(tmp_path)
    models = Registry(places, "credit")
    models.register(made())
    made_at = [back_up(places, "credit", keep=3)[0] for _ in range(5)]
    assert backups(places, "credit") == made_at[2:]
    newest = made_at[-1]
    assert newest is not None
    (newest / "versions/1/card.json").write_bytes(b"")
    (places.version("credit", 1) / "card.json").unlink()
    assert restore(places, "credit", 1) == made_at[-2]


def test_a_damaged_champion_is_not_backed_up_over_whole_copies(tmp_path: Path) -> None:
    places = Places(tmp_path)
    Registry(places, "credit").register(made())
    whole, _ = back_up(places, "credit", keep=1)
    (places.version("credit", 1) / "card.json").write_bytes(b"")
    folder, notes = back_up(places, "credit", keep=1)
    assert folder is None
    assert "could not be backed up" in notes[0]
    assert backups(places, "credit") == [whole]
