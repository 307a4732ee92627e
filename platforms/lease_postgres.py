"""The lease in PostgreSQL: one row, changed by compare-and-swap under the server's own clock."""

from typing import Any

from config.secret import Secret

NAME = "nightwarden"
_TABLE = """
CREATE TABLE IF NOT EXISTS nightwarden_lease (
    name text PRIMARY KEY, holder text NOT NULL, token bigint NOT NULL, expires_at timestamptz NOT NULL)
"""
_TAKE = """
INSERT INTO nightwarden_lease AS lease (name, holder, token, expires_at)
VALUES (%(name)s, %(holder)s, 1, clock_timestamp() + make_interval(secs => %(ttl)s))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = lease.token + 1,
    expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
WHERE lease.expires_at < clock_timestamp() OR lease.holder = excluded.holder
RETURNING token
"""
_RENEW = """
UPDATE nightwarden_lease SET expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
WHERE name = %(name)s AND holder = %(holder)s AND token = %(token)s RETURNING token
"""
_RELEASE = """
UPDATE nightwarden_lease SET expires_at = clock_timestamp() - interval '1 second'
WHERE name = %(name)s AND holder = %(holder)s AND token = %(token)s
"""


class PostgresLease:
    """Implements `LeaseStore`. psycopg is imported with the first call."""

    def __init__(self, url: Secret, name: str = NAME) -> None:
        self._url = url
        self._name = name
        self._connection: Any = None

    async def take(self, holder: str, ttl_s: float) -> int | None:
        row = await self._run(_TAKE, {"holder": holder, "ttl": ttl_s})
        return int(row[0]) if row else None

    async def renew(self, holder: str, token: int, ttl_s: float) -> bool:
        return await self._run(_RENEW, {"holder": holder, "token": token, "ttl": ttl_s}) is not None

    async def release(self, holder: str, token: int) -> None:
        await self._run(_RELEASE, {"holder": holder, "token": token})

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _run(self, statement: str, values: dict[str, Any]) -> Any:
        import psycopg

        try:
            connection = await self._open()
            cursor = await connection.execute(statement, {"name": self._name, **values})
            return await cursor.fetchone() if cursor.description else None
        except psycopg.Error as error:  # its text may name the address with its password
            await self.close()
            raise OSError(f"PostgreSQL: {type(error).__name__}") from None
        except BaseException:
            await self._drop()
            raise

    async def _open(self) -> Any:
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url.reveal(), autocommit=True, connect_timeout=4, application_name="nightwarden"
            )
            await self._connection.execute(_TABLE)
        return self._connection

    async def _drop(self) -> None:
        """A cancelled statement leaves a connection in doubt."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
