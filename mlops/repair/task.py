"""What one repair is asked for, what it found on its first look, and what it wrote."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from config.monitoring import Repair
from mlops.places import Places
from mlops.repair.duplicates import Kept
from mlops.repair.plan import Plan
from mlops.repair.rewrite import Rewriter
from mlops.repair.scan import Progress, Scan


class Task(Struct, frozen=True, kw_only=True):
    """What is asked for; `target` is the file that is written, `roles` the columns that are not repaired and why."""

    source: Path
    target: Path
    places: Places
    settings: Repair
    schema: Path | None
    dry_run: bool
    roles: Mapping[str, str]
    told: Progress

    @property
    def in_place(self) -> bool:
        return self.source == self.target


class Looked(Struct):
    """What the first pass found and what is to be done about it."""

    scan: Scan
    kept: Kept
    plan: Plan


class Result(Struct, kw_only=True):
    rewriter: Rewriter
    sha256: str
    size: int
    backup: str = ""
    log: str = ""
    quarantine_file: str = ""
