"""Chaos controller: makes a fault on demand, undoes it when its time is over, and clears up what a crash left behind."""

import asyncio
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
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
from config.world import World
from platforms.faults import FAULTS, AnyPlan, FaultRefused, Faults, StopDependency
from platforms.keeping.copies import put_in_place
from platforms.platform import Platform, PlatformError
from utils.alone import run_alone
from utils.jobs import uninterrupted

LONGEST_S = 600.0
GRACE_S = 60.0  # for undoing it
ANSWER_WITHIN_S = 15.0
TRY_AGAIN_S = 30.0
log = structlog.get_logger()


class Stopped(Struct, frozen=True):
    """By an operator."""

    at: float


@dataclass(frozen=True)
class Wanted:
    """A fault that waits for permission, and who waits for it."""

    fault: str
    service: str
    for_s: float
    made: "asyncio.Future[FaultInjected]"


class State(Struct):
    stopped: dict[str, Stopped] = field(default_factory=dict)


class ChaosController:
    name = "chaos_controller"
    consumes: tuple[type[Event], ...] = (OperatorCommanded, FixStarted, FixRefused)
    emits: tuple[type[Event], ...] = (ActProposed, FaultInjected, FaultReverted, FixApplied)
    urgent: tuple[type[Event], ...] = (OperatorCommanded, FixRefused)  # get through while a fault lasts
    traits = Traits(waits_for_disk=True, workers=64, deadline_s=LONGEST_S + GRACE_S)

    def __init__(self, world: World, platform: Platform, faults: Faults | None = None) -> None:
        self.world = world
        self.state = State()
        self._folder = world.state_dir / "chaos"
        self._faults = faults or Faults(platform, self._folder)
        self._active: dict[str, str] = {}  # service -> fault
        self._wanted: dict[str, Wanted] = {}  # by proposal
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
            for plan in self._leftovers():
                self._active[plan.service] = _fault(plan)
                group.create_task(self._undo(plan, "left behind by an earlier life of the daemon: "))
            self._group = group
            await asyncio.Event().wait()

    async def inject(self, fault: str, service: str, for_s: float) -> FaultInjected:
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
        self._wanted[proposal.id] = Wanted(fault, service, for_s, made)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await made
        except TimeoutError:
            self._wanted.pop(proposal.id, None)
            raise FaultRefused("the act gate did not answer in time") from None

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
        undone = self._group.create_task(self._undo_after(plan, wanted.for_s))
        done, _ = await asyncio.wait({undone}, timeout=wanted.for_s + GRACE_S / 2)
        if not done:  # it goes on trying, beyond this act
            return FixApplied(fix=act.fix, outcome="failed", detail="the fault could not be undone yet")
        return FixApplied(fix=act.fix, outcome="done", detail="the fault is undone")

    async def _make(self, wanted: Wanted) -> tuple[AnyPlan, FaultInjected]:
        service, plan_id = wanted.service, secrets.token_hex(8)
        outlet, _ = self._admit(wanted.fault, service, wanted.for_s)
        self._active[service] = wanted.fault
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            declared = self.world.config.service(service)
            assert declared is not None
            plan = await self._faults.plan(wanted.fault, declared, plan_id)
            self._note(plan)  # from here on it is undone, whatever happens to us
        except (OSError, FaultRefused) as error:
            del self._active[service]
            raise FaultRefused(str(error)) from error
        detail, failed = "", ""
        try:
            detail = await uninterrupted(self._faults.inject(plan))
        except (OSError, PlatformError) as error:
            failed = str(error)
        if failed:
            await self._undo(plan, "it could not be made: ")
            raise FaultRefused(f"the fault could not be made: {failed}")
        injected = FaultInjected(
            service=service, fault=wanted.fault, detail=f"{detail}, for {wanted.for_s:g} s"
        )
        outlet.emit(injected)
        return plan, injected

    def _admit(self, fault: str, service: str, for_s: float) -> tuple[Outlet, asyncio.TaskGroup]:
        if self._outlet is None or self._group is None:
            raise FaultRefused("the daemon is still starting")
        if self.world.dry_run:
            raise FaultRefused("this is a dry run: nothing is touched")
        if fault not in FAULTS:
            raise FaultRefused(f"there is no fault {fault!r}; there are: {', '.join(FAULTS)}")
        if self.world.config.service(service) is None:
            raise FaultRefused(f"no service is called {service!r}")
        if not 0 < for_s <= LONGEST_S:
            raise FaultRefused(f"a fault lasts more than 0 s and at most {LONGEST_S:g} s, not {for_s:g} s")
        if service in self._active:
            raise FaultRefused(f"{service} has the fault {self._active[service]} already")
        return self._outlet, self._group

    async def _undo_after(self, plan: AnyPlan, for_s: float) -> None:
        try:
            await asyncio.sleep(for_s)
        except asyncio.CancelledError:
            if not isinstance(
                plan, StopDependency
            ):  # nothing is started while the daemon ends; its next start does
                with suppress(OSError, PlatformError):
                    await uninterrupted(self._revert(plan, ""))
            raise
        await self._undo(plan, "")

    async def _undo(self, plan: AnyPlan, why: str) -> None:
        """Until it is done: the note on disk stays as long."""
        while True:
            try:
                await uninterrupted(self._revert(plan, why))
            except (OSError, PlatformError) as error:
                log.warning("fault_not_undone", fault=_fault(plan), service=plan.service, error=str(error))
                await asyncio.sleep(TRY_AGAIN_S)
            else:
                return

    async def _revert(self, plan: AnyPlan, why: str) -> None:
        if isinstance(plan, StopDependency) and plan.dependency in self.state.stopped:
            told = f"an operator stopped {plan.dependency}, so it stays"
        else:
            told = await self._faults.revert(plan)
        self._path(plan.id).unlink(missing_ok=True)
        self._active.pop(plan.service, None)
        if self._outlet is not None:
            self._outlet.emit(FaultReverted(service=plan.service, fault=_fault(plan), detail=why + told))

    # --- notes on disk ---

    def _path(self, plan_id: str) -> Path:
        return self._folder / f"{plan_id}.json"

    def _note(self, plan: AnyPlan) -> None:
        path = self._path(plan.id)
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(plan))
            file.flush()
            os.fsync(file.fileno())
        put_in_place(new, path)

    def _leftovers(self) -> list[AnyPlan]:
        plans: list[AnyPlan] = []
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            try:
                plans.append(msgspec.json.decode(path.read_bytes(), type=AnyPlan))
            except (OSError, msgspec.DecodeError) as error:
                log.warning("chaos_note_damaged", path=str(path), error=str(error))
                path.replace(path.with_suffix(".corrupt"))
        for saved in self._folder.glob("*.saved"):  # we died before the note was written, so before the fault
            if not saved.with_suffix(".json").exists() and not saved.with_suffix(".corrupt").exists():
                saved.unlink()
        return plans


def _fault(plan: AnyPlan) -> str:
    return str(plan.__struct_config__.tag)


if __name__ == "__main__":
    run_alone(__file__)
