"""How far a retraining has come: one JSON file a model, complete at every instant, from which any step goes on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from mlops.gate import Verdict
from mlops.places import Places
from utils.damage import set_aside
from utils.disk import Disk, replace_file

Step = Literal["requested", "training", "shadowing", "promoting", "watching", "done"]
Outcome = Literal["", "blocked", "rejected", "promoted", "kept", "rolled_back", "superseded"]
Source = Literal["", "served", "held_out"]


class Baseline(Struct, frozen=True):
    """The champion before the promotion: how many of its answers were bad, and from where a number counts as bad."""

    samples: int
    bad: int
    error_limit: float = 0.0  # of a regression: the absolute error that one in five answers exceeded


class Run(Struct, frozen=True, kw_only=True):
    id: str
    model: str
    drift_score: float
    started_at: str  # RFC 3339, UTC, as all times here
    step: Step = "requested"
    outcome: Outcome = ""
    says: str = ""  # the last word about it, for people
    fingerprint: str = ""  # of the table that it is trained on
    champion: int | None = None
    challenger: int | None = None
    evidence: Source = ""  # the labelled requests that the gate judges by
    since: str = ""  # from when on the challenger scores in the shadow
    looked: int = 0  # the gate's last look
    wanted: int = 0  # samples of the gate's final look
    verdict: Verdict | None = None
    baseline: Baseline | None = None
    promoted_at: str = ""
    worse: bool = False  # the watch says so, and whoever may roll back has not done it yet


def path_of(places: Places, model: str) -> Path:
    return places.monitoring / "retraining" / f"{model}.json"


def read_run(disk: Disk, places: Places, model: str) -> Run | None:
    """None where there is none; a damaged file is set aside, and a retraining that it knew of is begun anew."""
    path = path_of(places, model)
    try:
        return msgspec.json.decode(disk.read(path), type=Run)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        set_aside(disk, path)
        return None


def write_run(disk: Disk, places: Places, run: Run) -> None:
    path = path_of(places, run.model)
    disk.mkdir(path.parent)
    replace_file(disk, path, msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")


def told(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
