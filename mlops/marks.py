"""What acts of the daemon did to a model, by their marks: how a crash in the middle of one is found done."""

from pathlib import Path

import msgspec
from msgspec import Struct

from mlops.hands import Done
from mlops.places import Places
from utils.disk import OsDisk, replace_file

KEPT = 200


class Marked(Struct, frozen=True):
    mark: str
    step: str
    done: Done


def _path(places: Places, model: str) -> Path:
    return places.monitoring / "acts" / f"{model}.json"


def _read(path: Path) -> list[Marked]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Marked])
    except (FileNotFoundError, msgspec.DecodeError):
        return []  # every act can be done again; a rollback is found in the registry's history


def find_mark(places: Places, model: str, mark: str) -> Done | None:
    """What the act of this mark did; None: nothing that was noted."""
    return next((each.done for each in _read(_path(places, model)) if each.mark == mark), None)


def note_mark(places: Places, model: str, mark: str, step: str, done: Done) -> None:
    path = _path(places, model)
    entries = [*_read(path), Marked(mark, step, done)][-KEPT:]
    disk = OsDisk()
    disk.mkdir(path.parent)
    replace_file(disk, path, msgspec.json.encode(entries))
