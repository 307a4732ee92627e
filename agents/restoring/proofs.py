"""Proves each new backup by a restore into a scratch place, and looks at the last one again each day."""

import asyncio
from collections.abc import Callable

import structlog

from agents.agent import Outlet
from agents.events import BackupProven
from agents.restoring.state import Proven, State, target_key
from config.model import Service, WatchedFile
from config.world import World
from platforms.platform import Files, PlatformError, Proof

log = structlog.get_logger()
LOOK_S = 5.0
AGAIN_S = 86_400.0  # disks rot
RETRY_S = 600.0  # of what could not be tried, or failed
SAME_NEWS_S = 21_600.0


class Proofs:
    def __init__(self, world: World, files: Files, state: Callable[[], State]) -> None:
        self._world = world
        self._files = files
        self._state = state
        self._not_before: dict[str, float] = {}  # by service and target

    async def run(self, outlet: Outlet) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for service in self._world.config.services:
                for file in service.files:
                    await self._look(outlet, service, file)

    async def _look(self, outlet: Outlet, service: Service, file: WatchedFile) -> None:
        key, now = target_key(service.name, file.path), outlet.now()
        if now < self._not_before.get(key, 0.0):
            return
        try:
            newest = await self._files.newest_backup(service, file)
            known = self._state().proven.get(key)
            if newest and _is_due(known, newest, now):
                await self._prove(outlet, service, file, newest)
        except PlatformError as error:
            self._not_before[key] = now + RETRY_S
            log.warning("backup_not_tried", service=service.name, path=file.path, error=str(error))

    async def _prove(self, outlet: Outlet, service: Service, file: WatchedFile, backup: str) -> None:
        began_at = outlet.now()
        try:
            proof = await self._files.prove(service, file, backup)
        except PlatformError as error:
            self._not_before[target_key(service.name, file.path)] = began_at + RETRY_S
            proof = Proof(backup=backup, problem=f"it could not be tried: {error}")
        known = self._state().proven.get(target_key(service.name, file.path))
        if not _is_old_news(known, proof, began_at):
            outlet.emit(proven(service.name, file.path, proof, outlet.now() - began_at))


def proven(service: str, target: str, proof: Proof, seconds: float) -> BackupProven:
    return BackupProven(
        service=service,
        target=target,
        ok=not proof.problem,
        backup=proof.backup,
        seconds=round(seconds, 3),
        size_bytes=proof.size_bytes,
        rows=proof.rows,
        problem=proof.problem,
    )


def _is_due(known: Proven | None, newest: str, now: float) -> bool:
    return known is None or not known.ok or known.backup != newest or now - known.at >= AGAIN_S


def _is_old_news(known: Proven | None, proof: Proof, now: float) -> bool:
    """The same failure as before; what a retry says again and again is told seldom."""
    same = known is not None and (known.ok, known.backup, known.problem) == (
        False,
        proof.backup,
        proof.problem,
    )
    return same and known is not None and now - known.at < SAME_NEWS_S
