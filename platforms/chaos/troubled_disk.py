"""A disk of our own that can be full or broken on purpose: whatever changes it fails, reading goes on."""

import errno
import os
from pathlib import Path
from typing import Literal

from utils.disk import Disk, Handle

Problem = Literal["", "full", "broken"]
_ERRORS = {"full": errno.ENOSPC, "broken": errno.EIO}


class TroubledDisk:
    """Implements `Disk`; without a problem it is the disk below."""

    def __init__(self, below: Disk) -> None:
        self._below = below
        self.problem: Problem = ""

    def check(self, path: Path) -> None:
        if self.problem:
            number = _ERRORS[self.problem]
            raise OSError(number, f"{os.strerror(number)}, by a chaos experiment", str(path))

    def open_append(self, path: Path) -> Handle:
        self.check(path)
        return _Handle(self, self._below.open_append(path), path)

    def create(self, path: Path) -> Handle:
        self.check(path)
        return _Handle(self, self._below.create(path), path)

    def read(self, path: Path, offset: int = 0, length: int = -1) -> bytes:
        return self._below.read(path, offset, length)

    def size(self, path: Path) -> int:
        return self._below.size(path)

    def names(self, folder: Path) -> list[str]:
        return self._below.names(folder)

    def rename(self, source: Path, target: Path) -> None:
        self.check(target)
        self._below.rename(source, target)

    def remove(self, path: Path) -> None:
        self._below.remove(path)

    def fsync_dir(self, folder: Path) -> None:
        self.check(folder)
        self._below.fsync_dir(folder)

    def mkdir(self, folder: Path) -> None:
        self.check(folder)
        self._below.mkdir(folder)


class _Handle:
    def __init__(self, disk: TroubledDisk, below: Handle, path: Path) -> None:
        self._disk = disk
        self._below = below
        self._path = path

    def write(self, data: bytes) -> None:
        self._disk.check(self._path)
        self._below.write(data)

    def fsync(self) -> None:
        self._disk.check(self._path)
        self._below.fsync()

    def append(self, data: bytes) -> None:
        self._disk.check(self._path)
        self._below.append(data)

    def close(self) -> None:
        self._below.close()
