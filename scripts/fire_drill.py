"""The daily fire drill: once a day, in a quiet hour, one small fault on one service that allows it, so that healing stays proven."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from agents.chaos_controller import ChaosController
from agents.incident.records import Incident
from agents.predictive_maintenance import PredictiveMaintenance
from agents.render_self_healing_agent import RenderSelfHealingAgent
from analysis.quiet import DAY, Profile, quietest
from config.model import Service
from platforms.chaos.fault import FaultRefused
from utils.structured_logger import get_logger

if TYPE_CHECKING:
    from scripts.daemon import Daemon

log = get_logger("fire_drill")
CAUSES = {
    "kill": "crash",
    "freeze": "hang",
    "corrupt_file": "state_corruption",
}  # what each has to be taken for
HOUR_S = 3600.0
SETTLE_S = 600.0  # after a start, before the first one
BETWEEN_S = 20 * HOUR_S
LASTS_S = 60.0  # then a fault that nobody healed is taken back

A = TypeVar("A")
Choice = tuple[str, str]  # (service, fault)


def choose(services: Iterable[Service], incidents: Iterable[Incident]) -> Choice | None:
    """What was healed longest ago, or never, among all that may be tried; None: nothing may."""
    healed: dict[tuple[str, str], float] = {}
    for incident in incidents:
        for act in incident.acts:
            if act.outcome == "verified":
                key = (act.target, act.cause_name)
                healed[key] = max(healed.get(key, 0.0), act.started_at)
    allowed = [(service.name, fault) for service in services for fault in service.drills]
    return min(allowed, key=lambda one: healed.get((one[0], CAUSES[one[1]]), 0.0), default=None)


def when(
    profiles: Iterable[Profile], now: float, last: float | None, hour_of: Callable[[float], int]
) -> float:
    """The calmest moment of the day that begins with the first one that is possible."""
    earliest = now + SETTLE_S if last is None else max(now, last + BETWEEN_S)
    return quietest(profiles, earliest, earliest + DAY * HOUR_S, hour_of)


class FireDrill:
    """Asks the chaos controller, whose act gate refuses where anything is wrong already, and counts what follows as a drill."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self._last: float | None = None

    async def run(self) -> None:
        await self._daemon.ready.wait()
        while True:
            at = when(self._profiles(), self._daemon.clock.now(), self._last, self._hour_of)
            await asyncio.sleep(max(at - self._daemon.clock.now(), 0.0))
            self._last = self._daemon.clock.now()
            await self.once()

    async def once(self) -> None:
        owner, controller = self._agent(RenderSelfHealingAgent), self._agent(ChaosController)
        if owner is None or controller is None or self._daemon.world.no_chaos():
            return
        choice = choose(self._daemon.world.config.services, owner.state.incidents.values())
        if choice is None:
            return
        service, fault = choice
        try:
            told = await controller.inject(fault, service, LASTS_S)
        except FaultRefused as refused:
            log.info("fire_drill_held_back", service=service, fault=fault, reason=str(refused))
        else:
            log.info("fire_drill", service=service, fault=fault, detail=told.detail)

    def _agent(self, kind: type[A]) -> A | None:
        return next(
            (cell.agent for cell in self._daemon.runner.cells.values() if isinstance(cell.agent, kind)), None
        )

    def _profiles(self) -> list[Profile]:
        planner = self._agent(PredictiveMaintenance)
        known = planner.state.loads if planner is not None else {}
        drilled = [service.name for service in self._daemon.world.config.services if service.drills]
        return [known.get(name, Profile()) for name in drilled]

    def _hour_of(self, at: float) -> int:
        moment = self._daemon.clock.wall(at)
        return moment.weekday() * DAY + moment.hour
