import json
from pathlib import Path

import pytest

from config.problems import ConfigError
from mlops.errors import BadInputError
from mlops.tables import fingerprint, read_table
from scripts.make_data import main


def test_without_arguments_the_tables_of_the_shipped_configuration_are_made_where_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "data/raw/housing.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine\n")
    assert main(["--root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "data/raw/credit_risk.csv: made" in said
    assert "data/raw/housing.csv: left as it is" in said
    assert mine.read_text() == "mine\n"


def test_one_table_is_made_as_asked_and_not_over_what_is_there(tmp_path: Path) -> None:
    output = tmp_path / "deep/credit.csv"
    words = ["credit_risk", "--rows", "50", "--output", str(output)]
    assert main([*words, "--shift", "income=-0.5", "--concept", "0.5"]) == 0
    drifted = fingerprint(read_table(output, target="default"))
    assert drifted.rows == 50
    with pytest.raises(BadInputError, match="the file is there already; name another --output, or --force"):
        main(words)
    assert main([*words, "--force"]) == 0
    assert fingerprint(read_table(output)).content != drifted.content


def test_damage_is_told_in_the_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, ledger = tmp_path / "h.csv", tmp_path / "ledger.json"
    words = ["housing", "--rows", "100", "--missing", "0.1", "--duplicates", "0.05"]
    assert main([*words, "--output", str(output), "--ledger", str(ledger)]) == 0
    marks = json.loads(ledger.read_text())
    assert len(marks) == 8 * 10 + 5
    assert marks[0].keys() == {"line", "column", "kind", "before", "after"}
    assert f"{output}: 105 rows, 85 damages" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["housing", "--shift", "MedInc"], "--shift MedInc: must be COLUMN=SIGMAS"),
        (["housing", "--shift", "MedInc=x"], "--shift MedInc=x: must be COLUMN=SIGMAS"),
        (["housing", "--rows", "0"], "--rows 0: a table has at least one row"),
        (["--root", "/none/at/all"], "/none/at/all: no such folder"),
    ],
)
def test_arguments_that_cannot_be_are_told(tmp_path: Path, words: list[str], what: str) -> None:
    with pytest.raises(BadInputError, match=what):
        main(["--output", str(tmp_path / "x.csv"), *words])
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_below_the_root_comes_before_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/monitoring_config.json").write_text('{"modles": []}')
    with pytest.raises(ConfigError, match="unknown key"):
        main(["--root", str(tmp_path)])
