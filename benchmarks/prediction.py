"""The learnt failure predictor on public failures, by the judge that lies beside the data."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Goal, Table

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("NIGHTWARDEN_BENCH_DATA", ROOT.parent / "shared/data")) / "failure"
TASKS = {
    "cmapss": "engines, within 30 cycles",
    "backblaze": "drives, within 7 days",
    "service": "servers, 30 to 120 min ahead",
}
QUICK = ("cmapss",)
COLUMNS = ("always_no", "auc_pr", "fpr", "precision", "recall", "events", "lead", "events@1", "events@0.2")
GOALS = (
    ("cmapss", "recall", "engines: recall at a false-alarm rate of 1 % fixed beforehand", 0.95),
    ("backblaze", "auc_pr", "drives: area under precision and recall", 0.16),
    ("service", "events@1", "servers: incidents told at one false episode a machine-day", 0.32),
    ("service", "events@0.2", "servers: incidents told at 0.2 false episodes a machine-day", 0.19),
)


def run(*, quick: bool) -> list[Table]:
    if not DATA.is_dir():
        note = f"Skipped: there is no copy of the failures at {DATA}; NIGHTWARDEN_BENCH_DATA says where."
        return [Table(title="Public failures", columns=("",), rows=[], notes=(note,))]
    found = {name: _judged(name) for name in (QUICK if quick else TASKS)}
    rows = [
        (TASKS[name], *(_cell(figures.get(column)) for column in COLUMNS)) for name, figures in found.items()
    ]
    goals = [
        Goal(what, float(str(found[task][figure])), bound, least=True)
        for task, figure, what, bound in GOALS
        if task in found
    ]
    return [
        Table(
            title="Public failures, announced",
            columns=("", "never warning is right", *COLUMNS[1:]),
            rows=rows,
            goals=goals,
            notes=(
                "The threshold of fpr to lead was chosen on training rows only, for a false-alarm rate of 1 %.",
            ),
        )
    ]


def _judged(name: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "judged.json"
        command = [sys.executable, str(DATA / "judge.py"), "benchmarks.failure:fit_predict"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run(
            [*command, "--tasks", name, "--json", str(answer)],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
        )
        judged: dict[str, object] = json.loads(answer.read_text())[0]
        return judged


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
