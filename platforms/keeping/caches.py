"""Empties a declared cache and nothing else: no symlink is followed, nothing outside the service's folder is touched."""

import contextlib
import errno
import os
import stat
from pathlib import Path

from platforms.platform import PlatformError


def empty(cwd: Path, cache: str) -> int:
    """Blocking. Removes the content, keeps the folder; how many files and links went."""
    root = cwd.resolve()
    folder = Path(os.path.normpath(root / cache))
    if folder == root or not folder.is_relative_to(root):
        raise PlatformError(f"the cache {cache} lies outside of {root}, or is all of it")
    if folder.resolve() != folder:
        raise PlatformError(f"the cache {cache} is reached through a symlink")
    if not folder.exists():
        return 0
    if not folder.is_dir():
        raise PlatformError(f"the cache {cache} is no folder")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        return _empty(descriptor)
    finally:
        os.close(descriptor)


def _empty(folder: int) -> int:
    """By descriptor, so that a folder replaced by a link meanwhile leads nowhere else."""
    removed = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # its owner may be tidying too
            removed += _remove(folder, name)
    return removed


def _remove(folder: int, name: str) -> int:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=folder)
        return 1
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        removed = _empty(inner)
    finally:
        os.close(inner)
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # something new was put in: it stays
            raise
    return removed
