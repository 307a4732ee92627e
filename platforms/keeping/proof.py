"""Proves a backup by restoring it into a scratch folder, where it is looked at as if it were in use. Blocking."""

import shutil
from contextlib import closing
from pathlib import Path

from platforms.keeping.checks import problem_of, read_only
from platforms.keeping.copies import checksum, copy_to, need_room
from platforms.platform import Proof


def prove(backup: Path, kind: str, scratch: Path) -> Proof:
    """Raises OSError where it cannot be tried, which says nothing about the backup."""
    size_bytes = backup.stat().st_size
    need_room(scratch, size_bytes)
    shutil.rmtree(scratch, ignore_errors=True)  # of a life of ours that ended in the middle
    scratch.mkdir(parents=True)
    try:
        problem, rows = _restored(backup, kind, scratch / "restored")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Proof(backup=backup.name, size_bytes=size_bytes, rows=rows, problem=problem)


def _restored(backup: Path, kind: str, restored: Path) -> tuple[str, int]:
    """What is wrong with what it gives back, and how many rows that holds."""
    if not backup.name.endswith(checksum(backup)):
        return "its content is another than when it was made", 0
    if kind == "sqlite" and (problem := problem_of(backup, kind)):
        return problem, 0  # the database's own copying would stop at it with an error of the disk
    copy_to(backup, restored, kind)
    if problem := problem_of(restored, kind):
        return problem, 0
    return _tables(backup, restored) if kind == "sqlite" and restored.stat().st_size else ("", 0)


def _tables(backup: Path, restored: Path) -> tuple[str, int]:
    import sqlite3

    try:
        with closing(sqlite3.connect(read_only(restored), uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            return f"the restored copy: {'; '.join(found)[:300]}", 0
        before, after = _counts(backup), _counts(restored)
    except sqlite3.Error as error:
        return f"the restored copy: {error}", 0
    for table, rows in before.items():
        if after.get(table) != rows:
            return f"the restored copy has {after.get(table, 0)} of {rows} rows of {table}", 0
    return "", sum(after.values())


def _counts(database: Path) -> dict[str, int]:
    import sqlite3

    with closing(sqlite3.connect(read_only(database), uri=True)) as connection:
        wanted = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        names = [str(row[0]) for row in connection.execute(wanted)]
        quoted = {name: name.replace('"', '""') for name in names}
        count = 'SELECT count(*) FROM "{}"'
        return {name: connection.execute(count.format(quoted[name])).fetchone()[0] for name in names}
