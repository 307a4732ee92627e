"""Append-only log files of services: opened for a child, rotated by copy and truncate, read from the end."""

import os
import shutil
from pathlib import Path

from platforms.names import file_name

_CHUNK = 1 << 20


class OutputFiles:
    """One file per service, over all its lives. A child keeps its descriptor, so the file itself never moves."""

    def __init__(self, folder: Path, max_bytes: int = 10 * 2**20, keep: int = 3) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._keep = keep
        self._paths: dict[str, Path] = {}
        self._rotated: dict[str, bool] = {}

    def path(self, service: str) -> Path:
        path = self._paths.get(service)
        if path is None:
            path = self._paths[service] = self._folder / f"{file_name(service)}.log"
        return path

    def open(self, service: str) -> int:
        """A descriptor that always appends; the caller closes it. A full or broken disk keeps no service down."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            try:
                return os.open(self.path(service), flags, 0o640)
            except FileNotFoundError:
                self._folder.mkdir(parents=True, exist_ok=True)
                return os.open(self.path(service), flags, 0o640)
        except OSError:
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    def is_full(self, service: str) -> bool:
        return _size(self.path(service)) > self._max_bytes

    def rotate(self, service: str) -> None:
        """Blocking. Keeps the newest `max_bytes`; what is written between copy and truncate is lost."""
        path = self.path(service)
        older = [_older(path, n) for n in range(1, self._keep + 1)]
        for source, target in zip(reversed(older[:-1]), reversed(older[1:]), strict=True):
            if source.exists():
                source.replace(target)
        fresh = path.with_name(f"{path.name}.tmp")
        with path.open("rb") as source_file, fresh.open("wb") as target_file:
            source_file.seek(max(0, _size(path) - self._max_bytes))
            shutil.copyfileobj(source_file, target_file, _CHUNK)
        fresh.replace(older[0])
        self._rotated[service] = True
        os.truncate(path, 0)

    def _was_rotated(self, service: str) -> bool:
        """By us or by the daemon before us; nobody else does it."""
        if service not in self._rotated:
            self._rotated[service] = _older(self.path(service)).exists()
        return self._rotated[service]

    def tail(self, service: str, limit: int) -> str:
        path = self.path(service)
        data = _tail(path, limit)
        if len(data) < limit and self._was_rotated(service):  # perhaps a moment ago
            data = _tail(_older(path), limit - len(data)) + data
        return data.lstrip(bytes(range(0x80, 0xC0))).decode(errors="replace")  # no half character in front


def _older(path: Path, n: int = 1) -> Path:
    return path.with_name(f"{path.name}.{n}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _tail(path: Path, limit: int) -> bytes:
    """With bare calls: a restart waits for the last words of what it restarts."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, limit, max(0, os.fstat(descriptor).st_size - limit))
    except OSError:
        return b""
    finally:
        os.close(descriptor)
