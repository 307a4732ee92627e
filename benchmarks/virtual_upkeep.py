"""A fleet in virtual time whose memory goes with the load of the day, and of which some leak, freeze at their ceiling or wear out."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from math import exp, log, pi, sin
from random import Random
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from agents import service_monitor
from config.model import Config, HttpProbe, Limits, ProcessPlatform, Service
from platforms import figures
from scripts.daemon import Daemon
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_process import Script, VirtualProcess

DAY_S, HOUR_S = 86_400.0, 3600.0
LIMIT_MIB = 256.0
STEP_S = 300.0
START_S = 4.0
PROBE_S = 30.0
Kind = Literal["killed", "freezes", "wears", "wave", "sawtooth", "cache", "steps", "batch"]
ILL: tuple[Kind, ...] = ("killed", "freezes", "wears")
WELL: tuple[Kind, ...] = ("wave", "sawtooth", "cache", "steps", "batch")
REQUESTS_PER_S = 20.0  # at a load of 1


class Character(Struct, frozen=True):
    """What a service is like. `lasts_s`: from a start to the ceiling, or to the age at which it ends."""

    name: str
    kind: Kind
    lasts_s: float = 0.0
    peak_hour: float = 14.0
    base_mib: float = 60.0


def characters(seed: int, ill: int, well: int) -> list[Character]:
    """Time to the ceiling log-uniform from 90 minutes to 48 hours."""
    random = Random(seed)
    made = []
    for n in range(ill + well):
        kind = ILL[n % len(ILL)] if n < ill else WELL[(n - ill) % len(WELL)]
        lasts_s = exp(random.uniform(log(1.5 * HOUR_S), log(48 * HOUR_S))) if n < ill else 0.0
        made.append(Character(f"s{n}", kind, lasts_s, random.uniform(9, 20), random.uniform(40, 80)))
    return made


def config_of(people: Collection[Character]) -> Config:
    return Config(
        services=tuple(
            Service(
                name=each.name,
                platform=ProcessPlatform(command=("serve",)),
                probe=HttpProbe(url=f"http://127.0.0.1/{each.name}", interval_s=PROBE_S, timeout_s=2.0),
                limits=Limits(memory_mib=LIMIT_MIB),
            )
            for each in people
        )
    )


def coarse(tick_s: float = 15.0, sample_s: float = 60.0) -> None:
    """Hours matter here: ticks and samples are as rare as that allows."""
    service_monitor.TICK_S, service_monitor.GAP_S = tick_s, 3 * tick_s
    figures._CALM_S = figures._CLOSE_S = sample_s


def without(*names: str) -> Callable[[Daemon], None]:
    """A daemon that lacks these agents."""

    def lame(daemon: Daemon) -> None:
        daemon._members = [member for member in daemon._members if member.name not in names]

    return lame


@dataclass
class Outage:
    service: str
    since: float
    planned: bool
    seconds: float = 0.0
    lost: float = 0.0  # requests


@dataclass
class Ground:
    """Moves the fleet on, step by step, and books every second in which one of them does not answer."""

    virtual: VirtualDaemon
    people: dict[str, Character]
    seed: int
    failures: list[tuple[float, str]] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    _down: dict[str, Outage] = field(default_factory=dict)
    _offsets: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.virtual.world.on_spawn = self._born
        record = self.virtual.world.record

        def listen(kind: str, service: str, mark: str = "", detail: str = "") -> None:
            record(kind, service, mark, detail)
            if kind == "ended":
                self._fell(service, planned=True)

        self.virtual.world.record = listen  # type: ignore[method-assign]

    # --- what befalls it ---

    def _born(self, process: VirtualProcess) -> None:
        outage = self._down.pop(process.service, None)
        if outage is not None:
            until = process.ready_at
            outage.seconds = until - outage.since
            outage.lost = self.requests(process.service, outage.since, until)
            self.outages.append(outage)

    def _fell(self, service: str, *, planned: bool) -> None:
        now = self.virtual.world.now()
        if service not in self._down:
            self._down[service] = Outage(service, now, planned)

    def fail(self, process: VirtualProcess, kind: Kind) -> None:
        self.failures.append((self.virtual.world.now(), process.service))
        self._fell(process.service, planned=False)
        if kind == "killed":
            self.virtual.faults.kill(process.service, signal.SIGKILL)
        elif kind == "freezes":
            self.virtual.faults.hang(process.service)
        else:
            self.virtual.faults.exit(process.service, 70, "the counter of its jobs is full")

    # --- time ---

    def load(self, who: Character, at: float) -> float:
        """From 0.2 at night to 1.8; two thirds of it at weekends."""
        wave = 1 + 0.8 * sin(2 * pi * ((at / HOUR_S - who.peak_hour) / 24 + 0.25))
        return wave * (0.67 if int(at // DAY_S) % 7 >= 5 else 1.0)

    def requests(self, service: str, since: float, until: float) -> float:
        return (until - since) * REQUESTS_PER_S * self.load(self.people[service], (since + until) / 2)

    async def live(self, seconds: float) -> None:
        ends_at = self.virtual.world.now() + seconds
        while self.virtual.world.now() < ends_at:
            for who in self.people.values():
                process = self.virtual.world.leader(who.name)
                if process is not None and not process.hung:
                    self._move(who, process)
            await asyncio.sleep(STEP_S)

    def _move(self, who: Character, process: VirtualProcess) -> None:
        now = self.virtual.world.now()
        age_s = now - process.started_at
        process.load = self.load(who, now) * self.random.uniform(0.9, 1.1)
        mib = who.base_mib + 25.0 * self.load(who, now - HOUR_S) + self.random.gauss(0.0, 1.5)
        mib += self._own(who, now, age_s)
        process.script = replace(process.script, rss_mib=max(mib, 20.0))
        if who.kind in ("killed", "freezes") and mib >= LIMIT_MIB:
            self.fail(process, who.kind)
        elif who.kind == "wears" and age_s >= who.lasts_s * self._wear(process):
            self.fail(process, "wears")

    def _wear(self, process: VirtualProcess) -> float:
        """Lives end within four per cent of the same age."""
        return Random(f"{self.seed} {process.pid}").uniform(0.96, 1.04)

    def _own(self, who: Character, now: float, age_s: float) -> float:
        match who.kind:
            case "killed" | "freezes":
                return age_s / who.lasts_s * (LIMIT_MIB - who.base_mib - 25.0)
            case "sawtooth":
                return 45.0 * ((now / HOUR_S) % 5.0) / 5.0
            case "cache":
                return 80.0 * (1 - exp(-age_s / (5 * HOUR_S)))
            case "steps":
                if self.random.random() < STEP_S / (6 * HOUR_S):
                    self._offsets[who.name] = self.random.uniform(0.0, 70.0)
                return self._offsets[who.name]
            case "batch":
                return 90.0 if 1.0 <= (now / HOUR_S) % 24 < 2.5 else 0.0
            case _:
                return 0.0


def script() -> Script:
    return Script(start_s=START_S, stop_s=0.5)
