"""Takes the last repair of a table back, byte for byte, if the table still is what that repair wrote."""

import io
from pathlib import Path

import msgspec

from mlops.errors import BadInputError
from mlops.places import Places
from mlops.repair import history
from mlops.repair.files import Replacement, alone, sha256_of
from mlops.repair.history import Manifest
from mlops.repair.log import reverse


def undo(path: Path, places: Places) -> Manifest:
    """The manifest of the repair that was taken back. BadInputError: there is none, or the table was changed since."""
    target = path.resolve()
    try:
        with alone(target):
            return _undo(target, places)
    except OSError as error:
        raise BadInputError(
            f"{error.strerror or error}: nothing was replaced", where=error.filename or path
        ) from error


def _undo(target: Path, places: Places) -> Manifest:
    now = sha256_of(target)
    repairs = [(stem, each) for stem, each in history.manifests(places, target) if each.sha256_before != now]
    if not repairs:
        raise BadInputError(
            "no repair of it can be taken back", where=target, do=f"{places.repairs} holds those done"
        )
    stem, last = repairs[0]
    if last.sha256_after != now:
        kept = (
            f"; the table before it is kept in {last.backup}"
            if last.backup and Path(last.backup).exists()
            else ""
        )
        raise BadInputError(
            f"was changed after the repair of {last.timestamp}; nothing was done{kept}",
            where=target,
            do="take those changes back first",
        )
    if last.sha256_before:
        _restore(target, last)
    else:
        target.unlink()
    done = msgspec.structs.replace(last, undone_at=history.now())
    history.write_manifest(places, stem, done)
    return done


def _restore(target: Path, last: Manifest) -> None:
    new = Replacement(target, target)
    try:
        if last.backup and Path(last.backup).exists() and sha256_of(Path(last.backup)) == last.sha256_before:
            with Path(last.backup).open("rb") as file:
                while piece := file.read(1 << 20):
                    new.write(piece)
        elif last.path == last.source:
            _from_log(target, last, new)
        _check(new, last, target)
        new.finish()
        new.commit()
    except BaseException:
        new.drop()
        raise


def _check(new: Replacement, last: Manifest, target: Path) -> None:
    if new.sha256 != last.sha256_before:
        raise BadInputError(
            "neither its backup nor the log of its repair gives back what it was; nothing was done",
            where=target,
        )


def _from_log(target: Path, last: Manifest, new: Replacement) -> None:
    try:
        with target.open("rb") as file:
            reverse(file, Path(last.log), _Writer(new))
    except (ValueError, OSError, EOFError, msgspec.DecodeError) as error:
        raise BadInputError(f"its backup is gone and its log is damaged: {error}", where=target) from error


class _Writer(io.BufferedIOBase):
    def __init__(self, new: Replacement) -> None:
        self._new = new

    def write(self, data: bytes) -> int:  # type: ignore[override]  # only bytes are written here
        self._new.write(data)
        return len(data)
