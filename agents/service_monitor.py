"""Service monitor: senses what every watched service does, by probes, exits, figures, files and releases."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from agents.agent import Outlet, Results, Traits
from agents.events import (
    ChangeObserved,
    ConfigChanged,
    Event,
    EventQuarantined,
    FileDamaged,
    FileRepaired,
    FixApplied,
    FixStarted,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    LessonLearned,
    ObservationResumed,
    OperatorCommanded,
    ProbeObserved,
    ServiceSampled,
    ServiceStarted,
    ServiceStopped,
    SettingChanged,
    StartRetried,
    Tick,
)
from agents.monitoring.lives import MISSING_S, ServiceLives
from agents.monitoring.state import State, file_key, fold
from analysis.phases import next_slot, slot_of
from config.graph import dependencies
from config.model import Probe, Service
from config.world import World
from platforms.figures import FigureRounds, Figures
from platforms.keeping.rounds import FileRounds, FileSeen
from platforms.platform import Exit, Files, MetricsReader, Platform, Prober
from platforms.probing.rounds import Look, ProbeRounds
from utils.alone import run_alone
from utils.clock import boot_id
from utils.loop_lag import LagMeter

TICK_S = 0.25
GAP_S = 2.0  # between two ticks: nobody watched meanwhile
BOOT_LOOK_S = 0.25  # while a service starts
CLOSE_LOOK_S = 1.0  # while an incident is open
DISK_TICKS = 2  # releases and files are looked at every so many ticks
STALE_LOOK_S = 1.0
FRESH_LOOK_S = 5.0
LONGEST_LOOK_S = 6.0
LOOKS_AROUND = 50
LOOK_AROUND_WITHIN_S = 0.1


class ServiceMonitor:
    """Adoption comes before `run`: a life that is not there then is found dead."""

    name = "service_monitor"
    consumes = (ConfigChanged, OperatorCommanded, IncidentOpened, IncidentClosed, IncidentEscalated, IncidentRetried,
                FixStarted, FixApplied, ServiceStarted, ServiceStopped, StartRetried, EventQuarantined, LessonLearned, SettingChanged)  # fmt: skip
    emits = (Tick, ProbeObserved, ServiceSampled, HealthChanged, ChangeObserved, FileDamaged, FileRepaired,
             ObservationResumed)  # fmt: skip
    traits = Traits(waits_for_disk=False)

    def __init__(
        self, world: World, platform: Platform, prober: Prober, scraper: MetricsReader, files: Files,
        boot: Callable[[], str] = boot_id,
    ) -> None:  # fmt: skip
        self.world, self.state = world, State()
        self._platform, self._boot = platform, boot
        self._outlet: Outlet | None = None  # None while we do not watch
        self._group: asyncio.TaskGroup | None = None
        self._listening = self._heard_start = False
        self._opened_at = self._seen_at = 0.0
        self._watched: dict[str, Service] = {}
        self._latency_s: dict[str, float] = {}  # of good probes that no sample has carried yet
        self._telling: dict[str, asyncio.Task[None]] = {}  # unhealthy ones whose dependencies are looked at
        self._lives = ServiceLives(world, platform, lambda: self.state)
        self._rounds = ProbeRounds(
            prober, LagMeter(), slot_of, self._lives.mark, platform.is_frozen, self._interval_s, self._judge, self._spawn
        )  # fmt: skip
        self._figures = FigureRounds(platform, scraper, slot_of, self._sampled, self._spawn)
        self._files = FileRounds(
            files, self._is_healthy, self._lives.is_stopped, self._file_seen, self._spawn
        )

    @property
    def scrapes_failed(self) -> Counter[str]:
        return self._figures.scrapes_failed

    # --- facts ---

    def handle(self, event: Event) -> Results:
        if isinstance(event, ConfigChanged):
            return self._configured(event)
        service = self.world.config.service(event.service)
        if self._outlet is None or service is None or service.is_model:
            return ()
        if isinstance(event, ServiceStarted):
            events = self._lives.started(service, event.incarnation, _loop_time())
            return self._begun(service, events) if events else ()
        if isinstance(event, StartRetried):
            return self._lives.never_began(service, event.reason)
        if isinstance(event, ServiceStopped) and self._platform.current(service.name) is None:
            return self._lives.stopped(service, f"we stopped it ({event.why})")
        if isinstance(event, FixApplied):
            return self._lives.release(service)  # before the act counts as closed: what it changed is no news
        return ()

    def apply(self, fact: Event) -> None:
        fold(self.state, fact)

    def _configured(self, fact: ConfigChanged) -> Results:
        self._heard_start = self._heard_start or fact.why == "start"
        if self._outlet is None:
            return ()
        before = self._watched
        self._watch()
        return [
            ChangeObserved(service=name, kind="config", what="platform", after=fact.digest)
            for name, service in self._watched.items()
            if name in before and before[name].platform != service.platform
        ]

    # --- a life of its own ---

    async def run(self, outlet: Outlet) -> None:
        if not self._listening:
            self._platform.on_exit(self._exited)
            self._listening = True
        async with asyncio.TaskGroup() as self._group:
            try:
                self._open(outlet)
                await self._pass_time(outlet)
            finally:
                self._outlet = None
                self._rounds.close()
                self._files.close()

    def _open(self, outlet: Outlet) -> None:
        boot = self._boot()
        self._opened_at = _loop_time()
        self._lives.open(self._opened_at, rebooted=boot != self.state.boot_id())
        self._outlet, self._seen_at = outlet, outlet.now()
        outlet.emit(ObservationResumed(why="start", boot_id=boot))
        self._watch()

    def _watch(self) -> None:
        services = tuple(s for s in self.world.config.services if not s.is_model)
        self._watched = {service.name: service for service in services}
        self._lives.keep(self._watched)
        for name in set(self._telling) - set(self._watched):
            self._hush(name)
        self._rounds.watch(services)
        self._files.watch(services, lambda name, path: self.state.damaged.get(file_key(name, path), ""))

    async def _pass_time(self, outlet: Outlet) -> None:
        slot, ticks = _loop_time(), 0
        while True:
            self._mind_the_gap(outlet)
            outlet.emit(Tick())
            self._pass(outlet, ticks)
            ticks += 1
            slot = next_slot(0.0, TICK_S, _loop_time(), slot)
            await asyncio.sleep(slot - _loop_time())

    def _mind_the_gap(self, outlet: Outlet) -> bool:
        """After time that nobody watched, what was in flight and what was counted says nothing."""
        now = outlet.now()
        gap_s, self._seen_at = now - self._seen_at, now
        if gap_s <= GAP_S:
            return False
        for name in list(self._telling):
            self._hush(name)
        self._lives.resume(_loop_time())
        outlet.emit(ObservationResumed(gap_s=gap_s))
        self._rounds.restart()
        return True

    def _pass(self, outlet: Outlet, ticks: int) -> None:
        services, now = tuple(self._watched.values()), _loop_time()
        just_opened = self._heard_start and now - self._opened_at < MISSING_S
        for service in services:
            if events := self._lives.notice(service, now, 0.0 if just_opened else MISSING_S):
                outlet.emit(*self._begun(service, events))
        if ticks % DISK_TICKS == 0:
            for service in services:
                if changes := self._lives.release(service):
                    outlet.emit(*changes)
            self._files.look(now)
        self._figures.look(services, now, lambda name: self._latency_s.pop(name, None))
        self._rounds.adjust()

    def _begun(self, service: Service, events: list[Event]) -> list[Event]:
        """Another life than a moment ago, or none: what is under way says nothing about it."""
        self._hush(service.name)
        self._rounds.forget(service.name)
        return events

    def _exited(self, end: Exit) -> None:
        service = self._watched.get(end.incarnation.service)
        if self._outlet is None or service is None:
            return
        self._outlet.emit(*self._begun(service, self._lives.ended(service, end)))
        self._files.hurry(service.name)

    # --- probes ---

    def _interval_s(self, service: Service, probe: Probe) -> float:
        if self._lives.of(service.name).health in {"starting", "unknown"}:
            return min(probe.interval_s, BOOT_LOOK_S)
        if any(self.state.close_look(name) for name in (service.name, *service.depends_on)):
            return min(probe.interval_s, CLOSE_LOOK_S)
        return self._lives.pace_s(service, probe, _loop_time())

    def _judge(self, look: Look) -> None:
        outlet, service = self._outlet, self._watched.get(look.service)
        if outlet is None or service is None or self._mind_the_gap(outlet):
            return
        result, vitals = look.result, self._lives.of(look.service)
        outlet.emit(ProbeObserved(
            service=look.service, ok=look.ok, latency_s=result.latency_s, incarnation=look.incarnation, reason=result.reason,
        ))  # fmt: skip
        verdict = self._lives.observe(service, look)
        if look.ok:
            self._latency_s[look.service] = result.latency_s
            self._hush(look.service)
        if verdict == "healthy":
            outlet.emit(*self._lives.healthy(service, look.began_at))
        elif verdict == "unhealthy" and look.service not in self._telling:
            self._telling[look.service] = self._spawn(self._tell(service, look))
        elif vitals.suspicious and look.ok is False:
            self._suspect(service)

    def _suspect(self, service: Service) -> None:
        """A first failure: look at what it needs, and at all others, since it may be ourselves who see badly."""
        self._platform.suspect(service.name)
        needed = dependencies(self.world.config, service.name)
        self._figures.take(needed, _loop_time())  # the next ones tell how busy they were since
        for name in needed:
            self._rounds.look(name)
        self._rounds.look_around(service.name, STALE_LOOK_S, LOOKS_AROUND, LOOK_AROUND_WITHIN_S)
        self._files.hurry(service.name)

    async def _tell(self, service: Service, look: Look) -> None:
        """Unhealthy: say so once it is known how its dependencies do."""
        needed = dependencies(self.world.config, service.name)
        since = max(self._lives.of(service.name).failing_since, look.began_at - FRESH_LOOK_S)
        looks = [self._rounds.look_since(name, since) for name in needed]
        if under_way := [task for task in looks if task is not None]:
            await asyncio.wait(under_way, timeout=LONGEST_LOOK_S)
        vitals, outlet = self._lives.of(service.name), self._outlet
        self._telling.pop(service.name, None)
        if outlet is not None and vitals.incarnation == look.incarnation and vitals.failing:
            used = self._figures.take(needed, _loop_time())
            watched = [self._watched[name] for name in needed if name in self._watched]
            seen = [self._lives.seen(s, self._rounds.latest(s.name), used.get(s.name)) for s in watched]
            outlet.emit(*self._lives.unhealthy(service, look.result, tuple(seen)))

    def _hush(self, name: str) -> None:
        if (task := self._telling.pop(name, None)) is not None:
            task.cancel()

    # --- what the rounds report ---

    def _sampled(self, seen: Figures) -> None:
        about: dict[str, Any] = {"service": seen.service, "incarnation": seen.incarnation}
        if self._outlet is not None:
            self._outlet.emit(ServiceSampled(names=seen.names, values=seen.values, **about))

    def _file_seen(self, seen: FileSeen) -> None:
        if self._outlet is None:
            return
        if seen.problem:
            self._outlet.emit(FileDamaged(service=seen.service, path=seen.path, problem=seen.problem))
        else:
            self._outlet.emit(FileRepaired(service=seen.service, path=seen.path))

    def _is_healthy(self, name: str) -> bool:
        return self._lives.of(name).health == "healthy"

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        if self._group is None:
            raise RuntimeError("the monitor does not run")
        return self._group.create_task(work)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


if __name__ == "__main__":
    run_alone(__file__)
