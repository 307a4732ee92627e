"""The faults that are in: each ends with its time, by a word or by an abort, and is undone until that is verified."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from agents.agent import Outlet
from agents.events import FaultReverted
from agents.proving.notes import Notes
from platforms.chaos.fault import Plan
from platforms.chaos.registry import Faults
from platforms.platform import PlatformError
from utils.jobs import uninterrupted

TRY_AGAIN_S = 30.0
VERIFY_S = 2.0  # until a way back shows in the world
log = structlog.get_logger()


@dataclass
class Active:
    """A fault that is in, or is being made or undone."""

    fault: str
    since: float
    until: float
    over: asyncio.Event = field(default_factory=asyncio.Event)  # somebody wants it undone now
    why: str = ""  # for that
    problem: str = ""  # why it could not be undone yet


class InForce:
    def __init__(self, faults: Faults, notes: Notes, stays: Callable[[str], bool]) -> None:
        self._faults = faults
        self._notes = notes
        self._stays = stays  # whether an operator stopped this service meanwhile
        self._active: dict[str, Active] = {}  # by service
        self.outlet: Outlet | None = None
        self.begun = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._active)

    def fault_of(self, service: str) -> str:
        active = self._active.get(service)
        return active.fault if active else ""

    def begin(self, fault: str, service: str, for_s: float) -> None:
        now = self._now()
        self._active[service] = Active(fault, now, now + for_s)
        self.begun.set()

    def forget(self, service: str) -> None:
        self._active.pop(service, None)

    def told(self) -> list[dict[str, Any]]:
        now = self._now()
        return [
            {
                "service": name,
                "fault": active.fault,
                "seconds": round(now - active.since, 1),
                "left_s": round(max(active.until - now, 0.0), 1),
                "problem": active.problem,
            }
            for name, active in self._active.items()
        ]

    def abort(self, why: str) -> None:
        for name, active in self._active.items():
            if not active.over.is_set():
                log.error("chaos_aborted", service=name, fault=active.fault, why=why)
                active.why = f"aborted, as {why}: "
                active.over.set()

    async def end(self, service: str, within_s: float) -> list[str]:
        chosen = {name: active for name, active in self._active.items() if service in ("", name)}
        for active in chosen.values():
            active.why = active.why or "somebody ended it: "
            active.over.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while any(self._active.get(name) is active for name, active in chosen.items()):  # noqa: ASYNC110 - of several, whichever is last
                    await asyncio.sleep(0.02)
        left = {name: active for name, active in chosen.items() if self._active.get(name) is active}
        return [f"{active.fault} on {name}: {active.problem or 'not yet'}" for name, active in left.items()]

    async def undo_after(self, plan: Plan, for_s: float) -> None:
        active = self._active[plan.service]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    await active.over.wait()
        except asyncio.CancelledError:
            if self._faults.may_undo_while_ending(plan):
                with suppress(OSError, PlatformError):
                    await uninterrupted(self._revert(plan, ""))
            raise
        await self.undo(plan, active.why)

    async def undo(self, plan: Plan, why: str) -> None:
        """Until it is done: the note on disk stays as long."""
        while True:
            try:
                await uninterrupted(self._revert(plan, why))
            except (OSError, PlatformError) as error:
                log.warning("fault_not_undone", fault=plan.fault, service=plan.service, error=str(error))
                if (active := self._active.get(plan.service)) is not None:
                    active.problem = str(error)
                await asyncio.sleep(TRY_AGAIN_S)
            else:
                return

    async def _revert(self, plan: Plan, why: str) -> None:
        dependency = getattr(plan, "dependency", "")
        if dependency and self._stays(dependency):
            told = f"an operator stopped {dependency}, so it stays"
        else:
            told = await self._faults.undo(plan)
            await self._verify(plan)
        self._notes.forget(plan.id)
        self._active.pop(plan.service, None)
        if self.outlet is not None:
            self.outlet.emit(FaultReverted(service=plan.service, fault=plan.fault, detail=why + told))

    async def _verify(self, plan: Plan) -> None:
        """An undo that is not looked after is a hope."""
        ends_at = asyncio.get_running_loop().time() + VERIFY_S
        while left := await self._faults.verify(plan):
            if asyncio.get_running_loop().time() >= ends_at:
                raise PlatformError(f"undone, but {left}")
            await asyncio.sleep(0.05)

    def _now(self) -> float:
        return self.outlet.now() if self.outlet is not None else 0.0
