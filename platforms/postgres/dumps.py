"""Dumps a database and proves each dump by a restore into a scratch database, table by table."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from psycopg import sql

from platforms.keeping.backups import stamp
from platforms.keeping.copies import checksum, need_room, put_in_place
from platforms.platform import PlatformError, Proof
from platforms.postgres.grants import Grant, granted
from platforms.postgres.link import connected, name_in, run

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""


class Note(Struct, frozen=True):
    """What was true in the very snapshot that a dump holds; written when the dump is proven, so without it there is none."""

    checksum: str
    rows: dict[str, int]
    grants: tuple[Grant, ...]


class Dumps:
    """Of one database: `STAMP.dump` with `STAMP.json`, the note on it."""

    def __init__(self, folder: Path, wall: Callable[[], float], keep: int) -> None:
        self._folder = folder
        self._wall = wall
        self._keep = keep

    async def add(self, url: str) -> Proof:
        """Dump, restore, compare, keep. Raises PlatformError where it could not be tried."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name, fresh = stamp(self._wall()), self._folder / "new.tmp"
        fresh.unlink(missing_ok=True)
        try:
            note = await self._dump(url, fresh)
            if problem := await prove(url, fresh, note.rows):
                return Proof(backup=name, size_bytes=fresh.stat().st_size, problem=problem)
            put_in_place(fresh, self._folder / f"{name}.dump")
            self._write_note(name, note)
        finally:
            fresh.unlink(missing_ok=True)
        self._forget_oldest()
        size_bytes = (self._folder / f"{name}.dump").stat().st_size
        return Proof(backup=name, size_bytes=size_bytes, rows=sum(note.rows.values()))

    def newest_good(self) -> tuple[Path, Note]:
        """Raises PlatformError if there is none."""
        for path in sorted(self._folder.glob("*Z.json"), reverse=True):
            dump = path.with_suffix(".dump")
            try:
                note = msgspec.json.decode(path.read_bytes(), type=Note)
                if checksum(dump) == note.checksum:
                    return dump, note
            except (OSError, msgspec.DecodeError):
                continue
        raise PlatformError("there is no proven backup of the database")

    async def _dump(self, url: str, fresh: Path) -> Note:
        async with connected(url) as link:
            found = await (await link.execute("SELECT pg_database_size(current_database())")).fetchone()
            need_room(self._folder, int(found[0]) if found else 0)
            await link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            shared = await (await link.execute("SELECT pg_export_snapshot()")).fetchone()
            assert shared is not None
            rows, grants = await count_rows(link), await granted(link)
            await run(
                "pg_dump", url, "--format=custom", f"--snapshot={shared[0]}", f"--file={fresh}", name_in(url)
            )
        return Note(checksum(fresh), rows, grants)

    def _write_note(self, name: str, note: Note) -> None:
        fresh = self._folder / "note.tmp"
        fresh.write_bytes(msgspec.json.encode(note))
        put_in_place(fresh, self._folder / f"{name}.json")

    def _forget_oldest(self) -> None:
        for note in sorted(self._folder.glob("*Z.json"))[: -self._keep]:
            note.unlink(missing_ok=True)
            note.with_suffix(".dump").unlink(missing_ok=True)


async def prove(url: str, dump: Path, rows: dict[str, int]) -> str:
    """What is wrong with it, or ""; the scratch database goes whatever happens."""
    scratch = f"nightwarden_scratch_{secrets.token_hex(4)}"
    async with connected(url, "postgres") as link:
        await link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(scratch)))
    try:
        await run(
            "pg_restore", url, "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={scratch}", str(dump)
        )  # fmt: skip
        async with connected(url, scratch) as link:
            return compared(rows, await count_rows(link))
    except PlatformError as error:
        return str(error)
    finally:
        async with connected(url, "postgres") as link:
            await link.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(scratch))
            )


def compared(wanted: dict[str, int], found: dict[str, int]) -> str:
    """
    >>> compared({"public.orders": 3}, {"public.orders": 2})
    'the restored database has 2 of 3 rows of public.orders'
    """
    for table, rows in wanted.items():
        if found.get(table) != rows:
            return f"the restored database has {found.get(table, 0)} of {rows} rows of {table}"
    return ""


async def count_rows(link: "AsyncConnection[Any]") -> dict[str, int]:
    tables = await (await link.execute(_TABLES)).fetchall()
    counts = {}
    for schema, table in tables:
        asked = await link.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table)))
        row = await asked.fetchone()
        counts[f"{schema}.{table}"] = int(row[0]) if row else 0
    return counts
