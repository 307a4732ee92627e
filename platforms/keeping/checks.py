"""Looks whether a declared file is whole. Blocking: for worker threads."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

_SQLITE_HEADER = b"SQLite format 3\0"
_BUSY_S = 2.0


def problem_of(path: Path, kind: str) -> str:
    """What is wrong, in one line, or ""."""
    try:
        if not path.is_file():
            return f"{path.name} is no file" if path.exists() else f"{path.name} does not exist"
        return _CHECKS[kind](path)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"


def _json(path: Path) -> str:
    data = path.read_bytes()
    if not data.strip():
        return f"{path.name} is empty"
    try:
        msgspec.json.decode(data, type=msgspec.Raw)  # walks it without building it: a gigabyte a second
        data.decode()
    except UnicodeDecodeError:
        return f"{path.name} holds bytes that are no text"
    except msgspec.DecodeError:
        return _second_opinion(path.name, data)
    return ""


def _second_opinion(name: str, data: bytes) -> str:
    """Python writes and reads NaN, which strict JSON does not know; its words also name the place."""
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        return f"{name} is no complete JSON document: {error}"
    return ""


def _sqlite(path: Path) -> str:
    import sqlite3

    with path.open("rb") as file:
        header = file.read(len(_SQLITE_HEADER))
    if not header:
        return ""  # a database in which nothing was written yet
    if header != _SQLITE_HEADER:
        return f"{path.name} is no SQLite database: its header is damaged"
    try:
        connection = sqlite3.connect(read_only(path), uri=True, timeout=_BUSY_S)
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if _is_in_use(error):
            return ""  # that is no damage
        return f"{path.name}: {error}"
    return "" if found == ["ok"] else f"{path.name}: {'; '.join(found)[:300]}"


def read_only(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def _is_in_use(error: Exception) -> bool:
    """Locked, or its last writer died and left it to the next writer to roll back."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    )


def _exists(path: Path) -> str:
    return "" if os.access(path, os.R_OK) else f"{path.name} may not be read"


_CHECKS: Mapping[str, Callable[[Path], str]] = {"json": _json, "sqlite": _sqlite, "exists": _exists}
