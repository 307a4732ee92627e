"""Small files that say which process leads each service, for the daemon that comes after this one.

The marks in the environment would nearly do; but a program may overwrite or hide its environment, and a detached
grandchild looks like a leader. Never fsynced: a power cut ends the processes too.
"""

from pathlib import Path

from msgspec import Struct

from platforms.names import file_name
from platforms.platform import Incarnation
from utils.sealed import SealBrokenError, sealed, unsealed


class Record(Struct, frozen=True):
    incarnation: Incarnation
    boot: str
    state: str = ""  # the state folder of the daemon that wrote it; empty in records of an older version


class Records:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: Record) -> None:
        path = self._path(record.incarnation.service)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_bytes(sealed(record))
        fresh.replace(path)

    def remove(self, service: str) -> None:
        self._path(service).unlink(missing_ok=True)

    def read(self) -> list[Record]:
        """What can be read; the marks find what a damaged record named."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(unsealed(path.read_bytes(), Record))
            except (OSError, SealBrokenError):
                continue
        return found

    def _path(self, service: str) -> Path:
        return self._folder / f"{file_name(service)}.json"
