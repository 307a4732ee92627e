"""What roles may do in a database: noted with each proven backup, given back when it was taken away."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.sql import Composed

_ASK = """
    SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname, r.rolname, a.privilege_type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a, pg_roles r
    WHERE r.oid = a.grantee AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'SCHEMA', n.nspname, '', r.rolname, a.privilege_type
    FROM pg_namespace n, aclexplode(n.nspacl) a, pg_roles r
    WHERE r.oid = a.grantee AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'DATABASE', d.datname, '', r.rolname, a.privilege_type
    FROM pg_database d, aclexplode(d.datacl) a, pg_roles r WHERE r.oid = a.grantee AND d.datname = current_database()
    UNION ALL
    SELECT 'LOGIN', '', '', rolname, 'LOGIN' FROM pg_roles WHERE rolcanlogin AND rolname NOT LIKE 'pg\\_%'
"""
_PRIVILEGES = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN", "USAGE", "CREATE",
     "CONNECT", "TEMPORARY", "LOGIN"}
)  # fmt: skip


class Grant(Struct, frozen=True, array_like=True):
    """`kind` is TABLE, SEQUENCE, SCHEMA, DATABASE, or LOGIN: that the role may log in at all."""

    kind: str
    schema: str
    name: str
    role: str
    privilege: str

    @property
    def words(self) -> str:
        on = ".".join(part for part in (self.schema, self.name) if part)
        return f"{self.privilege} on {on} to {self.role}" if on else f"log in: {self.role}"


async def granted(link: "AsyncConnection[Any]") -> tuple[Grant, ...]:
    rows = await (await link.execute(_ASK)).fetchall()
    return tuple(sorted((Grant(*row) for row in rows), key=lambda grant: grant.words))


async def give(link: "AsyncConnection[Any]", grants: Sequence[Grant], *, back: bool = False) -> None:
    """All or none. `back`: take them away."""
    async with link.transaction():
        for grant in grants:
            await link.execute(_statement(grant, back=back))


def _statement(grant: Grant, *, back: bool) -> "Composed":
    """Names are quoted; the only words that are not come from lists of ours."""
    from psycopg.sql import SQL, Identifier

    if grant.privilege not in _PRIVILEGES or grant.kind not in {
        "TABLE",
        "SEQUENCE",
        "SCHEMA",
        "DATABASE",
        "LOGIN",
    }:
        raise ValueError(f"no such privilege: {grant.privilege} on a {grant.kind}")
    role = Identifier(grant.role)
    if grant.kind == "LOGIN":
        return SQL("ALTER ROLE {} NOLOGIN" if back else "ALTER ROLE {} LOGIN").format(role)
    on = Identifier(grant.schema, grant.name) if grant.name else Identifier(grant.schema)
    words = "REVOKE {} ON {} {} FROM {}" if back else "GRANT {} ON {} {} TO {}"
    return SQL(words).format(_word(grant.privilege), _word(grant.kind), on, role)


def _word(text: str) -> Any:
    from psycopg.sql import SQL

    return SQL(text)
