"""Writes what a look found: the result, the alert, the step outputs of a workflow; keeps a bounded number of files."""

import re
from pathlib import Path
from typing import Any

import msgspec

from mlops.monitoring.result import MonitoringResult
from mlops.places import Places
from utils.disk import OsDisk, replace_file


def stamp(timestamp: str) -> str:
    """A time as it stands in names of files.

    >>> stamp("2026-11-20T21:40:00.125Z")
    '20261120T214000125Z'
    """
    return re.sub(r"[-:.]", "", timestamp)


def files_of(folder: Path, kind: str, model: str, ending: str) -> list[Path]:
    """The files of one model, oldest first; a model's name may begin with another's."""
    form = re.compile(rf"{kind}_{re.escape(model)}_\d{{8}}T\d{{6,9}}Z\.{ending}")
    return sorted(path for path in folder.glob(f"{kind}_{model}_*.{ending}") if form.fullmatch(path.name))


def write_result(places: Places, result: MonitoringResult, keep: int) -> Path:
    path = places.results / f"monitoring_{result.model}_{stamp(result.timestamp)}.json"
    _write(path, result)
    prune(files_of(places.results, "monitoring", result.model, "json"), keep)
    return path


def prune(files: list[Path], keep: int) -> None:
    for path in files[:-keep]:
        path.unlink(missing_ok=True)


def write_alert(places: Places, result: MonitoringResult) -> None:
    """What the last look said, and under `models` what the last look at each model said; also without drift."""
    said: dict[str, Any] = {
        "drift_detected": result.drift_detected,
        "drift_score": result.drift_score,
        "verdict": result.verdict,
        "needed": result.needed,
        "features": list(result.drifted),
        "model": result.model,
        "timestamp": result.timestamp,
        "report": result.report,
    }
    _write(places.drift_alert, {**said, "models": {**_models(places.drift_alert), result.model: said}})


def _models(path: Path) -> dict[str, Any]:
    try:
        models = msgspec.json.decode(path.read_bytes())["models"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return models if isinstance(models, dict) else {}


def write_outputs(path: Path, result: MonitoringResult) -> None:
    """Step outputs for a workflow ($GITHUB_OUTPUT)."""
    lines = {
        "drift_detected": str(result.drift_detected).lower(),
        "drift_score": f"{result.drift_score:g}",
        "drift_verdict": result.verdict,
    }
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in lines.items())


def _write(path: Path, document: Any) -> None:
    disk = OsDisk()
    disk.mkdir(path.parent)
    replace_file(disk, path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
