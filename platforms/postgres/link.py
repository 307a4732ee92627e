"""Reaches a PostgreSQL server: its address from the environment, connections, the server's own programs."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.model import Database, Service
from platforms.platform import PlatformError

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CONNECT_S = 10.0
_PROGRAMS = "/usr/lib/postgresql"  # where Debian keeps those that are on no PATH
_ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}
_WORDS = (  # of refused connections, which carry no SQLSTATE
    ("53300", ("too many clients", "too many connections", "remaining connection slots")),
    ("28P01", ("password authentication failed",)),
    ("28000", ("not permitted to log in", "no pg_hba.conf entry", "role \"")),
    ("42501", ("permission denied",)),
    ("3D000", ("database \"",)),
    ("57P03", ("starting up", "shutting down", "in recovery mode")),
)  # fmt: skip


def declared(service: Service) -> Database:
    if service.database is None:
        raise PlatformError(f"{service.name} declares no database any more")
    return service.database


def address(service: Service, environ: Mapping[str, str], *, admin: bool = True) -> str:
    """Never shown: it holds the password."""
    database = declared(service)
    name = (admin and database.admin_url_env) or database.url_env
    if not (url := environ.get(name, "").strip()):
        raise PlatformError(f"{name} is not set, so nothing is known of the database of {service.name}")
    return url


@asynccontextmanager
async def connected(url: str, database: str = "") -> AsyncIterator["AsyncConnection[Any]"]:
    """One connection in autocommit. Raises PlatformError for whatever the server or the way to it says."""
    parts(url)  # so that the driver does not quote an address that it cannot read
    import psycopg

    more: dict[str, Any] = {"dbname": database} if database else {}
    try:
        async with asyncio.timeout(CONNECT_S):
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, application_name="nightwarden", **more
            )
        async with connection:
            yield connection
    except TimeoutError:
        raise PlatformError(f"the database did not answer within {CONNECT_S:g} s") from None
    except psycopg.Error as error:
        raise PlatformError(said(error)) from None  # its cause would show the address


def said(error: Exception) -> str:
    """One line, with the SQLSTATE in front where one is known."""
    text = " ".join(str(error).split())[:300]
    code = getattr(error, "sqlstate", None) or state_of(text)
    return f"SQLSTATE {code}: {text}" if code else text


def state_of(text: str) -> str:
    """
    >>> state_of("FATAL:  sorry, too many clients already")
    '53300'
    """
    return next((code for code, words in _WORDS if any(word in text for word in words)), "")


def name_in(url: str) -> str:
    """Of the database."""
    known = parts(url)
    return known.get("dbname") or known.get("user") or "postgres"


def parts(url: str) -> dict[str, str]:
    """Raises PlatformError where it cannot be read, or where nothing here could use it."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise PlatformError(f'PostgreSQL needs the extra "postgres" to be installed: {error}') from error
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:
        raise PlatformError("the address of the database cannot be read") from None


async def run(program: str, url: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs; whom it asks, and the password, stand in its environment alone."""
    known = parts(url)
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGCONNECT_TIMEOUT": f"{CONNECT_S:g}"}
    environment |= {name: known[key] for key, name in _ENVIRONMENT.items() if key in known}
    process = await asyncio.create_subprocess_exec(
        _find(program),
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, output = await process.communicate()
    finally:
        if process.returncode is None:  # whoever asked has gone
            process.kill()
            await process.wait()
    if process.returncode:
        why = " ".join(output.decode(errors="replace").split())[:300]
        raise PlatformError(f"{program} failed: {why}")


def _find(program: str) -> str:
    known = sorted(
        Path(_PROGRAMS).glob(f"*/bin/{program}"), key=lambda path: int(re.sub(r"\D", "", path.parts[4]) or 0)
    )
    found = str(known[-1]) if known else shutil.which(program)
    if not found:
        raise PlatformError(f"{program} is not installed here; install PostgreSQL's client programs")
    return found
