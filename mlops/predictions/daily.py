"""One append-only file a UTC day, in which a line is whole or marked as torn by the line break after it."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")


def days(folder: Path) -> list[tuple[str, Path]]:
    """(day, file) of a log, oldest first; other names in the folder are none of ours."""
    try:
        names = sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))  # noqa: PTH208 -- half the time of iterdir
    except FileNotFoundError:
        return []
    return [(name.removesuffix(".jsonl"), folder / name) for name in names]


def forget(folder: Path, today: str, keep_days: int) -> list[Path]:
    """Remove what is older than `keep_days` days; what was removed."""
    oldest = (date.fromisoformat(today) - timedelta(days=keep_days)).isoformat()
    old = [path for day, path in days(folder) if day < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return old


class DailyFile:
    """Appends lines with a single write each time, so that other writers and readers never see a line cut in two."""

    def __init__(self, folder: Path, write: Callable[[int, bytes], int] = os.write) -> None:
        self.folder = folder
        self._write = write
        self._day = ""
        self._descriptor = -1

    def append(self, day: str, lines: list[bytes]) -> int:
        """How many of the lines (each without its line break) are in the file; OSError if none went in.

        Of a disk that takes a part, the line that was cut stays torn and is not counted: write it again.
        """
        self._open(day)
        start = b"\n" if _ends_torn(self._descriptor) else b""  # by us on a full disk, or by whoever died
        written = self._write(self._descriptor, start + b"\n".join(lines) + b"\n")
        return _whole(lines, written - len(start))

    def sync(self) -> None:
        if self._descriptor >= 0:
            _sync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._day = -1, ""

    def _open(self, day: str) -> None:
        if day == self._day:
            return
        self.sync()
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{day}.jsonl"
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._day = day


def _ends_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _whole(lines: list[bytes], written: int) -> int:
    """How many whole lines the first `written` bytes hold."""
    for number, line in enumerate(lines):
        if written < len(line):
            return number
        written -= len(line) + 1
    return len(lines)


def blocks(path: Path, block_bytes: int = 1 << 20) -> Iterator[bytes]:
    """The file in blocks that end at a line's end; the last may lack its line break."""
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:  # its retention ended while we read
        return
    with file:
        rest = b""
        while block := file.read(block_bytes):
            head, newline, tail = block.rpartition(b"\n")
            if newline:
                yield rest + head
                rest = tail
            else:
                rest += block
        if rest:
            yield rest
