"""Puts a damaged copy back in place of what was restored, and remembers that a person wanted it so. Blocking."""

from pathlib import Path

from platforms.keeping.copies import (
    checksum,
    copy_to,
    free_name,
    put_in_place,
    set_aside,
    set_companions_aside,
)
from platforms.platform import PlatformError

NOTE = "put_back"
MISSING = "missing"  # what stood there before the restore, where nothing did


def put_back(path: Path, damaged_copy: str, aside: Path, notes: Path) -> str:
    """What was done. `damaged_copy` is empty where there was no file; what is there now stays as `aside`."""
    damaged = path.with_name(damaged_copy) if damaged_copy else None
    if damaged is not None and not damaged.is_file():
        raise PlatformError(f"{damaged_copy} is not there any more")
    _remember(notes, checksum(damaged) if damaged is not None else MISSING)
    there, aside = path.exists(), free_name(aside)
    if there:
        set_aside(path, aside)
    set_companions_aside(path, aside)
    kept = f"; what was there is kept as {aside.name}" if there else ""
    if damaged is None:
        path.unlink(missing_ok=True)
        return f"{path.name} is away again{kept}"
    _put(damaged, path)
    return f"{damaged_copy} is back in place of {path.name}{kept}"


def is_wanted(path: Path, notes: Path) -> bool:
    """Whether what stands there is what a person had put back."""
    try:
        wanted = (notes / NOTE).read_text()
        return wanted == (checksum(path) if path.exists() else MISSING)
    except OSError:
        return False


def _put(damaged: Path, path: Path) -> None:
    fresh = path.with_name(f".{path.name}.returning")
    fresh.unlink(missing_ok=True)
    copy_to(damaged, fresh, "exists")  # byte by byte: it is damaged
    for companion in damaged.parent.glob(f"{damaged.name}-*"):
        suffix = companion.name.removeprefix(damaged.name)
        if suffix in {"-wal", "-journal"}:  # an -shm is made anew from these
            copy_to(companion, path.with_name(path.name + suffix), "exists")
    put_in_place(fresh, path)


def _remember(notes: Path, wanted: str) -> None:
    notes.mkdir(parents=True, exist_ok=True)
    fresh = notes / f"{NOTE}.tmp"
    fresh.write_text(wanted)
    put_in_place(fresh, notes / NOTE)
