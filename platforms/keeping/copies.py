"""Copies a file so that it is whole or not there at all, whenever the power goes. Blocking."""

import errno
import hashlib
import os
import re
import shutil
import time
from contextlib import closing
from pathlib import Path

from platforms.keeping.checks import read_only

_PATIENCE_S = 10.0
_BUSY_S = 0.5
_SPARE_BYTES = 32 << 20
_DAMAGED = re.compile(r"\.damaged-[0-9T.]+Z(-\d+)?$")
_SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")


def copy_to(source: Path, target: Path, kind: str) -> None:
    """A whole copy on disk, with the mode of the source; a database through SQLite, as it may be in use."""
    if kind == "sqlite" and source.stat().st_size:
        _copy_database(source, target)
    else:
        shutil.copyfile(source, target)
    shutil.copymode(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def need_room(folder: Path, size_bytes: int) -> None:
    """A backup never takes the last room of a disk that others write to."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < size_bytes + _SPARE_BYTES:
        raise OSError(errno.ENOSPC, f"{free >> 20} MiB free are too little for a backup", str(folder))


def free_name(path: Path) -> Path:
    """`path`, or a name beside it that nothing has yet: what was kept before stays."""
    number, name = 1, path
    while name.exists() or name.is_symlink():
        number += 1
        name = path.with_name(f"{path.name}-{number}")
    return name


def put_in_place(fresh: Path, target: Path) -> None:
    fresh.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def set_aside(path: Path, aside: Path) -> None:
    """Keep `path` also as `aside`; `path` itself stays, so that there is a file at every instant."""
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        shutil.copy2(path, aside)


def set_companions_aside(path: Path, aside: Path) -> None:
    """A write-ahead log of the damaged database would be replayed into the restored one."""
    for suffix in _SQLITE_COMPANIONS:
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.replace(aside.with_name(aside.name + suffix))


def forget_oldest(path: Path, keep: int) -> None:
    """Of the damaged copies of a file, each with its companions, the newest stay."""
    copies = [one for one in path.parent.glob(f"{path.name}.damaged-*") if _DAMAGED.search(one.name)]
    for old in sorted(copies)[:-keep]:
        for suffix in ("", *_SQLITE_COMPANIONS):
            old.with_name(old.name + suffix).unlink(missing_ok=True)


def _copy_database(source: Path, target: Path) -> None:
    import sqlite3

    give_up_at = time.monotonic() + _PATIENCE_S

    def progress(*_: int) -> None:
        if time.monotonic() > give_up_at:  # sqlite3 itself waits for ever
            raise TimeoutError(f"{source.name} stayed locked for {_PATIENCE_S:g} s")

    with (
        closing(sqlite3.connect(read_only(source), uri=True, timeout=_BUSY_S)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        try:
            reading.backup(writing, progress=progress)
            writing.execute("PRAGMA journal_mode=DELETE")  # one file, whatever the source uses
        except sqlite3.Error as error:
            raise OSError(f"{source.name} cannot be copied: {error}") from error
