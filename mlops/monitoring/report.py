"""The page for people of a full report: Evidently's where it can be made, else our own, which says why."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from mlops.drift.arrays import Column
from mlops.drift.reference import Reference
from mlops.monitoring.evidently_page import write_sample
from mlops.monitoring.page import page
from mlops.monitoring.result import MonitoringResult
from mlops.monitoring.sample import ROWS, Pair, pairs
from mlops.monitoring.writing import files_of, prune, stamp
from mlops.places import Places
from utils.disk import OsDisk, replace_file

PATIENCE_S = 180.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT")  # no secrets for a library

Maker = Callable[[list[Pair], Path], str]


def write_report(
    places: Places,
    result: MonitoringResult,
    reference: Reference,
    window: dict[str, Column],
    keep: int,
    maker: Maker | None = None,
) -> tuple[Path, str]:
    """(the page, a note where it is not Evidently's)."""
    disk = OsDisk()
    disk.mkdir(places.drift_reports)
    path = places.drift_reports / f"drift_report_{result.model}_{stamp(result.timestamp)}.html"
    samples = pairs(reference, window)
    partial = path.with_name(path.name + ".part")
    try:
        problem = (maker or evidently)(samples, partial)
        if problem:
            note = f"This is Nightwarden's own page: {problem}."
            replace_file(disk, path, page(result, samples, note).encode())
        else:
            note = ""
            disk.rename(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    prune(files_of(places.drift_reports, "drift_report", result.model, "html"), keep)
    return path, note


def evidently(samples: list[Pair], path: Path) -> str:
    """Make Evidently's page of at most a few thousand rows; what kept it from that, empty: nothing."""
    if find_spec("evidently") is None:
        return "Evidently is not installed (make setup-mlops)"
    if not samples:
        return "no column has values in both the reference and the window"
    with tempfile.TemporaryDirectory(prefix="nightwarden-report-") as folder:
        sample = Path(folder) / "sample.npz"
        write_sample(sample, samples)
        command = [sys.executable, "-m", "mlops.monitoring.evidently_page", str(sample), str(path)]
        try:
            done = subprocess.run(
                command, env=_environment(), capture_output=True, timeout=PATIENCE_S, check=False, text=True
            )
        except subprocess.TimeoutExpired:
            return f"Evidently took longer than {PATIENCE_S:.0f} s"
    if done.returncode == 0 and path.is_file() and path.stat().st_size:
        return ""
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return f"Evidently failed on {len(samples)} columns of at most {ROWS} rows: {last[:300]}"


def _environment() -> dict[str, str]:
    ours = str(Path(__file__).parents[2])
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PYTHONPATH": ours,
        "DO_NOT_TRACK": "1",  # Evidently calls home unless told not to
    }
