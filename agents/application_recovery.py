"""Application recovery: starts, stops and restarts the processes that we run ourselves, by act or by command.

An act is the handling of one FixStarted. Its id is the mark of the process that it starts, so that after a crash of
ours `happened_since` sees what of it stands in the world already.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import Literal

import msgspec

from agents.agent import AgentRestarter, Outlet, Results, Traits
from agents.events import (
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    Event,
    FixApplied,
    FixStarted,
    FixVerified,
    HealthChanged,
    LeaseChanged,
    LessonLearned,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StartRetried,
)
from agents.recovering.look import symptom_gone
from agents.recovering.ourselves import RESTART_AGENT, begun_since, restart_agent
from agents.recovering.started import started
from agents.recovering.state import Ledger, Releases, State, fold, found_of
from config.model import Service, Stop
from config.world import World
from platforms.actions import START, Order, build_verbs, check_steps, happened, steps_of
from platforms.boot import Booter, Terms
from platforms.fleet import Fleet, Start
from platforms.platform import Files, Platform, PlatformError, Prober
from utils.alone import run_alone
from utils.jobs import Ended, Jobs, uninterrupted

RESUME_AFTER_S = 1.0
Outcome = Literal["done", "found_done", "symptom_gone", "failed"]


class ApplicationRecovery:
    name = "application_recovery"
    consumes: tuple[type[Event], ...] = (
        FixStarted, ConfigChanged, OperatorCommanded, HealthChanged, FixVerified, ChangeObserved, CauseFound, LeaseChanged, LessonLearned,
    )  # fmt: skip
    emits: tuple[type[Event], ...] = (FixApplied, ServiceStarted, ServiceStopped, StartRetried)
    # an operator's word, the return of a dependency, and another cause get through while an act is in hand
    urgent: tuple[type[Event], ...] = (OperatorCommanded, HealthChanged, CauseFound)
    traits = Traits(waits_for_disk=True, workers=1024, deadline_s=120.0, attempts=3)

    def __init__(
        self, world: World, platform: Platform, prober: Prober, files: Files, agents: AgentRestarter
    ) -> None:
        self.world = world
        self.platform = platform
        self.prober = prober
        self.state = State()
        self._agents = agents
        self._verbs = {**build_verbs(platform, files), RESTART_AGENT: restart_agent(agents)}
        check_steps(world.fixes, self.name, {START, *self._verbs})
        self._ledger = Ledger(world, platform, lambda: self.state)
        self._jobs = Jobs()
        self._booter = Booter(platform, prober)
        self._fleet = Fleet(world, platform, self._booter, self._jobs, self._ledger)
        self._acts: dict[str, FixStarted] = {}  # in hand, by target
        self._declared: dict[str, Service] = {}  # how to stop what is configured no more
        self._outlet: Outlet | None = None
        self._rooted = asyncio.Event()

    async def run(self, outlet: Outlet) -> None:
        self._outlet, self._began_at = outlet, outlet.now()
        async with asyncio.TaskGroup() as group:
            self._fleet.group = group
            self._rooted.set()
            await asyncio.sleep(RESUME_AFTER_S)
            if self.state.config and not self.world.dry_run:  # we may have died in the middle of starts
                self._bring_up(None)
            await asyncio.Event().wait()

    def apply(self, fact: Event) -> None:
        fold(self.state, fact)

    async def handle(self, event: Event) -> Results:
        await self._rooted.wait()
        match event:
            case FixStarted() if event.agent == self.name:
                return [await self._act(event)]
            case HealthChanged():
                self._ledger.hear(event)
                self._fleet.health_changed(event.service, healthy=event.health == "healthy")
                if event.health == "unhealthy":
                    self._booter.condemn(event.service, event.incarnation, event.reason)
            case CauseFound():
                await self._give_way(event)
            case LeaseChanged(taken=True) if self.world.keeps_children() and not self.world.dry_run:
                return await self._stand_down(event)
            case ConfigChanged() if event.why != "refused" and not self.world.dry_run:
                return await self._configure(event)
            case OperatorCommanded() if not self.world.dry_run:
                return await self._command(event)
            case _:
                pass
        return ()

    # --- acts ---

    def happened_since(self, order: Order) -> Mapping[str, str]:
        """Which steps of this act stand in the world already; after a crash this is the reconciliation."""
        return {**happened(self.platform, order), **begun_since(self._agents, order)}

    async def _act(self, act: FixStarted) -> FixApplied:
        await self._not_while_closing()
        service, fix = self.world.target(act.service), self.world.fixes.get(act.fix)
        if service is None or fix is None:
            return self._applied(act, "failed", "it is no longer in the configuration")
        if self._ledger.is_stopped(act.service):
            return self._applied(act, "failed", "stopped by operator")
        if others := self.world.why_not_ours(service):
            return self._applied(act, "failed", others)
        if why := self._ledger.outdated(act, self.state.causes.get(act.service)):
            return self._applied(act, "failed", why)
        steps = steps_of(fix, act.undo_of)
        if not steps:
            return self._applied(act, "done")
        try:
            due_at, starting = self._booter.due_at(act.service), self._jobs.busy(act.service)
            await self._jobs.end(act.service, "an act took it over")
            work = self._carry_out(act, steps, service, due_at=due_at, starting=starting)
            self._acts[act.service] = act
            return await self._jobs.run(act.service, work)
        except Ended as ended:
            await self._not_while_closing()
            return self._applied(act, "failed", str(ended))
        except PlatformError as error:
            return self._applied(act, "failed", str(error))
        finally:
            self._acts.pop(act.service, None)

    async def _give_way(self, found: CauseFound) -> None:
        act = self._acts.get(found.best.service)
        if act is not None and (why := self._ledger.outdated(act, found_of(found))):
            await self._jobs.end(act.service, why)

    async def _not_while_closing(self) -> None:
        """An act that the end of the daemon meets stays open: the next start finds it and goes on."""
        if self._fleet.closing:
            await asyncio.Event().wait()

    async def _carry_out(
        self, act: FixStarted, steps: tuple[str, ...], service: Service, *, due_at: float, starting: bool
    ) -> FixApplied:
        good = self.state.releases.get(service.name, Releases(())).good
        order = Order(
            service=service,
            mark=act.id,
            at=act.at,
            incarnation=act.incarnation,
            good_releases=good,
            undo_of=act.undo_of,
        )
        found = {step: undo for step, undo in self.happened_since(order).items() if step in steps}
        if not found and (gone := await self._symptom_gone(act, steps, service, starting=starting)):
            return self._applied(act, "symptom_gone", gone)
        undo = ""
        for step in steps:
            if step != START:
                again = found[step] if step in found else await uninterrupted(self._verbs[step](order))
                undo = again or undo
        if START not in steps:
            return self._applied(act, "found_done" if found else "done", undo=undo)
        living = self.platform.current(service.name)
        terms = self._terms(act.id, act, service.name, patience=act.patience_boots, due_at=due_at)
        booted = await self._booter.boot(lambda: self._ledger.service(service.name), terms)
        if booted.outcome != "up":
            return self._applied(act, "failed", booted.reason, undo=undo, output=booted.output)
        outcome: Outcome = "found_done" if living is not None and living == booted.incarnation else "done"
        return self._applied(act, outcome, undo=undo)

    async def _symptom_gone(
        self, act: FixStarted, steps: tuple[str, ...], service: Service, *, starting: bool
    ) -> str:
        if act.undo_of or (steps[0] == START and starting):
            return ""
        word = self._ledger.word(service.name)
        return await symptom_gone(self.platform, self.prober, act, steps, service, word)

    def _applied(
        self, act: FixStarted, outcome: Outcome, detail: str = "", *, undo: str = "", output: str = ""
    ) -> FixApplied:
        living = self.platform.current(act.service)
        return FixApplied(
            fix=act.fix,
            outcome=outcome,
            detail=detail,
            seconds=round(max(self._say().now() - act.at, 0.0), 3),
            incarnation=living.mark if living else "",
            undo=undo,
            undo_data=undo if not act.undo_of else "",
            undo_of=act.undo_of,
            output=output,
        )

    # --- configuration and commands ---

    async def _configure(self, event: ConfigChanged) -> Results:
        config = self.world.config
        self.platform.configure(config.services)
        adopted = [
            started(self.world, life) for s in config.services if (life := self.platform.current(s.name))
        ]
        self._bring_up(event, changed=event.changed)
        gone = {*event.removed, *self.state.lives, *self._declared} - {s.name for s in config.services}
        for name in gone:
            self._ledger.forget(name)
        await self._halt_all(gone, "it is no longer in the configuration")
        self._declared = {service.name: service for service in config.services}
        return [
            *(fact for fact in adopted if fact.adopted and event.why == "start"),
            *(
                ServiceStopped(service=n, why="removed" if n in event.removed else "unused")
                for n in sorted(gone)
            ),
        ]

    async def _stand_down(self, event: LeaseChanged) -> Results:
        """Another daemon runs the children from now on; ours come back when we hold the lease again."""
        names = {s.name for s in self.world.config.services if s.is_child and self.platform.current(s.name)}
        await self._halt_all(names, "another daemon runs it")
        self._fleet.bring_up(names, self._start(event.id, event, forced=True))
        return [ServiceStopped(service=name, why="lease") for name in sorted(names)]

    async def _halt_all(self, names: Collection[str], why: str) -> None:
        """By what is known of how to stop them, also of what is configured no more."""
        known = self._declared
        await self._fleet.halt_all({n: known[n].stop if n in known else Stop() for n in names}, why)

    def _bring_up(self, event: ConfigChanged | None, changed: tuple[str, ...] = ()) -> None:
        word = event.id if event else self.state.config[""].event
        names = {service.name for service in self.world.config.services if service.is_child}
        self._fleet.bring_up(names, self._start(word, event), changed)

    async def _command(self, event: OperatorCommanded) -> Results:
        if event.command == "shutdown":
            if event.at < self._began_at:
                return ()  # it ended the life before this one
            return [ServiceStopped(service=name, why="shutdown") for name in await self._fleet.shut_down()]
        service = self.world.config.service(event.service)
        if service is None or not service.is_child or event.command not in {"stop", "start"}:
            return ()
        self._ledger.decide(service.name, running=event.command == "start")
        if event.command == "stop":
            await self._fleet.halt(service.name, service.stop, "stopped by operator")
            return [ServiceStopped(why="operator")]
        self._fleet.bring_up({service.name}, self._start(event.id, event, forced=True))
        self._booter.insist(service.name)  # where it boots already, but waits
        return ()

    # --- what starts need and tell ---

    def _start(self, word: str, because: Event | None, *, forced: bool = False) -> Start:
        return Start(
            terms=lambda name: self._terms(f"{word}:{name}", because, name),
            replaced=lambda name: self._say().emit(
                ServiceStopped(service=name, why="changed"), because=because
            ),
            forced=forced,
        )

    def _terms(
        self, mark: str, because: Event | None, service: str, *, patience: int = 0, due_at: float = 0.0
    ) -> Terms:
        boots = self.state.boots.get(service)
        return Terms(
            mark=mark,
            started=lambda life: self._say().emit(started(self.world, life), because=because),
            retried=lambda retry: self._say().emit(
                StartRetried(service=service, **msgspec.structs.asdict(retry)), because=because
            ),
            missing=partial(self._ledger.missing, service),
            held=lambda: self._ledger.is_paused(service) or bool(self.world.keeps_children()),
            failed=boots.failed if boots else 0,
            lost=boots.of_act if boots and because and boots.act == because.id else 0,
            patience=patience,
            due_at=due_at,
        )

    def _say(self) -> Outlet:
        assert self._outlet is not None  # every handling waits for the root
        return self._outlet


if __name__ == "__main__":
    run_alone(__file__)
