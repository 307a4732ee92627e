"""Tables as people have them: downloaded ones, a full disk, scripts run by their path."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.monitoring import load_monitoring
from mlops.generators import ensure_data
from mlops.places import Places
from mlops.tables import features, fingerprint, read_table, split

ROOT = Path(__file__).parents[3]
TABLES = ROOT.parent / "shared/data/tabular"
# as it is downloaded: a first column without a name, NA for missing
CS_TRAINING = """\
"","SeriousDlqin2yrs","RevolvingUtilizationOfUnsecuredLines","age","NumberOfTime30-59DaysPastDueNotWorse","DebtRatio","MonthlyIncome","NumberOfOpenCreditLinesAndLoans","NumberOfTimes90DaysLate","NumberRealEstateLoansOrLines","NumberOfTime60-89DaysPastDueNotWorse","NumberOfDependents"
"1",1,0.766126609,45,2,0.802982129,9120,13,0,6,0,2
"2",0,0.957151019,40,0,0.121876201,2600,4,0,0,0,1
"3",0,0.65818014,38,1,0.085113375,3042,2,1,0,0,0
"4",0,0.233809776,30,0,0.036049682,3300,5,0,0,0,0
"5",0,0.9072394,49,1,0.024925695,63588,7,0,1,0,0
"6",0,0.213178682,74,0,0.375606969,3500,3,0,1,0,1
"7",0,0.305682465,57,0,5710,NA,8,0,3,0,0
"8",0,0.754463648,39,0,0.209940017,3500,8,0,0,0,0
"9",0,0.116950644,27,0,46,NA,2,0,0,0,NA
"10",1,0.189169052,57,0,0.606290901,23684,9,0,4,0,2
"""


def test_give_me_some_credit_works_where_a_user_puts_it_and_the_configuration_names_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "data/raw/cs-training.csv"
    path.parent.mkdir(parents=True)
    path.write_text(CS_TRAINING)
    (tmp_path / "monitoring.json").write_text(
        '{"models": [{"name": "gmsc", "task": "classification", "data": "data/raw/cs-training.csv", "target": "SeriousDlqin2yrs"}]}'
    )
    config = load_monitoring(tmp_path / "monitoring.json", {})
    assert ensure_data(Places(tmp_path), config) == ()
    assert path.read_text() == CS_TRAINING
    table = read_table(path, target="SeriousDlqin2yrs")
    assert set(table.kinds.values()) == {"number"}
    assert [int(table.missing(name).sum()) for name in ("MonthlyIncome", "NumberOfDependents")] == [2, 1]
    learnt = features(config.model(), table)
    assert len(learnt) == 10
    assert {"Unnamed: 0", "SeriousDlqin2yrs"}.isdisjoint(learnt)
    parts = split(table, config.model())
    assert (parts.train.rows, parts.held_out.rows) == (7, 3)


@pytest.mark.skipif(not TABLES.is_dir(), reason="the public tables are not here")
def test_a_public_table_is_read_whole_and_gives_the_same_fingerprint_each_time() -> None:
    table = read_table(TABLES / "housing.csv", target="median_house_value")
    assert (table.rows, len(table.names), table.notes) == (20_640, 10, ())
    assert {name for name, kind in table.kinds.items() if kind == "category"} == {"ocean_proximity"}
    assert int(table.missing("total_bedrooms").sum()) == 207
    assert fingerprint(table) == fingerprint(read_table(TABLES / "housing.csv"))


def run(*words: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], check=False, cwd=cwd, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
    )  # fmt: skip


def test_a_script_that_is_run_by_its_path_makes_the_tables_below_the_working_directory(
    tmp_path: Path,
) -> None:
    script = str(ROOT / "scripts/make_data.py")
    done = run(script, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "data/raw").iterdir()) == [
        "credit_risk.csv",
        "housing.csv",
    ]
    done = run(script, "housing", "--shift", "MedInk=1", "--output", "x.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "column 'MedInk' cannot be shifted; did you mean \"MedInc\"?\n"


FULL = """
import resource, signal, sys
from pathlib import Path
from mlops.entry import leave
from mlops.generators import housing
from mlops.tables import write_table

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
leave(lambda: write_table(housing(), Path("housing.csv")) or 0)
"""


def test_a_disk_that_fills_up_half_way_leaves_the_old_table_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "housing.csv").write_text("old\n")
    done = run("-c", FULL, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "housing.csv: cannot be written: File too large\n")
    assert [path.name for path in tmp_path.iterdir()] == ["housing.csv"]
    assert (tmp_path / "housing.csv").read_text() == "old\n"
