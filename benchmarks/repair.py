"""The repair of a damaged table: time, memory, exact duplicates and quantiles, beside pandas, polars and duckdb."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.repair_table import make_table
from benchmarks.report import Goal, Table

ROWS, QUICK_ROWS = 10_000_000, 1_000_000
PEERS = ("polars", "duckdb")


def run(*, quick: bool) -> list[Table]:
    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="bench-repair-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        table = folder / "table.csv"
        make_table(table, rows)
        megabytes = table.stat().st_size / 1e6
        results = {who: _one(who, table, folder) for who in ("nightwarden", "pandas", *PEERS)}
    found = {who: result for who, result in results.items() if result is not None}
    absent = [who for who in PEERS if results[who] is None]
    return [_table(f"Repair of {rows / 1e6:.0f} M rows ({megabytes:.0f} MB)", rows, found, absent)]


def _one(who: str, table: Path, folder: Path) -> dict[str, Any] | None:
    """One process for each, on a copy of its own; None where the library is not installed."""
    place = folder / who
    place.mkdir()
    own = Path(shutil.copy(table, place / "table.csv"))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("BENCH_PEERS", "")]),
    }
    command = [
        sys.executable,
        str(ROOT / "benchmarks/repair_peers.py"),
        who,
        str(own),
        str(place / "out.csv"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    shutil.rmtree(place)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(f"{who}: {done.stderr[-500:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _table(title: str, rows: int, found: dict[str, dict[str, Any]], absent: list[str]) -> Table:
    ours, exact = found["nightwarden"], found["pandas"]["quartiles"]
    error = max(
        abs(mine - theirs) / abs(theirs)
        for name, wanted in exact.items()
        for mine, theirs in zip(ours["quartiles"][name], wanted, strict=True)
    )
    lines = [
        (who, f"{r['wall_s']:.1f}", f"{r['cpu_s']:.1f}", f"{r['peak_mb']:.0f}", f"{r['rows']:,}")
        for who, r in found.items()
    ]
    share = rows / ROWS
    notes = [
        (
            "Ours also keeps a checked backup, the log of every cell and the schema; its CPU and memory hold all of that. "
            "The peers write a new table in their own notation and keep neither."
        ),
        *[f"{who}: absent; BENCH_PEERS may name the folder that it is installed in." for who in absent],
    ]
    return Table(
        title=title,
        columns=("", "wall (s)", "CPU (s)", "peak (MB)", "rows left"),
        rows=lines,
        goals=[
            Goal("processor time", ours["cpu_s"], 20 * max(share, 0.25), "s"),
            Goal("peak of memory", ours["peak_mb"], 400, "MB"),
            Goal("rows left beyond the distinct ones", abs(ours["rows"] - rows), 0),
            Goal("quantiles, largest error beside pandas", error * 100, 0.1, "%"),
        ],
        notes=notes,
    )
