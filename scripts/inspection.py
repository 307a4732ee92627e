"""Looks at the small files of a state folder before anybody reads them: what is damaged is set aside, and told."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from platforms.processes.records import Record
from utils.clock import Offset
from utils.damage import Damage, set_aside
from utils.disk import Disk
from utils.sealed import SealBrokenError, unsealed
from utils.state_files import read_document

CLOCK = "clock.json"
Look = Callable[[Disk, Path], Damage | None]


def inspect(disk: Disk, state_dir: Path) -> list[Damage]:
    looks: dict[Path, Look] = dict.fromkeys(sorted(state_dir.glob("*.json")), _document)
    looks |= {path: partial(_sealed, kind=Record) for path in sorted((state_dir / "run").glob("*.json"))}
    if (clock := state_dir / CLOCK) in looks:
        looks[clock] = partial(_sealed, kind=Offset)
    return [damage for path, look in looks.items() if (damage := look(disk, path)) is not None]


def _document(disk: Disk, path: Path) -> Damage | None:
    _, damage = read_document(disk, path, Any)
    return damage and Damage(damage.path, damage.problem, "the journal")


def _sealed(disk: Disk, path: Path, kind: type[Any]) -> Damage | None:
    try:
        unsealed(disk.read(path), kind)
    except SealBrokenError as error:
        source = "the wall clock" if kind is Offset else "the marks of living processes"
        return Damage(str(path), f"{error}{set_aside(disk, path)}", source)
    except OSError as error:
        return Damage(str(path), f"cannot be read: {error}")
    return None
