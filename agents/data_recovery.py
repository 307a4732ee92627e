"""Data recovery: proves backups, and puts the newest good one in place of what is damaged, the damaged copy kept."""

import asyncio
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from agents.agent import Outlet, Results, Traits
from agents.events import BackupProven, Event, FixApplied, FixStarted, OperatorCommanded
from agents.restoring.databases import STEPS as DATABASE_STEPS
from agents.restoring.databases import DatabaseRounds, carry_out
from agents.restoring.proofs import Proofs
from agents.restoring.state import State, fold, way_back
from config.model import Service
from config.world import World
from platforms.actions import START, Order, check_steps, happened
from platforms.boot import Booter, Terms
from platforms.platform import Databases, Files, Platform, PlatformError, Prober, Task
from utils.alone import run_alone
from utils.jobs import Ended, Jobs, uninterrupted
from utils.parts import Parts

STEPS = ("restore", "restart_unless_healthy", *DATABASE_STEPS)
PATIENCE_BOOTS = 5  # a service that does not boot on good files is not cured by these
Outcome = Literal["done", "found_done", "symptom_gone", "failed"]


class Restores(Struct):
    """What one act did to the files, or found that it had done before a crash of ours."""

    undo: list[str] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(
        default_factory=list
    )  # path and the copy that was kept of it, if any
    found: int = 0


