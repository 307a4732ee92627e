"""Checked copies of a model as it was: the pointer and the champion's files, made before each training."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mlops.errors import BadInputError
from mlops.models.folder import DamagedModelError, checked
from mlops.places import Places
from mlops.registry.reader import Reader
from utils.disk import OsDisk, replace_file, write_new

KEEP = 5


def back_up(places: Places, name: str, *, keep: int = KEEP) -> tuple[Path | None, list[str]]:
    """Copy the champion and the pointer; where, and what a person should know. Nothing where there is no champion."""
    champion = Reader(places, name).champion()
    if champion is None:
        return None, []
    try:
        files = checked(places.version(name, champion), inside=places.models)
    except DamagedModelError as error:
        return None, [f"the champion could not be backed up: {error}"]
    parent = places.model_backups(name)
    folder = parent / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = folder / "versions" / str(champion)
    try:
        _copy(places, name, champion, files, folder)
        checked(target, inside=folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInputError(f"the backup cannot be written: {error.strerror}", where=folder) from error
    for old in backups(places, name)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return folder, []


def _copy(places: Places, name: str, champion: int, files: dict[str, bytes], folder: Path) -> None:
    """The pointer comes last: a folder without it is no backup."""
    disk = OsDisk()
    target = folder / "versions" / str(champion)
    disk.mkdir(target)
    files = {**files, "manifest.json": disk.read(places.version(name, champion) / "manifest.json")}
    for file, data in files.items():
        write_new(disk, target / file, data)
    disk.fsync_dir(target)
    replace_file(disk, folder / "pointer.json", disk.read(places.pointer(name)))


def backups(places: Places, name: str) -> list[Path]:
    """Whole ones, oldest first."""
    return sorted(path.parent for path in places.model_backups(name).glob("*/pointer.json"))


def restore(places: Places, name: str, version: int) -> Path:
    """Put a version's files back from the newest backup that has them whole; the damaged ones are kept aside."""
    folder = places.version(name, version)
    for backup in reversed(backups(places, name)):
        copy = backup / "versions" / str(version)
        with suppress(DamagedModelError):
            checked(copy, inside=backup)
            _put_back(copy, folder)
            return backup
    raise BadInputError(f"no backup holds version {version} of {name!r}", where=places.model_backups(name))


def _put_back(copy: Path, folder: Path) -> None:
    disk = OsDisk()
    aside = folder.with_name(f"{folder.name}.corrupt")
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    disk.mkdir(folder)
    for file in sorted(copy.iterdir(), key=lambda path: path.name == "manifest.json"):
        replace_file(disk, folder / file.name, file.read_bytes())
