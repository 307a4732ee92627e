"""A model as a folder of data: card, encoder, one file of numbers, and a manifest with the checksum of each.

Nothing in it is code and nothing is unpickled. What the manifest does not name, or names with another checksum, is refused.
"""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from mlops.errors import BadInputError
from mlops.models.boosted import Boosted
from mlops.models.card import Card
from mlops.models.encoder import Encoder
from mlops.models.forest import Forest
from mlops.models.linear import Linear
from mlops.models.loaded import LoadedModel, Scorer
from utils.disk import Disk, OsDisk, replace_file

MANIFEST, CARD, ENCODER = "manifest.json", "card.json", "encoder.json"
FORMAT = 1
SCORERS: dict[str, type[Linear] | type[Boosted] | type[Forest]] = {
    each.FILE: each for each in (Linear, Boosted, Forest)
}
DO = "roll back to another version or train again"


class DamagedModelError(BadInputError):
    """A folder that cannot be trusted as a model."""


class Manifest(Struct, frozen=True):
    format: int
    files: dict[str, str]  # sha256 in hex


def save(model: LoadedModel, folder: Path, *, disk: Disk | None = None) -> None:
    """Write all files, the manifest last: without it the folder is no model."""
    disk = disk or OsDisk()
    scorer: Scorer = model.scorer
    files = {CARD: _json(model.card), ENCODER: _json(model.encoder), scorer.FILE: scorer.file()}
    disk.mkdir(folder)
    for name, data in files.items():
        replace_file(disk, folder / name, data)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    replace_file(disk, folder / MANIFEST, _json(Manifest(FORMAT, sums)))


def load(folder: Path, *, inside: Path, disk: Disk | None = None) -> LoadedModel:
    """Check and load; DamagedModelError says what is wrong. `inside`: the folder that models are trusted in."""
    files = checked(folder, inside=inside, disk=disk)
    try:
        card = msgspec.json.decode(files.pop(CARD), type=Card)
        encoder = msgspec.json.decode(files.pop(ENCODER), type=Encoder)
        [(name, data)] = files.items()
        scorer: Scorer = SCORERS[name].from_file(data)
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise DamagedModelError(
            f"holds no model that this version reads: {error}", where=folder, do=DO
        ) from error
    except BadInputError as error:
        raise DamagedModelError(str(error), where=folder, do=DO) from error
    if problem := scorer.problem(encoder.width):
        raise DamagedModelError(f"its parts do not belong together: {problem}", where=folder, do=DO)
    return LoadedModel(card, encoder, scorer)


def checked(folder: Path, *, inside: Path, disk: Disk | None = None) -> dict[str, bytes]:
    """The files that the manifest names, each with the checksum that it should have."""
    disk = disk or OsDisk()
    if not folder.resolve().is_relative_to(inside.resolve()):
        raise DamagedModelError(
            f"lies outside {inside}", where=folder, do="models are loaded from there only"
        )
    names = _names(disk, folder)
    manifest = _manifest(disk, folder)
    known = {CARD, ENCODER, *SCORERS}
    if foreign := sorted((names - {MANIFEST} - manifest.files.keys()) | (manifest.files.keys() - known)):
        raise DamagedModelError(f"holds {foreign[0]!r}, which is no part of a model", where=folder, do=DO)
    found = {}
    for name, wanted in manifest.files.items():
        path = folder / name
        if path.resolve().parent != folder.resolve():
            raise DamagedModelError(f"{name!r} leads outside", where=folder, do=DO)
        try:
            found[name] = disk.read(path)
        except OSError as error:
            raise DamagedModelError(
                f"{name!r} cannot be read: {error.strerror}", where=folder, do=DO
            ) from error
        if hashlib.sha256(found[name]).hexdigest() != wanted:
            raise DamagedModelError(
                f"{name!r} is not what was saved: its checksum differs", where=folder, do=DO
            )
    return found


def _names(disk: Disk, folder: Path) -> set[str]:
    try:
        return {name for name in disk.names(folder) if not name.endswith(".tmp")}
    except OSError as error:
        raise DamagedModelError(f"cannot be read: {error.strerror}", where=folder, do=DO) from error


def _manifest(disk: Disk, folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(disk.read(folder / MANIFEST), type=Manifest)
    except OSError as error:
        raise DamagedModelError(
            f"its manifest cannot be read: {error.strerror}", where=folder, do=DO
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedModelError(f"its manifest is damaged: {error}", where=folder, do=DO) from error
    if manifest.format != FORMAT:
        raise DamagedModelError(f"is of format {manifest.format}, this version reads {FORMAT}", where=folder)
    return manifest


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