class DataRecovery:
    name = "data_recovery"
    consumes: tuple[type[Event], ...] = (FixStarted, OperatorCommanded)
    emits: tuple[type[Event], ...] = (FixApplied, BackupProven)
    urgent: tuple[type[Event], ...] = (OperatorCommanded,)  # gets through while an act is in hand
    traits = Traits(waits_for_disk=True, workers=16, deadline_s=120.0, attempts=3)

    def __init__(
        self,
        world: World,
        platform: Platform,
        files: Files,
        prober: Prober,
        databases: Databases | None = None,
    ) -> None:
        check_steps(world.fixes, self.name, STEPS)
        self.world = world
        self.platform = platform
        self.files = files
        self.prober = prober
        self.databases = databases
        self.state = State()
        self._jobs = Jobs()
        self._booter = Booter(platform, prober)
        self._halted: set[str] = set()
        self._closing = False
        self._outlet: Outlet | None = None
        self._rooted = asyncio.Event()

    async def run(self, outlet: Outlet) -> None:
        self._outlet, self._began_at = outlet, outlet.now()
        self._rooted.set()
        parts = Parts(self.name)
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.part(Proofs(self.world, self.files, lambda: self.state).run(outlet)))
            if self.databases is not None:
                rounds = DatabaseRounds(self.world, self.databases, self.prober, lambda: self.state)
                group.create_task(parts.part(rounds.run(outlet)))

    def apply(self, fact: Event) -> None:
        fold(self.state, fact)

    async def handle(self, event: Event) -> Results:
        await self._rooted.wait()
        if isinstance(event, FixStarted) and event.agent == self.name:
            return [await self._act(event)]
        if isinstance(event, OperatorCommanded) and not self.world.dry_run:
            await self._command(event)
        return ()

    async def happened_since(self, act: FixStarted, service: Service) -> frozenset[str]:
        """Paths that this very act restored already; after a crash this is the reconciliation."""
        marks = {file.path: await self.files.restored_by(service, file) for file in service.files}
        return frozenset(path for path, mark in marks.items() if mark == act.id)

    async def _act(self, act: FixStarted) -> FixApplied:
        service = self.world.config.service(act.service)
        await self._not_while_closing()
        if service is None:
            return self._applied(act, "failed", "it is no longer in the configuration")
        if others := self.world.lease():
            return self._applied(act, "failed", others)
        restores = Restores()
        try:
            return await self._jobs.run(act.service, self._work(act, service, restores))
        except Ended as ended:
            await self._not_while_closing()
            return self._applied(act, "failed", str(ended), restores)
        except PlatformError as error:
            return self._applied(act, "failed", str(error), restores)

    async def _work(self, act: FixStarted, service: Service, restores: Restores) -> FixApplied:
        on_database = set(self.world.fixes[act.fix].steps) <= set(DATABASE_STEPS)
        if act.undo_of:
            return await self._undo(act, service, on_database=on_database)
        if on_database:
            return await self._on_database(act, service)
        return await self._carry_out(act, service, restores)

    async def _on_database(self, act: FixStarted, service: Service) -> FixApplied:
        databases, [step] = self._hands(), self.world.fixes[act.fix].steps
        task = Task(service=service, mark=act.id, incarnation=act.incarnation)
        if service.probe is not None and (await self.prober.probe(service, service.probe)).ok:
            before = await databases.done_since(step, task)
            if before is None:
                return self._applied(act, "symptom_gone", "its probe is good again")
        found, done = await carry_out(databases, step, task)
        applied = self._applied(act, "found_done" if found else "done", done.detail)
        return replace(applied, undo=done.undo, undo_data=done.undo_data)

    def _hands(self) -> Databases:
        if self.databases is None:
            raise PlatformError("no hands for databases here")
        return self.databases

    async def _carry_out(self, act: FixStarted, service: Service, restores: Restores) -> FixApplied:
        await self._restore(act, service, restores)
        if service.name in self._halted or service.name in self.state.stopped:
            return self._applied(act, "done" if restores.undo else "found_done", "left stopped", restores)
        if await self._is_healthy(service):
            living = self.platform.current(service.name)
            came_back = living is not None and living.mark == act.id
            outcome: Outcome = "found_done" if restores.found or came_back else "symptom_gone"
            return self._applied(act, "done" if restores.undo else outcome, "", restores)
        return await self._restart(act, service, restores)

    async def _undo(self, act: FixStarted, service: Service, *, on_database: bool) -> FixApplied:
        """Each file as it was before; what runs is started anew, as it holds the files that were taken away."""
        earlier = self.state.undoable.get(act.undo_of)
        if earlier is None or earlier.service != service.name:
            return self._applied(act, "failed", "nobody knows how to take that act back")
        if earlier.taken:
            return self._applied(act, "found_done", "it was taken back before")
        if on_database:
            [step] = self.world.fixes[act.fix].steps
            task = Task(service=service, mark=act.id, incarnation=act.incarnation)
            return self._applied(
                act, "done", await uninterrupted(self._hands().take_back(step, earlier.way_back, task))
            )
        told = []
        for path, copy in reversed(earlier.damaged):
            file = next((file for file in service.files if file.path == path), None)
            if file is None:
                raise PlatformError(f"{path} is no longer declared")
            told.append(await uninterrupted(self.files.put_back(service, file, copy)))
        if self.platform.current(service.name) is None or service.name in self._halted:
            return self._applied(act, "done", "; ".join(told))
        restarted = await self._restart(act, service, Restores())
        return replace(restarted, outcome="done", detail="; ".join([*told, restarted.detail]))

    async def _restore(self, act: FixStarted, service: Service, restores: Restores) -> None:
        before = await self.happened_since(act, service)
        restores.found = len(before)
        for file in service.files:
            if file.path not in before and await self.files.check(service, file):
                done = await uninterrupted(self.files.restore(service, file, act.id))
                restores.damaged.append((file.path, done.damaged_copy))
                if done.damaged_copy:
                    restores.undo.append(f"put {done.damaged_copy} back in place of {file.path}")
                else:
                    restores.undo.append(f"remove {file.path}, which was missing")

    async def _is_healthy(self, service: Service) -> bool:
        if self.platform.current(service.name) is None:
            return False
        if service.probe is not None and not (await self.prober.probe(service, service.probe)).ok:
            return False
        sample = self.platform.sample(service.name)
        return sample is None or sample.state != "T"

    async def _restart(self, act: FixStarted, service: Service, restores: Restores) -> FixApplied:
        order = Order(service=service, mark=act.id, incarnation=act.incarnation)
        found = happened(self.platform, order)
        if "kill" not in found:
            await uninterrupted(self.platform.stop(service.name, signal="KILL", grace_s=0.0))
        terms = Terms(
            mark=act.id,
            started=lambda _: None,
            retried=lambda _: None,
            patience=act.patience_boots or PATIENCE_BOOTS,
        )
        booted = await self._booter.boot(lambda: self.world.config.service(service.name), terms)
        if booted.outcome != "up":
            return self._applied(act, "failed", booted.reason, restores, booted.output)
        outcome: Outcome = "found_done" if START in found and not restores.undo else "done"
        return self._applied(act, outcome, "restarted", restores)

    async def _command(self, event: OperatorCommanded) -> None:
        if event.command == "shutdown" and event.at >= self._began_at:
            self._closing = True
            for service in self._jobs.in_hand():
                await self._jobs.end(service, "the daemon shuts down")
        elif event.command == "start":
            self._halted.discard(event.service)
        elif event.command == "stop":
            await self._halt(event.service)

    async def _halt(self, name: str) -> None:
        """Application recovery stops the service; what an act of ours starts at that very moment, we stop."""
        self._halted.add(name)
        if self._jobs.busy(name):
            await self._jobs.end(name, "stopped by operator")
            if (service := self.world.config.service(name)) is not None:
                how = service.stop
                await self.platform.stop(name, signal=how.signal, grace_s=how.grace_s)

    async def _not_while_closing(self) -> None:
        """An act that the end of the daemon meets stays open: the next start finds it and goes on."""
        if self._closing:
            await asyncio.Event().wait()

    def _applied(
        self,
        act: FixStarted,
        outcome: Outcome,
        detail: str,
        restores: Restores | None = None,
        output: str = "",
    ) -> FixApplied:
        assert self._outlet is not None  # every handling waits for the root
        living = self.platform.current(act.service)
        return FixApplied(
            fix=act.fix,
            outcome=outcome,
            detail=detail,
            seconds=round(max(self._outlet.now() - act.at, 0.0), 3),
            incarnation=living.mark if living else "",
            undo="; ".join(restores.undo) if restores else "",
            undo_data=way_back(restores.damaged) if restores and not restores.found else "",
            undo_of=act.undo_of,
            output=output,
        )


if __name__ == "__main__":
    run_alone(__file__)
