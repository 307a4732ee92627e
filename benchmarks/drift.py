"""The drift decision: what it costs beside Evidently, how often it is wrong without drift, how soon it is right."""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift_months import alarms, found_within, months
from benchmarks.measure import ROOT, median
from benchmarks.report import Goal, Table
from mlops.drift.decide import decide
from mlops.drift.defaults import of_numbers
from mlops.drift.freezing import freeze
from mlops.drift.reference import load_reference

ROWS, COLUMNS = 1_000_000, 10
LEVEL = 0.1 / 720

# One method a process: the peak of memory is a process's own. Both hold the window already; what is counted is more.
COST = """
import json, os, sys, time
import numpy as np
method, folder, rows, columns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(2)
window = {f"f{i}": rng.standard_normal(rows) + (0.3 if i % 3 == 0 else 0) for i in range(columns)}
if method == "evidently":
    import pandas as pd
    from evidently import Report, Dataset
    from evidently.presets import DataDriftPreset
    with np.load(os.path.join(folder, "m.npz")) as arrays:
        reference = pd.DataFrame({f"f{i}": arrays[f"c{i}"] for i in range(columns)})
    window = pd.DataFrame(window)
    def run():
        found = Report([DataDriftPreset()]).run(window, reference).dict()["metrics"]
        return {m["config"]["column"]: float(m["value"]) for m in found if "column" in m.get("config", {})}
else:
    from pathlib import Path
    from mlops.drift.decide import decide
    from mlops.drift.reference import load_reference
    def run():
        found = decide(load_reference(Path(folder) / "m.npz"), window, 0.1 / 720)
        return {column.name: column.statistic_value for column in found.features}
def peak_kib():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
open("/proc/self/clear_refs", "w").write("5")
before = peak_kib()
cpu, wall = time.process_time(), time.perf_counter()
values = run()
print(json.dumps({"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall,
                  "more_mb": (peak_kib() - before) / 1024, "values": values}))
"""


def run(*, quick: bool) -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="bench-drift-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        return [_cost(folder, quick=quick), _few_rows(folder, quick=quick), *_alarms(folder, quick=quick)]


# --- cost ---


def _cost(folder: Path, *, quick: bool) -> Table:
    rows = ROWS // 10 if quick else ROWS
    rng = np.random.default_rng(1)
    reference = {f"f{i}": rng.standard_normal(rows) for i in range(COLUMNS)}
    freeze(folder / "m.npz", reference, {}, model="m", source="benchmark", created_at="")
    ours = [_measured("ours", folder, rows) for _ in range(3 if quick else 5)]
    lines = [_line("our decision, reference mapped from disk", ours)]
    cpu, more = median([each["cpu_s"] for each in ours]), max(each["more_mb"] for each in ours)
    goals = [Goal("processor time", cpu, 0.5, "s"), Goal("memory beyond the window", more, 64, "MB")]
    notes = []
    if find_spec("evidently") is None:
        notes.append("Evidently is not installed: make setup-mlops.")
    else:
        theirs = _measured("evidently", folder, rows)
        lines.append(_line("Evidently DataDriftPreset (reference loaded before)", [theirs]))
        mine = ours[0]["values"]
        apart = [abs(mine[name] - theirs["values"][name]) for name in mine]
        goals.append(Goal("largest difference of the statistic", max(apart), 1e-9))
    return Table(
        title=f"One decision about {rows:,} rows and {COLUMNS} columns, beside as many of reference",
        columns=("", "processor s", "wall s", "more memory at its peak (MB)"),
        rows=lines,
        goals=goals,
        notes=notes,
    )


def _line(name: str, runs: list[dict[str, Any]]) -> tuple[str, ...]:
    cpu, wall = (median([each[key] for each in runs]) for key in ("cpu_s", "wall_s"))
    return name, f"{cpu:.2f}", f"{wall:.2f}", f"{max(each['more_mb'] for each in runs):.0f}"


