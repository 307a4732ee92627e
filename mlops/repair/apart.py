"""Rows that cannot be parsed, kept in a file of their own under the table's header; and a digest of what is not kept."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from mlops.repair.files import make_folder


class Apart:
    """Nothing is made until there is a row."""

    def __init__(self, path: Path, source: Path, header: int) -> None:
        self._path, self._source, self._header = path, source, header
        self._file: BinaryIO | None = None

    def write(self, row: bytes) -> None:
        if self._file is None:
            make_folder(self._path.parent)
            self._file = self._path.open("xb")
            with self._source.open("rb") as file:
                self._file.write(file.read(self._header))
        self._file.write(row)

    @property
    def name(self) -> str:
        return str(self._path) if self._file else ""

    def finish(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


class Digest:
    """Takes bytes and keeps their fingerprint."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
