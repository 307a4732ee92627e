"""Files for people: one complete JSON document at every instant, {version, saved_at, data}."""

from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from utils.damage import Damage, set_aside
from utils.disk import Disk, replace_file

T = TypeVar("T")
VERSION = 1


class _Document(Struct, Generic[T], frozen=True):
    version: int
    saved_at: str
    data: T


def write_document(disk: Disk, path: Path, data: object, saved_at: str) -> None:
    """Replace the document; blocks for the disk. OSError: the old one is still there."""
    document = _Document(VERSION, saved_at, data)
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    replace_file(disk, path, text + b"\n")


def read_document(disk: Disk, path: Path, data_type: type[T]) -> tuple[T | None, Damage | None]:
    """The data, None where there are none; what cannot be believed is set aside and described."""
    try:
        text = disk.read(path)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, Damage(str(path), f"cannot be read: {error}")
    try:
        document = msgspec.json.decode(text, type=_Document[data_type])  # type: ignore[valid-type]
        if document.version != VERSION:
            raise msgspec.ValidationError(f"its version is {document.version}, this daemon reads {VERSION}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, Damage(str(path), f"{error}{set_aside(disk, path)}")
    return document.data, None
