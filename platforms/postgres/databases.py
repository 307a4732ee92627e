"""The hands on declared databases: backups that are proven, and the steps of fixes with their way back."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from config.model import Service
from platforms.keeping.backups import stamp
from platforms.names import file_name
from platforms.platform import Done, PlatformError, Proof, Task
from platforms.postgres.link import address, connected, declared, name_in

if TYPE_CHECKING:
    from platforms.postgres.dumps import Dumps

STEPS = ("end_idle_sessions", "grant_roles", "restore_database")
_END_IDLE = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND state IN ('idle', 'idle in transaction', 'idle in transaction (aborted)')
      AND application_name <> 'nightwarden' AND now() - state_change >= make_interval(secs => %s)
"""


class PostgresDatabases:
    """Implements `Databases`."""

    def __init__(
        self, state_dir: Path, wall: Callable[[], float], environ: Mapping[str, str] | None = None
    ) -> None:
        self._folder = state_dir / "backups"
        self._wall = wall
        self._environ = os.environ if environ is None else environ

    async def back_up(self, service: Service) -> Proof:
        try:
            return await self._dumps(service).add(address(service, self._environ))
        except OSError as error:
            raise PlatformError(f"{error.filename or 'a file'}: {error.strerror or error}") from error

    async def done_since(self, step: str, task: Task) -> Done | None:
        """A restored database carries the mark of the act; the other steps do no harm when they are done twice."""
        if step != "restore_database":
            return None
        url = address(task.service, self._environ)
        async with connected(url, "postgres") as link:
            ask = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
            row = await (await link.execute(ask, (name_in(url),))).fetchone()
        mark = str(row[0] or "") if row else ""
        there, _, kept = mark.partition(" kept ")
        return _restored(name_in(url), kept) if there == f"nightwarden {task.mark}" else None

    async def carry_out(self, step: str, task: Task) -> Done:
        if step == "end_idle_sessions":
            return await self._end_idle(task.service)
        if step == "grant_roles":
            return await self._grant(task.service)
        return await self._restore(task)

    async def take_back(self, step: str, undo_data: str, task: Task) -> str:
        from platforms.postgres.grants import Grant, give
        from platforms.postgres.swap import swap

        url = address(task.service, self._environ)
        if step == "grant_roles":
            grants = msgspec.json.decode(undo_data, type=tuple[Grant, ...])
            async with connected(url) as link:
                await give(link, grants, back=True)
            return f"took {len(grants)} grants away again"
        if step != "restore_database":
            raise PlatformError(f"{step} has no way back")
        name, aside = name_in(url), f"{name_in(url)}_undone_{self._stamp()}"
        await swap(url, name, undo_data, aside)
        return f"{undo_data} is {name} again; what was there is kept as {aside}"

    async def _end_idle(self, service: Service) -> Done:
        url, idle_s = address(service, self._environ), declared(service).idle_s
        async with connected(url, "postgres") as link:
            row = await (await link.execute(_END_IDLE, (name_in(url), idle_s))).fetchone()
        ended = int(row[0]) if row else 0
        if not ended:
            raise PlatformError(f"no session of {name_in(url)} was idle for {idle_s:g} s")
        return Done(detail=f"ended {ended} sessions that were idle for {idle_s:g} s and longer")

    async def _grant(self, service: Service) -> Done:
        from platforms.postgres.grants import give, granted

        url = address(service, self._environ)
        _, note = self._dumps(service).newest_good()
        async with connected(url) as link:
            now = set(await granted(link))
            missing = tuple(grant for grant in note.grants if grant not in now)
            if not missing:
                raise PlatformError("every role may do what it might at the last proven backup")
            await give(link, missing)
        told = ", ".join(grant.words for grant in missing[:5])
        return Done(
            detail=f"granted again: {told}" + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
            undo=f"take {len(missing)} grants away again",
            undo_data=msgspec.json.encode(missing).decode(),
        )

    async def _restore(self, task: Task) -> Done:
        from platforms.postgres.swap import fill, swap

        url = address(task.service, self._environ)
        dump, note = self._dumps(task.service).newest_good()
        name, now = name_in(url), self._stamp()
        fresh, kept = f"{name}_restoring_{now}", f"{name}_damaged_{now}"
        await fill(url, fresh, dump, note.rows, f"nightwarden {task.mark} kept {kept}")
        await swap(url, name, fresh, kept)
        return _restored(name, kept)

    def _dumps(self, service: Service) -> "Dumps":
        from platforms.postgres.dumps import Dumps

        folder = self._folder / file_name(service.name) / "@database"
        return Dumps(folder, self._wall, declared(service).keep)

    def _stamp(self) -> str:
        return stamp(self._wall()).replace(".", "").lower()


def _restored(name: str, kept: str) -> Done:
    return Done(
        detail=f"{name} is restored; what was there is kept as {kept}",
        undo=f"make {kept} {name} again",
        undo_data=kept,
    )
