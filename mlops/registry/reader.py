"""What can be known of a model's versions without a lock: what the pointer names is complete, and stays while it is named."""

from pathlib import Path

from mlops.errors import BadInputError
from mlops.models.folder import DamagedModelError, load
from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.registry.pointer import Change, Pointer, read_pointer
from mlops.registry.records import read_history
from utils.disk import Disk, OsDisk

LOADS = 5  # attempts while a writer moves on


class Reader:
    def __init__(self, places: Places, name: str, *, disk: Disk | None = None) -> None:
        self.places, self.name = places, name
        self._disk = disk or OsDisk()

    def pointer(self) -> Pointer:
        """Where it is damaged or lost: what the history, whose lines are pointers too, ended with."""
        problem: BadInputError | None = None
        try:
            found = read_pointer(self._disk, self.places.pointer(self.name))
        except BadInputError as error:
            found, problem = None, error
        if found is not None:
            return found
        past = read_history(self._disk, self._history)
        if problem is not None and not past:
            raise problem
        return past[-1] if past else Pointer()

    def champion(self) -> int | None:
        return self.pointer().champion

    def challenger(self) -> int | None:
        return self.pointer().challenger

    def versions(self) -> tuple[int, ...]:
        return self.pointer().versions

    def history(self) -> list[Change]:
        """Every change, oldest first."""
        return [each.change for each in read_history(self._disk, self._history) if each.change is not None]

    def load(self, version: int) -> LoadedModel:
        """DamagedModelError where its files are not what was saved."""
        folder = self.places.version(self.name, version)
        model = load(folder, inside=self.places.models, disk=self._disk)
        if (model.card.name, model.card.version) != (self.name, version):
            what = f"holds version {model.card.version} of {model.card.name!r}"
            raise DamagedModelError(what, where=folder, do="restore it from models/backups")
        return model

    def load_champion(self) -> LoadedModel:
        """The champion of this instant, whatever writers do meanwhile."""
        for attempt in range(LOADS):
            champion = self.champion()
            if champion is None:
                raise BadInputError(
                    f"model {self.name!r} has no version", do="train it: scripts/train_model.py"
                )
            try:
                return self.load(champion)
            except DamagedModelError:
                if attempt == LOADS - 1 or self.champion() == champion:
                    raise
        raise AssertionError("the last attempt returns or raises")

    @property
    def _history(self) -> Path:
        return self.places.model(self.name) / "history.jsonl"
