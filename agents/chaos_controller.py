"""Chaos controller: makes a fault on demand, undoes it when its time is over, and clears up what a crash left behind."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, field

from agents.agent import Outlet, Results, Traits
from agents.events import (
    ActProposed,
    Event,
    FaultInjected,
    FaultReverted,
    FixApplied,
    FixRefused,
    FixStarted,
    OperatorCommanded,
)
from agents.proving.budget import Budget, reach
from agents.proving.in_force import InForce
from agents.proving.notes import Notes
from config.ourselves import agent_of
from config.world import World
from platforms.chaos.fault import FaultRefused, Ground, Plan
from platforms.chaos.names import FAULTS
from platforms.chaos.registry import Faults
from platforms.platform import PlatformError
from utils.alone import run_alone
from utils.jobs import uninterrupted

LONGEST_S = 600.0
GRACE_S = 60.0  # for undoing it
ANSWER_WITHIN_S = 15.0
LOOK_S = 0.5  # at the error budget


class Stopped(Struct, frozen=True):
    """By an operator."""

    at: float


@dataclass(frozen=True)
class Wanted:
    """A fault that waits for permission, and who waits for it."""

    fault: str
    service: str
    for_s: float
    options: Mapping[str, Any]
    made: "asyncio.Future[FaultInjected]"


class State(Struct):
    stopped: dict[str, Stopped] = field(default_factory=dict)


class ChaosController:
    name = "chaos_controller"
    consumes: tuple[type[Event], ...] = (OperatorCommanded, FixStarted, FixRefused)
    emits: tuple[type[Event], ...] = (ActProposed, FaultInjected, FaultReverted, FixApplied)
    urgent: tuple[type[Event], ...] = (OperatorCommanded, FixRefused)  # get through while a fault lasts
    traits = Traits(waits_for_disk=True, workers=64, deadline_s=LONGEST_S + GRACE_S)

    def __init__(self, world: World, ground: Ground, faults: Faults | None = None) -> None:
        self.world = world
        self.state = State()
        ground.config = lambda: world.config
        self._ground = ground
        self._faults = faults or Faults(ground)
        self._notes = Notes(ground.folder, self._faults)
        self._in = InForce(self._faults, self._notes, lambda name: name in self.state.stopped)
        self._wanted: dict[str, Wanted] = {}  # by proposal
        self._budget = Budget(world.config.chaos.budget_s)
        self._outlet: Outlet | None = None
        self._group: asyncio.TaskGroup | None = None

    async def handle(self, event: Event) -> Results:
        if isinstance(event, FixRefused):
            wanted = self._wanted.pop(event.cause, None)
            if wanted is not None and not wanted.made.done():
                wanted.made.set_exception(FaultRefused(f"{event.limit}: {event.reason}"))
        if isinstance(event, FixStarted) and event.agent == self.name:
            return [await self._act(event)]
        return ()

    def apply(self, fact: Event) -> None:
        if isinstance(fact, OperatorCommanded) and fact.command == "stop":
            self.state.stopped[fact.service] = Stopped(fact.at)
        elif isinstance(fact, OperatorCommanded) and fact.command == "start":
            self.state.stopped.pop(fact.service, None)

    async def run(self, outlet: Outlet) -> None:
        self._outlet = outlet
        async with asyncio.TaskGroup() as group:
            self._in.outlet = outlet
            for plan in self._notes.leftovers():
                self._in.begin(plan.fault, plan.service, 0.0)
                group.create_task(self._in.undo(plan, "left behind by an earlier life of the daemon: "))
            self._group = group
            await self._watch_budget(outlet)

    # --- for whoever experiments ---

    async def inject(
        self, fault: str, service: str, for_s: float, options: Mapping[str, Any] = {}
    ) -> FaultInjected:
        """Make a fault that lasts at most `for_s`, if the act gate permits it.

        Raises FaultRefused with a sentence for people.
        """
        outlet, _ = self._admit(fault, service, for_s)
        proposal = ActProposed(
            service=service,
            kind="chaos",
            what=f"fault {fault}",
            agent=self.name,
            why="somebody asked for it",
            deadline_s=for_s + GRACE_S,
        )
        outlet.emit(proposal)
        made: asyncio.Future[FaultInjected] = asyncio.get_running_loop().create_future()
        self._wanted[proposal.id] = Wanted(fault, service, for_s, options, made)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await made
        except TimeoutError:
            self._wanted.pop(proposal.id, None)
            raise FaultRefused("the act gate did not answer in time") from None

    async def end(self, service: str = "", within_s: float = 20.0) -> list[str]:
        """Undo the fault of a service, or every one, and wait until it is verified; what could not be undone."""
        return await self._in.end(service, within_s)

    def active(self) -> list[dict[str, Any]]:
        """What is in now, for people."""
        return self._in.told()

    # --- making ---

    async def _act(self, act: FixStarted) -> FixApplied:
        """Lasts as long as the fault. One that a crash of ours interrupted is undone by its note, not made again."""
        wanted = self._wanted.pop(act.cause, None)
        if wanted is None or wanted.made.done():
            return FixApplied(fix=act.fix, outcome="failed", detail="nobody waits for it any more")
        try:
            plan, injected = await self._make(wanted)
        except FaultRefused as refused:
            wanted.made.set_exception(refused)
            return FixApplied(fix=act.fix, outcome="failed", detail=str(refused))
        if not wanted.made.done():
            wanted.made.set_result(injected)
        assert self._group is not None  # it was admitted
        undone = self._group.create_task(self._in.undo_after(plan, wanted.for_s))
        done, _ = await asyncio.wait({undone}, timeout=wanted.for_s + GRACE_S / 2)
        if not done:  # it goes on trying, beyond this act
            return FixApplied(fix=act.fix, outcome="failed", detail="the fault could not be undone yet")
        return FixApplied(fix=act.fix, outcome="done", detail="the fault is undone")

    async def _make(self, wanted: Wanted) -> tuple[Plan, FaultInjected]:
        service = wanted.service
        outlet, _ = self._admit(wanted.fault, service, wanted.for_s)
        self._in.begin(wanted.fault, service, wanted.for_s)
        try:
            self._notes.make_room()
            plan = await self._plan(wanted)
            self._notes.write(plan)  # from here on it is undone, whatever happens to us
        except (OSError, FaultRefused) as error:
            self._in.forget(service)
            raise FaultRefused(str(error)) from error
        self._budget.limit_s = self.world.config.chaos.budget_s
        self._budget.begin(self._reach(plan), self._ground.ill())
        detail, failed = "", ""
        try:
            detail = await uninterrupted(self._faults.inject(plan))
        except (OSError, PlatformError, FaultRefused) as error:
            failed = str(error)
        if failed:
            await self._in.undo(plan, "it could not be made: ")
            raise FaultRefused(f"the fault could not be made: {failed}")
        injected = FaultInjected(
            service=service, fault=wanted.fault, detail=f"{detail}, for {wanted.for_s:g} s"
        )
        outlet.emit(injected)
        return plan, injected

    async def _plan(self, wanted: Wanted) -> Plan:
        declared = self.world.target(wanted.service)
        assert declared is not None  # it was admitted
        plan_id = secrets.token_hex(8)
        return await self._faults.plan(wanted.fault, declared, plan_id, wanted.options, wanted.for_s)

    def _reach(self, plan: Plan) -> set[str]:
        """Whom a fault of ourselves reaches cannot be said: everybody."""
        if agent_of(plan.service):
            return {service.name for service in self.world.config.services} | {plan.service}
        return reach(self.world.config, {plan.service, getattr(plan, "dependency", "") or plan.service})

    def _admit(self, fault: str, service: str, for_s: float) -> tuple[Outlet, asyncio.TaskGroup]:
        if self._outlet is None or self._group is None:
            raise FaultRefused("the daemon is still starting")
        if why := self.world.no_chaos():
            raise FaultRefused(why)
        if self.world.dry_run:
            raise FaultRefused("this is a dry run: nothing is touched")
        if fault not in FAULTS:
            raise FaultRefused(f"there is no fault {fault!r}; there are: {', '.join(FAULTS)}")
        if self.world.target(service) is None:
            raise FaultRefused(f"no service is called {service!r}")
        if not 0 < for_s <= LONGEST_S:
            raise FaultRefused(f"a fault lasts more than 0 s and at most {LONGEST_S:g} s, not {for_s:g} s")
        if has := self._in.fault_of(service):
            raise FaultRefused(f"{service} has the fault {has} already")
        return self._outlet, self._group

    # --- the error budget ---

    async def _watch_budget(self, outlet: Outlet) -> None:
        """Looks at services only while a fault is in: facts about them would be handled, and recorded, all day long."""
        while True:
            await self._in.begun.wait()
            while self._in:
                self._budget.look(self._ground.ill(), outlet.now())
                if why := self._budget.breach(outlet.now()):
                    self._in.abort(why)
                await asyncio.sleep(LOOK_S)
            self._budget.end()
            self._in.begun.clear()


if __name__ == "__main__":
    run_alone(__file__)
