"""The one truth about a model: which version is champion, which is challenger, which are kept, and the last change."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from mlops.errors import BadInputError
from utils.disk import Disk, replace_file

Kind = Literal["registered", "challenged", "withdrawn", "promoted", "rolled_back"]
Detail = float | int | str | bool | None
FORMAT = 1


class Change(Struct, frozen=True, kw_only=True):
    """One step of a model's history; `generation` counts them."""

    generation: int
    at: str
    kind: Kind
    from_version: int | None  # the champion before
    to_version: int | None  # the version that was registered, challenged, promoted or gone back to
    reason: str
    details: dict[str, Detail] = {}


class Pointer(Struct, frozen=True, kw_only=True):
    generation: int = 0
    champion: int | None = None
    challenger: int | None = None
    previous: tuple[int, ...] = ()  # champions before, newest last: where a rollback leads
    versions: tuple[int, ...] = ()  # that are kept, ascending
    last_version: int = 0  # ever given
    change: Change | None = None  # that led here
    format: int = FORMAT


def read_pointer(disk: Disk, path: Path) -> Pointer | None:
    """What stands there now, None where nothing does; needs no lock."""
    try:
        pointer = msgspec.json.decode(disk.read(path), type=Pointer)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror}", where=path) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        do = "restore it from models/backups, or remove it and train again"
        raise BadInputError(f"is damaged: {error}", where=path, do=do) from error
    if pointer.format != FORMAT:
        raise BadInputError(f"is of format {pointer.format}, this version reads {FORMAT}", where=path)
    return pointer


def write_pointer(disk: Disk, path: Path, pointer: Pointer) -> None:
    replace_file(disk, path, msgspec.json.format(msgspec.json.encode(pointer), indent=2) + b"\n")


def without_surplus(pointer: Pointer, keep: int) -> Pointer:
    """Without versions that are too many; champion, challenger, the way back and the newest always stay.

    >>> without_surplus(Pointer(champion=1, versions=(1, 2, 3, 4), last_version=4), 3).versions
    (1, 3, 4)
    """
    held = {pointer.champion, pointer.challenger, pointer.last_version, *pointer.previous[-1:]}
    held &= {*pointer.versions}
    for version in sorted(pointer.versions, reverse=True):
        if len(held) < keep:
            held.add(version)
    versions = tuple(version for version in pointer.versions if version in held)
    previous = tuple(version for version in pointer.previous if version in held)
    return msgspec.structs.replace(pointer, versions=versions, previous=previous)
