"""Plans of faults on disk: one is there before its fault is, and goes when nothing of the fault is left."""

import os
from pathlib import Path

import msgspec
import structlog

from platforms.chaos.fault import FaultRefused, Plan
from platforms.chaos.registry import Faults
from platforms.keeping.copies import put_in_place

log = structlog.get_logger()


class Notes:
    def __init__(self, folder: Path, faults: Faults) -> None:
        self._folder = folder
        self._faults = faults

    def write(self, plan: Plan) -> None:
        """On disk when it returns. Raises OSError."""
        path = self._path(plan.id)
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(plan))
            file.flush()
            os.fsync(file.fileno())
        put_in_place(new, path)

    def make_room(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def forget(self, plan_id: str) -> None:
        self._path(plan_id).unlink(missing_ok=True)

    def leftovers(self) -> list[Plan]:
        """What an earlier life left behind; a note that cannot be read is set aside."""
        plans: list[Plan] = []
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            try:
                plans.append(self._faults.decode(path.read_bytes()))
            except (OSError, msgspec.DecodeError, FaultRefused) as error:
                log.warning("chaos_note_damaged", path=str(path), error=str(error))
                path.replace(path.with_suffix(".corrupt"))
        for saved in self._folder.glob("*.saved"):  # we died before the note was written, so before the fault
            if not saved.with_suffix(".json").exists() and not saved.with_suffix(".corrupt").exists():
                saved.unlink()
        for begun in self._folder.glob("*.new"):  # nor was the note in place
            begun.unlink()
        return plans

    def _path(self, plan_id: str) -> Path:
        return self._folder / f"{plan_id}.json"
