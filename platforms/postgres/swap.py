"""Restores beside what is there, then swaps the names: nothing is ever overwritten."""

from pathlib import Path

import psycopg
from psycopg import sql

from platforms.platform import PlatformError
from platforms.postgres.dumps import compared, count_rows
from platforms.postgres.link import connected, run

_END_ALL = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()"


async def fill(url: str, fresh: str, dump: Path, rows: dict[str, int], mark: str) -> None:
    """A database of its own, with owners and privileges as they were. Gone again if it does not come out whole."""
    name = sql.Identifier(fresh)
    async with connected(url, "postgres") as link:
        await link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
    try:
        await run("pg_restore", url, "--exit-on-error", f"--dbname={fresh}", str(dump))
        await _look_at(url, fresh, rows)
        async with connected(url, fresh) as link:
            await link.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(mark)))
    except BaseException:
        async with connected(url, "postgres") as link:
            await link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        raise


async def _look_at(url: str, fresh: str, rows: dict[str, int]) -> None:
    async with connected(url, fresh) as link:
        if problem := compared(rows, await count_rows(link)):
            raise PlatformError(problem)


async def swap(url: str, name: str, fresh: str, kept: str) -> None:
    """`fresh` becomes `name`, what was `name` becomes `kept`: both or neither."""
    async with connected(url, "postgres") as link:
        ask = "SELECT datconnlimit FROM pg_database WHERE datname = %s"
        there = await (await link.execute(ask, (name,))).fetchone()
        if there is None:
            await link.execute(_rename(fresh, name))
            return
        await link.execute(_limit(name, 0))  # nobody comes in between
        try:
            await link.execute(_END_ALL, ([name, fresh],))
            async with link.transaction():
                await link.execute(_rename(name, kept))
                await link.execute(_rename(fresh, name))
                await link.execute(_limit(kept, there[0]))
                await link.execute(_limit(name, there[0]))
        except psycopg.Error:
            await link.execute(_limit(name, there[0]))
            raise


def _rename(old: str, new: str) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))


def _limit(name: str, count: int) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(sql.Identifier(name), sql.Literal(count))
