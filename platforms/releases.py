"""Points the release of a service back: a symlink to a version folder, as Capistrano lays it out."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from config.model import Service
from platforms.keeping.copies import put_in_place
from platforms.platform import PlatformError


class Rollback(Struct, frozen=True, kw_only=True):
    """Stands beside the link before it is changed, so that after a crash the same act finds what it did."""

    act: str
    before: str
    after: str
    left: tuple[str, ...] = ()  # versions that acts pointed away from, newest last

    @property
    def undo(self) -> str:
        return f"point the release again from {self.after} to {self.before}"


def link_of(service: Service) -> Path:
    if service.release is None:
        raise PlatformError(f"{service.name} declares no release")
    return Path(service.platform.cwd) / service.release.current


def last_rollback(link: Path) -> Rollback | None:
    try:
        return msgspec.json.decode(_note(link).read_bytes(), type=Rollback)
    except (OSError, msgspec.DecodeError):
        return None


def point_back(link: Path, act: str, good: Sequence[str]) -> Rollback:
    """Point to the version before this one: of `good` (oldest first) the newest, else the one that sorts before it.

    The same act again finishes what it began and changes nothing that stands already.
    """
    if not link.is_symlink():
        raise PlatformError(f"{link} is not a symlink, so there is no release to point back")
    try:
        return _point_back(link, act, good)
    except OSError as error:
        raise PlatformError(f"{link} cannot be pointed back: {error}") from error


def _point_back(link: Path, act: str, good: Sequence[str]) -> Rollback:
    noted = last_rollback(link)
    if noted is None or noted.act != act:
        noted = _decide(link, act, good, noted.left if noted else ())
        _write(_note(link), msgspec.json.encode(noted))
    if version(link) == noted.before:
        point(link, noted.after)
    return noted


def point_forward(link: Path, act: str, undo_of: str) -> Rollback:
    """Take the act `undo_of` back: to the version that it pointed away from. The same act again finishes it."""
    noted = last_rollback(link)
    known = noted is not None and noted.act in {act, undo_of} and link.is_symlink()
    if noted is None or not known or version(link) not in {noted.before, noted.after}:
        raise PlatformError(f"{link} was changed since, so it is not pointed forward")
    try:
        if noted.act != act:
            tried = [name for name in noted.left if name not in {noted.before, noted.after}]
            left = (*tried, noted.after)[-20:]  # it did not help: the next act goes further back
            noted = Rollback(act=act, before=noted.after, after=noted.before, left=left)
            _write(_note(link), msgspec.json.encode(noted))
        if version(link) == noted.before:
            point(link, noted.after)
    except OSError as error:
        raise PlatformError(f"{link} cannot be pointed forward: {error}") from error
    return noted


def pointed_back(link: Path, act: str) -> Rollback | None:
    """What this very act did to the link; None where it did not get that far."""
    noted = last_rollback(link)
    if noted is None or noted.act != act or not link.is_symlink():
        return None
    return noted if version(link) != noted.before else None


def version(link: Path) -> str:
    return link.readlink().name


def point(link: Path, name: str) -> None:
    """To the version of this name beside the one in use; there is a release at every instant."""
    target = link.readlink().with_name(name)
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _decide(link: Path, act: str, good: Sequence[str], left: tuple[str, ...]) -> Rollback:
    now = version(link)
    folder = (link.parent / link.readlink()).parent
    versions = sorted(
        (p.name for p in folder.iterdir() if p.is_dir() and not p.is_symlink()), key=natural_order
    )
    older = [name for name in versions if natural_order(name) < natural_order(now)]
    choice = [name for name in older if name not in left] + [
        name for name in good if name in versions and name != now
    ]
    choice = choice or [name for name in reversed(left) if name in older]  # what was left longest ago
    if not choice:
        raise PlatformError(f"no earlier release than {now} stands beside {link}")
    return Rollback(act=act, before=now, after=choice[-1], left=(*(v for v in left if v != now), now)[-20:])


def natural_order(name: str) -> list[tuple[int, str]]:
    """
    >>> sorted(["v10", "v9", "v9.1"], key=natural_order)
    ['v9', 'v9.1', 'v10']
    """
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _note(link: Path) -> Path:
    return link.with_name(link.name + ".nightwarden")


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(new, path)
