"""What is done with a damaged file: it is kept beside its place as `.corrupt`, and told."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from utils.disk import Disk, write_new


class Damage(Struct, frozen=True):
    """One damaged file of ours, for the fact DamageFound."""

    path: str
    problem: str
    restored_from: str = ""


Tell = Callable[[Damage], None]


def _free_name(disk: Disk, path: Path) -> Path:
    taken = set(disk.names(path.parent))
    name = f"{path.name}.corrupt"
    count = 1
    while name in taken:
        count += 1
        name = f"{path.name}.{count}.corrupt"
    return path.with_name(name)


def set_aside(disk: Disk, path: Path) -> str:
    """Move a damaged file out of the way for good; "" or why that was not possible."""
    try:
        disk.rename(path, _free_name(disk, path))
        disk.fsync_dir(path.parent)
    except OSError as error:
        return f"; it could not be set aside: {error}"
    return ""


def keep_copy(disk: Disk, path: Path, data: bytes) -> None:
    """Keep the damaged part of a file whose good part stays in its place."""
    write_new(disk, _free_name(disk, path), data)
    disk.fsync_dir(path.parent)
