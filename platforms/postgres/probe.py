"""Asks a database one question, and takes back whatever it changed."""

import asyncio
from collections.abc import Mapping

from config.model import PostgresProbe, Service
from platforms.platform import PlatformError
from platforms.postgres.link import address, connected, parts, said

GONE = ("Connection refused", "No such file or directory", "server closed the connection")


async def ask(service: Service, probe: PostgresProbe, environ: Mapping[str, str]) -> tuple[str, str]:
    """Symptom and reason; both empty if it is well."""
    try:
        url = address(service, environ, admin=False)
        parts(url)
    except PlatformError as error:
        return "error", str(error)
    import psycopg

    try:
        async with (
            asyncio.timeout(probe.timeout_s),
            connected(url) as link,
        ):
            await link.set_autocommit(False)
            await link.execute(probe.query.encode())
            await link.rollback()  # a probe may write, to see whether the disk has room
    except TimeoutError:
        return "timeout", f"the database gave no answer within {probe.timeout_s:g} s"
    except psycopg.Error as error:
        return _verdict(said(error))
    except PlatformError as error:
        return _verdict(str(error))
    return "", ""


def _verdict(reason: str) -> tuple[str, str]:
    return ("refused" if any(word in reason for word in GONE) else "error"), reason
