"""The versions of one model: registered, promoted, rolled back, each by one atomic replacement of its pointer.

The history, the log of rollbacks and MLflow's aliases follow the pointer; what a crash or a full disk left undone is made
good by the next writer, or by `reconcile`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from mlops.errors import BadInputError
from mlops.models.folder import MANIFEST, DamagedModelError, checked, save
from mlops.models.loaded import LoadedModel
from mlops.places import Places
from mlops.registry.locks import writing
from mlops.registry.pointer import (
    Change,
    Detail,
    Kind,
    Pointer,
    read_pointer,
    without_surplus,
    write_pointer,
)
from mlops.registry.reader import Reader
from mlops.registry.records import append_history, log_rollback, read_history
from utils.damage import set_aside
from utils.disk import Disk, remove_if_there

Details = Mapping[str, Detail]
KEEP = 5


class ChangedMeanwhileError(BadInputError):
    """Somebody else moved the champion first."""


class Trained(Protocol):
    """What comes out of a training."""

    @property
    def model(self) -> LoadedModel: ...


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Registry(Reader):
    """Every change takes the lock of the model, so that two writers take turns."""

    def __init__(
        self,
        places: Places,
        name: str,
        *,
        keep: int = KEEP,
        disk: Disk | None = None,
        lock: Callable[[], AbstractContextManager[None]] | None = None,
        now: Callable[[], str] = _now,
    ) -> None:
        super().__init__(places, name, disk=disk)
        self.keep = keep
        self._lock = lock or partial(writing, places.model(name) / "lock")
        self._now = now

    def register(self, trained: Trained, *, reason: str = "trained", details: Details | None = None) -> int:
        """Keep a new version; the first one of all is champion at once."""
        with self._lock():
            pointer = self._reconciled()
            version = pointer.last_version + 1
            model = trained.model
            card = msgspec.structs.replace(model.card, name=self.name, version=version)
            folder = self.places.version(self.name, version)
            try:
                save(LoadedModel(card, model.encoder, model.scorer), folder, disk=self._disk)
            except OSError as error:
                with suppress(OSError):
                    remove_version(self._disk, folder)
                raise BadInputError(f"cannot be written: {error.strerror}", where=folder) from error
            self._check(version)
            new = msgspec.structs.replace(
                pointer,
                versions=(*pointer.versions, version),
                last_version=version,
                champion=version if pointer.champion is None else pointer.champion,
            )
            self._move(pointer, new, "registered", version, reason, details)
        return version

    def set_challenger(
        self, version: int | None, reason: str = "", *, details: Details | None = None
    ) -> None:
        """Let a version score the same requests in the shadow; None: nobody does any more."""
        with self._lock():
            pointer = self._reconciled()
            if version is not None:
                if version == pointer.champion:
                    raise BadInputError(f"version {version} of {self.name!r} is the champion already")
                self._known(pointer, version)
            kind: Kind = "withdrawn" if version is None else "challenged"
            new = msgspec.structs.replace(pointer, challenger=version)
            self._move(pointer, new, kind, version, reason, details)

    def promote(
        self, version: int, reason: str, *, details: Details | None = None, over: int | None = None
    ) -> None:
        """Make a version champion; the one before is where a rollback leads. `over`: only if that one is champion still."""
        with self._lock():
            pointer = self._reconciled()
            self._expected(pointer, over)
            self._known(pointer, version)
            if version == pointer.champion:
                return
            before = [each for each in pointer.previous if each not in {version, pointer.champion}]
            new = msgspec.structs.replace(
                pointer,
                champion=version,
                challenger=None if version == pointer.challenger else pointer.challenger,
                previous=(*before, *([pointer.champion] if pointer.champion is not None else [])),
            )
            self._move(pointer, new, "promoted", version, reason, details)

    def rollback(self, reason: str, *, details: Details | None = None, of: int | None = None) -> int:
        """Back to the champion before, or the newest one before that whose files are whole; its version.

        `of`: only if that version is champion still, so that doing it again after a crash does not go back twice.
        """
        with self._lock():
            pointer = self._reconciled()
            self._expected(pointer, of)
            version, damaged = self._way_back(pointer)
            new = msgspec.structs.replace(
                pointer,
                champion=version,
                challenger=None if version == pointer.challenger else pointer.challenger,
                previous=pointer.previous[: pointer.previous.index(version)],
            )
            told = {**(details or {}), **({"skipped": "; ".join(damaged)} if damaged else {})}
            self._move(pointer, new, "rolled_back", version, reason, told)
        return version

    def reconcile(self) -> Pointer:
        """Make good what a crash left: records that are missing, folders of versions that never came to be."""
        with self._lock():
            return self._reconciled()

    # --- under the lock ---

    def _way_back(self, pointer: Pointer) -> tuple[int, list[str]]:
        damaged: list[str] = []
        for version in reversed(pointer.previous):
            try:
                self._check(version)
            except DamagedModelError as error:
                damaged.append(str(error))
            else:
                return version, damaged
        why = f": {'; '.join(damaged)}" if damaged else ""
        what = f"model {self.name!r} has no earlier version to go back to{why}"
        raise BadInputError(
            what, where=self.places.pointer(self.name), do="train it again; nothing was changed"
        )

    def _expected(self, pointer: Pointer, champion: int | None) -> None:
        if champion is not None and champion != pointer.champion:
            what = f"the champion of {self.name!r} is version {pointer.champion} by now, not {champion}"
            raise ChangedMeanwhileError(what, do="look again; nothing was changed")

    def _known(self, pointer: Pointer, version: int) -> None:
        if version not in pointer.versions:
            known = ", ".join(map(str, pointer.versions)) or "none"
            raise BadInputError(f"model {self.name!r} has no version {version}; kept are: {known}")
        self._check(version)

    def _check(self, version: int) -> None:
        checked(self.places.version(self.name, version), inside=self.places.models, disk=self._disk)

    def _move(
        self, old: Pointer, new: Pointer, kind: Kind, to: int | None, reason: str, details: Details | None
    ) -> None:
        change = Change(
            generation=old.generation + 1,
            at=self._now(),
            kind=kind,
            from_version=old.champion,
            to_version=to,
            reason=reason,
            details=dict(details or {}),
        )
        new = msgspec.structs.replace(new, generation=change.generation, change=change)
        new = without_surplus(new, self.keep)
        self._point(new)
        self._follow(new)

    def _point(self, pointer: Pointer) -> None:
        path = self.places.pointer(self.name)
        try:
            write_pointer(self._disk, path, pointer)
        except OSError as error:
            raise BadInputError(f"cannot be written: {error.strerror}", where=path) from error

    def _reconciled(self) -> Pointer:
        pointer = self.pointer()
        path = self.places.pointer(self.name)
        try:
            lost = read_pointer(self._disk, path) is None and pointer.generation > 0
        except BadInputError:
            lost = True
            set_aside(self._disk, path)
        if lost:
            self._point(pointer)
        self._follow(pointer)
        return pointer

    def _follow(self, pointer: Pointer) -> None:
        """Records and tidying; a full disk may leave them behind, it must not keep the pointer from moving."""
        change = pointer.change
        if change is None:
            return
        with suppress(OSError):
            past = read_history(self._disk, self._history)
            if not past or past[-1].generation < change.generation:
                append_history(self._disk, self._history, pointer)
        with suppress(OSError):
            if change.kind == "rolled_back":
                log_rollback(self._disk, self.places.rollback_log, self.name, change)
        with suppress(OSError):
            self._sweep(pointer)

    def _sweep(self, pointer: Pointer) -> None:
        parent = self.places.version(self.name, 0).parent
        for name in self._disk.names(parent):
            if name.isdigit() and int(name) not in pointer.versions:
                remove_version(self._disk, parent / name)


def remove_version(disk: Disk, folder: Path) -> None:
    """The manifest first: half of a version is none."""
    remove_if_there(disk, folder / MANIFEST)
    for name in disk.names(folder):
        disk.remove(folder / name)
    disk.fsync_dir(folder)
    with suppress(OSError):
        folder.rmdir()
