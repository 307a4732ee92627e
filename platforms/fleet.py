"""Many services at once: starts them in order of dependency, replaces what runs another command, stops in waves."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec
import structlog

from config.graph import start_order
from config.model import Config, Service, Stop
from config.world import World
from platforms.boot import Booter, Terms
from platforms.platform import Exit, Platform, PlatformError
from utils.jobs import Ended, Jobs, uninterrupted

log = structlog.get_logger()
KEPT_LOOK_S = 0.25
SHUTDOWN_BUDGET_S = 22.0  # what we run on kills us after 30 s


class Memory(Protocol):
    """What is known of each service beyond what the platform sees."""

    def is_stopped(self, service: str) -> bool:
        """By an operator."""
        ...

    def is_healthy(self, service: str) -> bool: ...
    def was_seen(self, service: str) -> bool:
        """It was seen running: if it is gone, that is an incident and not a start."""
        ...

    def section_of(self, service: str) -> str:
        """Digest of the section that its process was started with; "" where nobody knows."""
        ...


@dataclass(frozen=True)
class Start:
    """On whose word services are started: the terms for each, made when its turn comes, and whom to tell."""

    terms: Callable[[str], Terms]
    replaced: Callable[[str], None]
    forced: bool = False  # also what was seen running before


def section(service: Service) -> str:
    """A digest of what a process is started with; another one needs another process."""
    return hashlib.sha256(msgspec.json.encode(service.platform, order="deterministic")).hexdigest()[:12]


def stop_waves(config: Config) -> list[list[Service]]:
    """Who may stop together: each service before everything that it depends on."""
    services = {service.name: service for service in config.services}
    depth: dict[str, int] = {}
    for name in start_order(config):
        depth[name] = 1 + max((depth[d] for d in services[name].depends_on), default=0)
    deepest = max(depth.values(), default=0)
    return [[services[n] for n in depth if depth[n] == level] for level in range(deepest, 0, -1)]


async def stop_all(platform: Platform, waves: Sequence[Sequence[Service]], budget_s: float) -> list[str]:
    """Stop wave by wave within `budget_s` overall: each wave has its share of what is left, then it is killed."""
    clock = asyncio.get_running_loop().time
    ends_at = clock() + budget_s
    stopped = []
    for n, wave in enumerate(waves):
        living = [service for service in wave if platform.current(service.name) is not None]
        share_s = max(ends_at - clock(), 0.0) / (len(waves) - n)
        stops = [
            platform.stop(s.name, signal=s.stop.signal, grace_s=min(s.stop.grace_s, share_s)) for s in living
        ]
        await asyncio.gather(
            *stops, return_exceptions=True
        )  # one that cannot be stopped holds up nobody else
        stopped += [service.name for service in living if platform.current(service.name) is None]
    return stopped


class Fleet:
    """Its starts run as tasks of `group`, so that none holds up another or whoever asked for it."""

    def __init__(self, world: World, platform: Platform, booter: Booter, jobs: Jobs, memory: Memory) -> None:
        self.world = world
        self.platform = platform
        self.booter = booter
        self.jobs = jobs
        self.memory = memory
        self.group: asyncio.TaskGroup | None = None
        self.closing = False
        self._starting: set[str] = set()
        self._news = asyncio.Event()

    def bring_up(self, names: Collection[str], start: Start, changed: Collection[str] = ()) -> None:
        """Start what should run and does not; replace what runs another command than it should."""
        for name in start_order(self.world.config):
            service = self.world.config.service(name)
            if service is None or name not in names or name in self._starting:
                continue
            if self._differs(service, told=name in changed):
                self._spawn(name, partial(self._replace, name, start))
            elif not self.jobs.busy(name) and self._may_start(name, start):
                self._spawn(name, partial(self._start, service, start))

    def health_changed(self, service: str, *, healthy: bool) -> None:
        """Wake whoever waits for it; a boot that fails for lack of it comes at once."""
        self._news.set()
        self._news = asyncio.Event()
        for other in self.world.config.services if healthy else ():
            if service in other.depends_on:
                self.booter.hurry(other.name)

    async def halt(self, service: str, how: Stop, why: str) -> None:
        """End what is in hand for it, then stop it with its own signal and grace."""
        await self.jobs.end(service, why)
        await self._stop(service, how)

    async def halt_all(self, stops: Mapping[str, Stop], why: str) -> None:
        """All at once: one that cannot be stopped, or takes its time, keeps no other running."""
        halts = (self.halt(name, how, why) for name, how in stops.items())
        for outcome in await asyncio.gather(*halts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def shut_down(self) -> list[str]:
        """Dependants first; what stays running is left alone. The names of those that were stopped."""
        self.closing = True
        await asyncio.gather(*(self.jobs.end(name, "the daemon shuts down") for name in self.jobs.in_hand()))
        waves = [
            [s for s in wave if s.is_child and s.on_exit == "stop"] for wave in stop_waves(self.world.config)
        ]
        return await stop_all(self.platform, [wave for wave in waves if wave], SHUTDOWN_BUDGET_S)

    def _spawn(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def carried() -> None:
            try:
                with suppress(Ended):
                    await work()
            finally:
                self._starting.discard(name)

        if self.group is None:
            raise RuntimeError("the fleet is not running")
        self._starting.add(name)
        self.group.create_task(carried(), name=f"start {name}")

    async def _start(self, service: Service, start: Start) -> None:
        name = service.name
        if not start.forced:
            await self._await_dependencies(service)
        if not self.jobs.busy(name) and self._may_start(name, start):
            await self.jobs.run(name, self._boot(name, start))

    async def _replace(self, name: str, start: Start) -> None:
        self.booter.hurry(name)  # what is in hand uses the new command from its next boot on
        await self.jobs.over(name)
        service = self.world.config.service(name)
        if service is not None and self._differs(service, told=True):
            await self.jobs.run(name, self._swap(service, start))

    async def _swap(self, service: Service, start: Start) -> None:
        try:
            if await self._stop(service.name, service.stop) is not None:
                start.replaced(service.name)
        except PlatformError as error:
            log.warning("old_command_keeps_running", service=service.name, error=str(error))
            return
        await self._boot(service.name, start)

    async def _boot(self, name: str, start: Start) -> None:
        while self.world.keeps_children():  # noqa: ASYNC110 - nothing tells its end
            await asyncio.sleep(KEPT_LOOK_S)
        await self.booter.boot(lambda: self.world.config.service(name), start.terms(name))

    async def _stop(self, service: str, how: Stop) -> Exit | None:
        return await uninterrupted(self.platform.stop(service, signal=how.signal, grace_s=how.grace_s))

    async def _await_dependencies(self, service: Service) -> None:
        """As long as those may take to start; then it starts all the same, and may well boot without them."""
        needed = [d for name in service.depends_on if (d := self.world.config.service(name)) is not None]
        try:
            async with asyncio.timeout(max((d.start_timeout_s for d in needed), default=0.0)):
                while not all(
                    self.memory.is_healthy(d.name) or self.memory.is_stopped(d.name) for d in needed
                ):
                    await self._news.wait()
        except TimeoutError:
            pass

    def _may_start(self, name: str, start: Start) -> bool:
        return not (
            self.closing
            or self.memory.is_stopped(name)
            or self.platform.current(name) is not None
            or (self.memory.was_seen(name) and not start.forced)
        )

    def _differs(self, service: Service, *, told: bool) -> bool:
        """`told`: somebody says that its configuration changed, which decides where nobody knows its command."""
        name = service.name
        if self.closing or self.memory.is_stopped(name) or not (told or self.platform.current(name)):
            return False
        known = self.memory.section_of(name)
        return known != section(service) if known else told
