"""`scripts/test_self_healing.py`: all four proofs hold, and each one fails where its capability is broken."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mlops.repair
from mlops.registry.registry import Registry
from scripts import auto_retrain_on_drift, healing_service, test_self_healing
from tests.fixtures.extra import needs
from tests.fixtures.real_daemon import ROOT

needs("fastapi", "pandera", "uvicorn")


def test_all_four_capabilities_are_proven_and_the_folder_it_is_called_in_stays_as_it_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    output = tmp_path / "output"
    output.write_text("")
    # a user's own limits and outputs neither decide the proofs nor hear of them
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MIN_SAMPLES_FOR_DECISION": "999999",
        "GITHUB_OUTPUT": str(output),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/test_self_healing.py")],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    assert last == "Results: 4/4 tests passed"
    assert [re.match(r"\d/4 [a-z -]+, \d+\.\d s: ok: ", line) is not None for line in lines] == [True] * 4, (
        lines
    )
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["data", "output"]
    assert output.read_text() == ""


def failed(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """The one line of a proof that must fail."""
    assert test_self_healing.main(["--only", name]) == 1
    line, last = capsys.readouterr().out.splitlines()
    assert last == "Results: 0/1 tests passed"
    assert " s: FAILED: " in line
    return line.split(" s: FAILED: ")[1]


def test_a_repair_that_touches_one_undamaged_byte_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repair = mlops.repair.repair_table

    def careless(path: Path, **more: Any) -> mlops.repair.RepairReport:
        report = repair(path, **more)
        lines = path.read_text().split("\n")
        path.write_text("\n".join([lines[0], "0" + lines[1], *lines[2:]]))
        return report

    monkeypatch.setattr(mlops.repair, "repair_table", careless)
    assert "line 2, column age: was whole" in failed(capsys, "data")


def test_a_rollback_that_changes_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Registry, "rollback", lambda *_, **__: 1)
    assert "the bad version stayed" in failed(capsys, "rollback")


def test_a_retraining_that_promotes_without_labels_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    act = auto_retrain_on_drift.act

    def hasty(spec: Any, desk: Any, *more: Any, **named: Any) -> Any:
        report = act(spec, desk, *more, **named)
        desk.registry(spec).promote(2, "why wait")
        return report

    monkeypatch.setattr(auto_retrain_on_drift, "act", hasty)
    assert "without one matured label was promoted" in failed(capsys, "drift")


def test_a_recovery_that_only_says_so_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text("print('healthy')")
    monkeypatch.setattr(healing_service, "RECOVER", liar)
    monkeypatch.setattr(healing_service, "ANSWER_S", 0.5)
    assert "a frozen server answers nothing after its recovery" in failed(capsys, "service")


def test_what_raises_is_a_failed_test_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mlops.repair, "undo", lambda *_: json.loads("{"))
    assert failed(capsys, "data").startswith("JSONDecodeError: ")


def test_without_the_extra_it_says_which_proofs_need_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(test_self_healing, "find_spec", lambda _: None)
    assert test_self_healing.main([]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "data auto-fix (--only data) needs pandera",
        "service recovery (--only service) needs fastapi and uvicorn",
        "install the extra mlops: make setup-mlops",
    ]
