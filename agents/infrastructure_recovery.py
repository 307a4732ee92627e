"""Infrastructure recovery: acts on what somebody else runs for us, through the platform that reaches it.

An act is the handling of one FixStarted. Its steps are a saga: if a later one fails, those that stand are taken back.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

import structlog

from agents.agent import Outlet, Results, Traits
from agents.events import (
    ChangeObserved,
    ConfigChanged,
    Event,
    FixApplied,
    FixStarted,
    FreezeEnded,
    FreezeNoted,
    HealthChanged,
    OperatorCommanded,
)
from agents.reaching.saga import carry_out, take_back
from agents.reaching.state import State, fold
from config.fixes import offered
from config.model import Service
from config.world import World
from platforms.platform import AtRestError, Infrastructure, Platform, PlatformError, Prober, Task
from utils.alone import run_alone
from utils.jobs import Ended, Jobs, uninterrupted

log = structlog.get_logger()
BOOT_LOOK_S = 0.25
LOAD = frozenset({"traffic_spike", "cpu_saturation", "memory_leak", "disk_full", "connection_exhaustion"})
FREEZE = "freeze_auto_deploy"
Answer = Literal["done", "found_done", "symptom_gone", "failed"]


class InfrastructureRecovery:
    name = "infrastructure_recovery"
    consumes: tuple[type[Event], ...] = (
        FixStarted, OperatorCommanded, HealthChanged, ConfigChanged, ChangeObserved,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (FixApplied, FreezeNoted, FreezeEnded)
    urgent: tuple[type[Event], ...] = (
        OperatorCommanded,
        HealthChanged,
    )  # get through while an act is in hand
    traits = Traits(waits_for_disk=True, workers=64, deadline_s=900.0, attempts=3)

    def __init__(
        self,
        world: World,
        platform: Platform,
        reach: Callable[[Service], Infrastructure | None],
        prober: Prober,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.world = world
        self.platform = platform
        self.prober = prober
        self.state = State()
        self._reach = reach
        self._wall = wall
        self._jobs = Jobs()
        self._closing = False
        self._outlet: Outlet | None = None
        self._rooted = asyncio.Event()

    async def run(self, outlet: Outlet) -> None:
        self._outlet, self._began_at = outlet, outlet.now()
        self._rooted.set()
        await asyncio.Event().wait()

    def apply(self, fact: Event) -> None:
        fold(self.state, fact)

    async def handle(self, event: Event) -> Results:
        await self._rooted.wait()
        if isinstance(event, FixStarted) and event.agent == self.name:
            return self._with_freeze(event, await self._act(event))
        if isinstance(event, ChangeObserved):
            thawed = (
                event.kind == "auto_deploy" and event.after == "on" and event.service in self.state.frozen
            )
            return [FreezeEnded(service=event.service)] if thawed else ()
        if isinstance(event, OperatorCommanded) and not self.world.dry_run:
            await self._command(event)
        return ()

    # --- acts ---

    async def _act(self, act: FixStarted) -> FixApplied:
        await self._not_while_closing()
        service = self.world.config.service(act.service)
        hands = self._reach(service) if service is not None else None
        if service is None or hands is None:
            return self._applied(act, "failed", "it is no longer in the configuration as what it was")
        if others := self.world.lease():
            return self._applied(act, "failed", others)
        if act.service in self.state.stopped:
            return self._applied(act, "failed", "stopped by operator")
        try:
            work = self._undo(act, service, hands) if act.undo_of else self._carry_out(act, service, hands)
            return await self._jobs.run(act.service, work)
        except Ended as ended:
            await self._not_while_closing()
            return self._applied(act, "failed", str(ended))
        except AtRestError as rests:
            return self._applied(act, "symptom_gone", str(rests))
        except PlatformError as error:
            return self._applied(act, "failed", str(error))

    def _with_freeze(self, act: FixStarted, applied: FixApplied) -> Results:
        """A rollback leaves auto-deploy off, which people have to turn on again when the next release is good."""
        fix = self.world.fixes.get(act.fix)
        freezes = fix is not None and FREEZE in fix.steps and not act.undo_of
        if freezes and applied.outcome in {"done", "found_done"} and self._froze(applied):
            return [applied, FreezeNoted(service=act.service, act=act.id)]
        return [applied]

    def _froze(self, applied: FixApplied) -> bool:
        """Not where it was off before."""
        return "turn auto-deploy on" in applied.undo

    async def _carry_out(self, act: FixStarted, service: Service, hands: Infrastructure) -> FixApplied:
        fix, task = self.world.fixes[act.fix], self._task(act, service)
        if lacking := set(fix.steps) - offered(service.platform):
            raise PlatformError(f"{service.name} does not offer {', '.join(sorted(lacking))} any more")
        if await hands.done_since(fix.steps[0], task) is None and await self._symptom_gone(act, service):
            return self._applied(act, "symptom_gone", "its probe is good again")
        outcome = await carry_out(hands, fix.steps, task)
        late = await self._until_good(service)
        return self._applied(
            act,
            "found_done" if outcome.found else "done",
            "; ".join(filter(None, (outcome.detail, late))),
            undo=outcome.undo,
            undo_data=outcome.way_back,
        )

    async def _undo(self, act: FixStarted, service: Service, hands: Infrastructure) -> FixApplied:
        earlier = self.state.undoable.get(act.undo_of)
        if earlier is None or earlier.service != service.name:
            return self._applied(act, "failed", "nobody knows how to take that act back")
        if earlier.taken:
            return self._applied(act, "found_done", "it was taken back before")
        return self._applied(act, "done", await take_back(hands, earlier.way_back, self._task(act, service)))

    async def _symptom_gone(self, act: FixStarted, service: Service) -> bool:
        """A fresh look before anything is touched; too much load is no matter of one good probe."""
        word = self.state.health.get(service.name)
        was_well = word is not None and word.health == "healthy" and word.at <= act.at
        if service.probe is None or was_well or act.cause_name in LOAD:
            return False
        return (
            self.platform.current(service.name) is not None
            and (await self.prober.probe(service, service.probe)).ok
        )

    async def _until_good(self, service: Service) -> str:
        """Before that a verdict would judge the boot; "" or what its probe still says at the end of its time."""
        if service.probe is None:
            return ""
        try:
            async with asyncio.timeout(service.start_timeout_s):
                while not (await self.prober.probe(service, service.probe)).ok:  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(BOOT_LOOK_S)
        except TimeoutError:
            return f"not healthy within {service.start_timeout_s:g} s"
        return ""

    def _task(self, act: FixStarted, service: Service) -> Task:
        begun_at = self._wall() - max(self._say().now() - act.at, 0.0)
        return Task(service=service, mark=act.id, incarnation=act.incarnation, begun_at=begun_at)

    def _applied(
        self, act: FixStarted, outcome: Answer, detail: str = "", *, undo: str = "", undo_data: str = ""
    ) -> FixApplied:
        living = self.platform.current(act.service)
        return FixApplied(
            fix=act.fix,
            outcome=outcome,
            detail=detail,
            seconds=round(max(self._say().now() - act.at, 0.0), 3),
            incarnation=living.mark if living else "",
            undo=undo,
            undo_data=undo_data,
            undo_of=act.undo_of,
        )

    # --- commands ---

    async def _command(self, event: OperatorCommanded) -> None:
        if event.command == "shutdown" and event.at >= self._began_at:
            self._closing = True
            for name in self._jobs.in_hand():
                await self._jobs.end(name, "the daemon shuts down")
        service = self.world.config.service(event.service)
        if service is None or service.is_child or event.command not in {"stop", "start"}:
            return
        await self._jobs.end(service.name, f"an operator said {event.command}")
        hands = self._reach(service)
        if hands is not None and event.command in offered(service.platform):
            task = Task(service=service, mark=event.id, begun_at=self._wall())
            try:
                await uninterrupted(hands.carry_out(event.command, task))
            except PlatformError as error:
                log.warning("command_failed", service=service.name, command=event.command, error=str(error))

    async def _not_while_closing(self) -> None:
        """An act that the end of the daemon meets stays open: the next start finds it and goes on."""
        if self._closing:
            await asyncio.Event().wait()

    def _say(self) -> Outlet:
        assert self._outlet is not None  # every handling waits for the root
        return self._outlet


if __name__ == "__main__":
    run_alone(__file__)
