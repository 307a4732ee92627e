"""The kept copies of one declared file: `<utc>-<checksum>`, newest last. Blocking."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from platforms.keeping.checks import problem_of
from platforms.keeping.copies import checksum, copy_to, need_room, put_in_place

_NAME = re.compile(r"(\d{8}T\d{6}\.\d{3}Z)-([0-9a-f]{12})")
_KEEP_WORTHLESS = 2
_FORMAT = "%Y%m%dT%H%M%S"


class Backups:
    def __init__(self, folder: Path, wall: Callable[[], float], keep: int) -> None:
        self._folder = folder
        self._wall = wall
        self._keep = keep

    def names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name))

    def path(self, name: str) -> Path:
        return self._folder / name

    def add(self, source: Path, kind: str) -> str:
        """Keep a copy that passes its check and differs from the last; its name, or ""."""
        if problem_of(source, kind):
            return ""
        need_room(self._folder, source.stat().st_size)
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / "new.tmp"
        fresh.unlink(missing_ok=True)
        try:
            copy_to(source, fresh, kind)
            if problem_of(fresh, kind):  # it was being written while we copied
                return ""
            digest = checksum(fresh)
            names = self.names()
            if names and names[-1].endswith(digest):
                return ""
            name = f"{max(stamp(self._wall()), _after(names))}-{digest}"
            put_in_place(fresh, self._folder / name)
        finally:
            fresh.unlink(missing_ok=True)
        for old in self.names()[: -self._keep]:
            self.path(old).unlink(missing_ok=True)
        return name

    def discard(self, name: str) -> None:
        """It turned out to be worth nothing: kept for people, and never restored."""
        if self.path(name).exists():
            self.path(name).replace(self.path(f"worthless-{name}"))
        for old in sorted(self._folder.glob("worthless-*"))[:-_KEEP_WORTHLESS]:
            old.unlink(missing_ok=True)

    def newest_good(self, kind: str) -> str:
        for name in reversed(self.names()):
            path = self.path(name)
            try:
                good = name.endswith(checksum(path)) and not problem_of(path, kind)
            except OSError:
                continue
            if good:
                return name
        return ""


def stamp(unix_s: float) -> str:
    """
    >>> stamp(0.5)
    '19700101T000000.500Z'
    """
    moment = datetime.fromtimestamp(unix_s, UTC)
    return f"{moment.strftime(_FORMAT)}.{moment.microsecond // 1000:03d}Z"


def _after(names: list[str]) -> str:
    """The earliest stamp that sorts behind all of them, should the wall clock have gone back."""
    if not names:
        return ""
    whole, _, milliseconds = names[-1].partition("-")[0].rstrip("Z").partition(".")
    last = datetime.strptime(whole, _FORMAT).replace(tzinfo=UTC).timestamp()
    return stamp(last + (int(milliseconds) + 1.5) / 1000)
