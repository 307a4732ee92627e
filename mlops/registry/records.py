"""What the pointer did: the history of a model, and for people the log of rollbacks of all models."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from mlops.registry.pointer import Change, Pointer
from utils.damage import set_aside
from utils.disk import Disk, replace_file


def read_history(disk: Disk, path: Path) -> list[Pointer]:
    """Oldest first, each generation once; a line that a crash cut short is skipped."""
    found = {each.generation: each for each in _lines(disk, path)}
    return [found[generation] for generation in sorted(found)]


def _lines(disk: Disk, path: Path) -> Iterator[Pointer]:
    with suppress(FileNotFoundError):
        for line in disk.read(path).split(b"\n"):
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                yield msgspec.json.decode(line, type=Pointer)


def append_history(disk: Disk, path: Path, pointer: Pointer) -> None:
    """Nothing is ever overwritten: a line cut short stays, and the next one begins anew."""
    torn = False
    with suppress(FileNotFoundError):
        data = disk.read(path)
        torn = bool(data) and not data.endswith(b"\n")
    handle = disk.open_append(path)
    try:
        handle.append(b"\n" * torn + msgspec.json.encode(pointer) + b"\n")
    finally:
        handle.close()
    disk.fsync_dir(path.parent)


def log_rollback(disk: Disk, path: Path, model: str, change: Change) -> None:
    """Add a rollback to the array, newest last, unless it stands there; what is no array is set aside, never lost."""
    entries: list[dict[str, Any]] = []
    try:
        entries = msgspec.json.decode(disk.read(path), type=list[dict[str, Any]])
    except FileNotFoundError:
        disk.mkdir(path.parent)
    except (msgspec.DecodeError, UnicodeDecodeError):
        set_aside(disk, path)
    key = (model, change.generation)
    if any((entry.get("model"), entry.get("generation")) == key for entry in entries):
        return
    entry = {
        "timestamp": change.at,
        "model": model,
        "from_version": change.from_version,
        "to_version": change.to_version,
        "reason": change.reason,
        "current_metric": None,
        "threshold": None,
        **change.details,
        "generation": change.generation,
    }
    replace_file(disk, path, msgspec.json.format(msgspec.json.encode([*entries, entry]), indent=2) + b"\n")
