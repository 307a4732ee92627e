"""`make demo-mlops`: a short form of it beside the others, the whole as soak."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.extra import needs
from tests.fixtures.real_daemon import ROOT

SHORT = ("the process that serves it is killed", "cells of its table are damaged")
needs("fastapi", "uvicorn")


def played(report: Path, *words: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "scripts.demo_mlops", "--report", str(report), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows: list[dict[str, object]] = json.loads(report.read_text())["rows"]
    return rows


def test_a_killed_server_and_a_damaged_table_are_healed(tmp_path: Path) -> None:
    words = [word for name in SHORT for word in ("--only", name)]
    rows = played(tmp_path / "report.json", *words)
    assert [(row["cause"], row["fix"]) for row in rows] == [
        ("crash", "respawn"),
        ("data_quality", "repair_data"),
    ]


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_everything_that_ails_a_model_is_healed(tmp_path: Path) -> None:
    assert len(played(tmp_path / "report.json")) == 5
