"""Declared databases: dumps at their pace, each proven, and the acts on them."""

import asyncio
from collections.abc import Callable

import structlog

from agents.agent import Outlet
from agents.restoring.proofs import LOOK_S, RETRY_S, proven
from agents.restoring.state import State, target_key
from config.model import Database, Service
from config.world import World
from platforms.platform import Databases, Done, PlatformError, Prober, Proof, Task
from utils.jobs import uninterrupted

log = structlog.get_logger()
TARGET = "database"
STEPS = ("end_idle_sessions", "grant_roles", "restore_database")


class DatabaseRounds:
    """Of healthy databases alone: a dump of what is damaged would push good ones out."""

    def __init__(
        self, world: World, databases: Databases, prober: Prober, state: Callable[[], State]
    ) -> None:
        self._world = world
        self._databases = databases
        self._prober = prober
        self._state = state
        self._not_before: dict[str, float] = {}  # by service

    async def run(self, outlet: Outlet) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for service in self._world.config.services:
                declared = service.database
                if declared is not None and self._is_due(service, declared, outlet.now()):
                    await self._back_up(outlet, service, declared)

    def _is_due(self, service: Service, declared: Database, now: float) -> bool:
        known = self._state().proven.get(target_key(service.name, TARGET))
        good_at = known.good_at if known else 0.0
        early = now < self._not_before.get(service.name, 0.0) or (
            good_at and now - good_at < declared.backup_s
        )
        return not early and not self._world.lease()

    async def _back_up(self, outlet: Outlet, service: Service, declared: Database) -> None:
        began_at = outlet.now()
        self._not_before[service.name] = began_at + min(RETRY_S, declared.backup_s)
        if service.probe is not None and not (await self._prober.probe(service, service.probe)).ok:
            return
        try:
            proof = await self._databases.back_up(service)
        except PlatformError as error:
            proof = Proof(backup="", problem=f"it could not be made: {error}")
            log.warning("database_not_backed_up", service=service.name, error=str(error))
        known = self._state().proven.get(target_key(service.name, TARGET))
        if not proof.problem or known is None or known.problem != proof.problem:
            outlet.emit(proven(service.name, TARGET, proof, outlet.now() - began_at))


async def carry_out(databases: Databases, step: str, task: Task) -> tuple[bool, Done]:
    """Whether an earlier life of ours had done it, and what stands. Raises PlatformError."""
    before = await databases.done_since(step, task)
    if before is not None:
        return True, before
    return False, await uninterrupted(databases.carry_out(step, task))