def _measured(method: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-c", COST, method, str(folder), str(rows), str(COLUMNS)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=1800)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


# --- few rows ---


def _few_rows(folder: Path, *, quick: bool) -> Table:
    """The peer's defaults are our own reproduction of them, whose figures are Evidently's (tests compare them)."""
    trials, lines, goals = 20 if quick else 40, [], []
    for rows in (20, 100, 1500):
        flagged, words = 0, {"drift": 0, "no_drift": 0, "not_enough_data": 0}
        for trial in range(trials):
            rng = np.random.default_rng((rows, trial))
            reference = {f"f{i}": rng.standard_normal(5000) for i in range(20)}
            window = {name: rng.standard_normal(rows) for name in reference}
            freeze(folder / "few.npz", reference, {}, model="m", source="benchmark", created_at="")
            words[decide(load_reference(folder / "few.npz"), window, LEVEL).verdict] += 1
            found = [of_numbers(np.sort(reference[name]), np.sort(window[name])) for name in reference]
            flagged += sum(each is not None and each.drifted for each in found)
        share = f"{flagged / trials / 20:.0%}"
        lines.append((f"{rows:,}", *(f"{count / trials:.0%}" for count in words.values()), share))
        goals.append(Goal(f"alarms at {rows:,} rows without drift", words["drift"] / trials, 0.01))
    return Table(
        title=f"Verdicts without drift, 20 columns, 5,000 rows of reference, {trials} windows",
        columns=("rows", "drift", "no drift", "not enough data", "columns that Evidently's defaults flag"),
        rows=lines,
        goals=goals,
    )


# --- months and shifts ---


def _alarms(folder: Path, *, quick: bool) -> list[Table]:
    count = 5 if quick else 100
    lines, goals = [], []
    for per_hour in (50, 1000):
        least = months(count, per_hour=per_hour)
        for per_month in (0.1, 1.0, 10.0):
            found = alarms(least, per_month=per_month)
            each = found.begun / count
            lines.append(
                (f"{per_hour:,}", f"{per_month:g}", f"{found.begun}", f"{found.looks}", f"{each:.3g}")
            )
            if per_month == 0.1:
                goals.append(Goal(f"alarms a month at {per_hour:,} rows an hour", each, 1))
    quiet = Table(
        title=f"{count} months without drift: 20 features, 720 hourly looks at the last 24 hours",
        columns=("rows an hour", "budget a month", "alarms", "looks with one", "alarms a month"),
        rows=lines,
        goals=goals,
        notes=["Without the minimum effect, so that it is the tests alone that keep quiet."],
    )
    return [quiet, _power(folder, 50 if quick else 200)]


def _power(folder: Path, trials: int) -> Table:
    lines, goals = [], []
    for per_hour in (50, 300):
        for reference_rows in (1000, 10_000):
            share = found_within(
                folder, trials, sigmas=0.5, rows=300, per_hour=per_hour, reference_rows=reference_rows
            )
            lines.append((f"{per_hour}", f"{reference_rows:,}", f"{share:.1%}"))
            if reference_rows >= 10_000:
                goals.append(Goal(f"found, {per_hour} rows an hour", share, 0.9, least=True))
    rng = np.random.default_rng(0)
    freeze(
        folder / "m.npz",
        {"x": rng.standard_normal(100_000)},
        {},
        model="m",
        source="benchmark",
        created_at="",
    )
    reference, small = load_reference(folder / "m.npz"), 0
    for _ in range(20):
        small += decide(reference, {"x": rng.standard_normal(100_000) + 0.03}, LEVEL).verdict == "drift"
    lines.append(("0.03 sigma, 100,000 rows", "100,000", f"{small / 20:.1%}"))
    goals.append(Goal("0.03 sigma of 100,000 rows called drift", small / 20, 0))
    return Table(
        title=f"One of 20 features jumps by 0.5 sigma behind 24 hours of old rows: found within 300 rows, {trials} times",
        columns=("rows an hour", "rows of reference", "found"),
        rows=lines,
        goals=goals,
        notes=[
            "A reference of 1,000 rows is short: beside it the verdict on 300 quiet rows is `not_enough_data`."
        ],
    )
