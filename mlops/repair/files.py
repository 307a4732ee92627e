"""Copies that are checked, and replacement of a table at one instant with its mode and owner."""

import contextlib
import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mlops.errors import BadInputError
from mlops.repair.scan import Progress

_PIECE = 1 << 20
_CLONE = 0x40049409  # FICLONE of linux/fs.h


def sha256_of(path: Path, size: int | None = None, told: Progress | None = None) -> str:
    """Of the file, or of its first `size` bytes."""
    digest, left = hashlib.sha256(), path.stat().st_size if size is None else size
    whole = left
    with path.open("rb", buffering=0) as file:
        while left > 0 and (piece := file.read(min(left, _PIECE))):
            digest.update(piece)
            left -= len(piece)
            if told is not None:
                told("checking the backup", whole - left, whole)
    return digest.hexdigest()


def back_up(source: Path, copy: Path, sha256: str, told: Progress | None = None) -> None:
    """Copy, sync, and read the copy back. Raises BadInputError where it is not what the first pass read."""
    make_folder(copy.parent)
    try:
        with source.open("rb", buffering=0) as old, copy.open("xb") as new:
            _copy(old, new)
            new.flush()
            os.fsync(new.fileno())
        sync_folder(copy.parent)
        _same(source, sha256_of(copy, told=told), sha256)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _same(source: Path, copied: str, read: str) -> None:
    if copied != read:
        raise BadInputError("was changed while it was read", where=source, do="nothing was done; try again")


def _copy(old: io.FileIO, new: BinaryIO) -> None:
    """Sharing the blocks on file systems that can; elsewhere the kernel's own copy costs twice that of reading and writing."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(new.fileno(), _CLONE, old.fileno())
        return
    piece = memoryview(bytearray(_PIECE))
    while size := old.readinto(piece):
        new.write(piece[:size])


class Replacement:
    """A new file beside its target. `commit` puts it in the target's place; without that it is removed again."""

    def __init__(self, target: Path, like: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.repair.tmp")
        self._like = like
        self.path.unlink(missing_ok=True)  # of a repair that was killed; the lock says that none is running
        self.file = self.path.open("xb", buffering=1 << 20)
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def finish(self) -> None:
        """Lasting on the disk, with the mode and owner of the file that it is like."""
        old = self._like.stat()
        self.file.flush()
        with contextlib.suppress(PermissionError):
            os.fchown(self.file.fileno(), old.st_uid, old.st_gid)
        os.fchmod(self.file.fileno(), old.st_mode & 0o7777)
        os.fsync(self.file.fileno())
        self.file.close()

    def commit(self) -> None:
        self.path.replace(self.target)
        sync_folder(self.target.parent)

    def drop(self) -> None:
        with contextlib.suppress(OSError):  # a full disk refuses what is still buffered
            self.file.close()
        self.path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else repairs this file meanwhile."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise BadInputError("no such file", where=path) from None
    except IsADirectoryError:
        raise BadInputError("this is a folder", where=path, do="name the CSV file in it") from None
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror}", where=path) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInputError(
                "is being repaired by another process", where=path, do="wait for it"
            ) from None
        yield
