"""The simulated month with Nightwarden: the whole daemon in virtual time, broken by the month's faults, beside a person who takes two hours."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from agents import service_monitor
from agents.events import ApprovalRequested, IncidentEscalated, OperatorCommanded
from benchmarks.month_faults import MODEL, MONTH_S, NEEDS, OF_DATA, PERSON_S, START_S, Fault, Outcome
from config.model import Config, HttpProbe, Limits, ProcessPlatform, Release, Service, WatchedFile
from config.on_model import ModelPlatform
from scripts.hands import Hands
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_models import VirtualModels
from tests.fixtures.virtual_platform import VirtualPlatform
from tests.fixtures.virtual_process import Script

LIMIT_MIB, BASE_MIB = 256.0, 60.0
LOOK_S, FAR_LOOK_S = 1.0, 10.0
CLOSE_TICK_S, FAR_TICK_S = 0.5, 4.0
CLOSE_S = 180.0  # after a fault it is looked at closely
CALM_S = 900.0  # after the last trouble; then time is skipped
FILE, CACHE, SECRET = "data.json", "cache/", "credential"


class MonthDaemon(VirtualDaemon):
    def __init__(self, folder: Path) -> None:
        self.models = VirtualModels()
        super().__init__(
            Config(services=_services(folder)), {name: _script(name) for name in NEEDS}, snapshot_s=3600.0
        )

    def hands(self, platform: VirtualPlatform, boot: str) -> Hands:
        return replace(super().hands(platform, boot), models=self.models)


def _services(folder: Path) -> tuple[Service, ...]:
    for name in NEEDS:
        (folder / name / "releases" / "v0").mkdir(parents=True)
        (folder / name / "releases" / "current").symlink_to("v0")
    return (
        *(
            Service(
                name=name, platform=ProcessPlatform(command=("serve",), cwd=str(folder / name)), depends_on=needs,
                probe=HttpProbe(url=f"http://127.0.0.1/{name}", interval_s=10.0, timeout_s=2.0), release=Release(),
                files=(WatchedFile(path=FILE),), caches=(CACHE,), limits=Limits(memory_mib=LIMIT_MIB),
            )
            for name, needs in NEEDS.items()
        ),
        Service(name=MODEL, platform=ModelPlatform()),
    )  # fmt: skip


def _script(name: str) -> Script:
    return Script(start_s=START_S, stop_s=0.5, rss_mib=BASE_MIB, calls=NEEDS[name], gives_up_s=1.5)


class Trouble(Struct):
    """A fault that stands, from when it harms."""

    fault: Fault
    since: float
    by_person: bool = False


class Month:
    """`at` is the time of the month; calm hours are skipped, so that the daemon lives through the rest only."""

    def __init__(self, virtual: MonthDaemon) -> None:
        self.virtual = virtual
        self.skipped_s = 0.0
        self.down_s: dict[str, float] = defaultdict(float)
        self.repaired: list[tuple[Trouble, float]] = []
        self.reached = self.interventions = 0
        self._standing: list[Trouble] = []
        self._leaks: dict[str, float] = {}  # until when each is looked after
        self._person_at: dict[str, float] = {}  # when somebody comes for a service
        self._told = 0
        self._fault_at = 0.0
        self._versions = 0
        faults = virtual.faults
        self._breaks: dict[str, Callable[[Fault], None]] = {
            "crash": lambda fault: faults.kill(fault.service),
            "hang": lambda fault: faults.hang(fault.service),
            "errors": lambda fault: faults.fail(fault.service),
            "bad_release": self._release,
            "corrupt_file": lambda fault: faults.corrupt_file(fault.service, FILE),
            "spoiled_cache": lambda fault: faults.spoil_cache(fault.service, CACHE),
            "slow": self._slow,
            "bad_table": self._table,
            "credential": lambda fault: faults.spoil_cache(
                fault.service, SECRET
            ),  # nothing declared mends it
        }

    @property
    def at(self) -> float:
        return self.virtual.clock.now() + self.skipped_s

    # --- time ---

    async def until(self, end: float) -> None:
        while self.at < end:
            if self._is_calm():
                left_s = end - self.at
                self.skipped_s += left_s
                self.virtual.clock.wall_is_off_by_s += left_s
                return
            close = bool(self._standing or self._ill()) or self.at - self._fault_at < CLOSE_S
            service_monitor.TICK_S = CLOSE_TICK_S if close else FAR_TICK_S
            step_s = min(LOOK_S if close else FAR_LOOK_S, end - self.at)
            await asyncio.sleep(step_s)
            self._look(step_s)

    def _is_calm(self) -> bool:
        quiet = (
            not self._standing
            and not self._leaks
            and not self._person_at
            and self.at - self._fault_at > CALM_S
        )
        return quiet and not self._ill()

    def _ill(self) -> list[str]:
        world = self.virtual.world
        return [
            name for name in NEEDS if world.answer(name).symptom or world.answer(name).latency_s >= 2.0
        ] + ([MODEL] if self.virtual.models.trouble else [])

    def _look(self, step_s: float) -> None:
        ill = self._ill()
        for name in ill:
            self.down_s[name] += step_s
        for trouble in [each for each in self._standing if each.fault.service not in ill]:
            self._standing.remove(trouble)
            self.repaired.append((trouble, self.at - trouble.since))
        for name, until in list(self._leaks.items()):
            process = self.virtual.world.leader(name)
            if process is not None and (process.leak_mib_per_s == 0.0 or self.at > until):
                del self._leaks[name]
        self._people()

    # --- people ---

    def _people(self) -> None:
        facts = self.virtual.said[self._told :]
        self._told = len(self.virtual.said)
        for fact in facts:
            rings = isinstance(fact, ApprovalRequested) or (
                isinstance(fact, IncidentEscalated) and fact.round == 0
            )
            if rings and fact.service not in self._person_at:
                self.reached += 1
                self._person_at[fact.service] = self.at + PERSON_S
        for service, comes_at in list(self._person_at.items()):
            if self.at >= comes_at:
                del self._person_at[service]
                self._mend(service)

    def _mend(self, service: str) -> None:
        """Where it is well again by then, somebody looked for nothing, and that is an intervention too."""
        self.interventions += 1
        world = self.virtual.world
        for trouble in self._standing:
            if trouble.fault.service == service:
                trouble.by_person = True
        world.spoiled_caches = {each for each in world.spoiled_caches if each[0] != service}
        world.damaged = {each for each in world.damaged if each[0] != service}
        process = world.leader(service)
        if process is not None:
            process.hung, process.status, process.slow_s = False, 200, 0.0
        elif self.virtual.daemon is not None:
            self.virtual.daemon.runner.say(
                "operator", [OperatorCommanded(command="start", service=service, by="a person")]
            )

    # --- faults ---

    def strike(self, fault: Fault) -> None:
        name, faults, world = fault.service, self.virtual.faults, self.virtual.world
        process = world.leader(name)
        if name != MODEL and (process is None or world.answer(name).symptom):
            return  # it is down already
        self._fault_at = self.at
        if fault.kind == "leak":  # it harms nobody yet
            faults.leak(name, (LIMIT_MIB - BASE_MIB) / fault.lasts_s, LIMIT_MIB)
            self._leaks[name] = self.at + fault.lasts_s + CALM_S
            return
        self._breaks[fault.kind](fault)
        self._standing.append(Trouble(fault, self.at))

    def _release(self, fault: Fault) -> None:
        self._versions += 1
        self.virtual.faults.deploy(fault.service, f"v{self._versions}", bad=True)

    def _table(self, _: Fault) -> None:
        self.virtual.models.trouble = "data_quality"

    def _slow(self, fault: Fault) -> None:
        process = self.virtual.world.leader(fault.service)
        assert process is not None
        self.virtual.faults.slow(fault.service, 3.0)
        asyncio.get_running_loop().call_later(fault.lasts_s, setattr, process, "slow_s", 0.0)


async def lived(faults: Sequence[Fault]) -> Outcome:
    """The month with Nightwarden."""
    with tempfile.TemporaryDirectory() as folder:
        virtual = MonthDaemon(Path(folder))
        async with virtual:
            await virtual.until(virtual.well, 120.0)
            await asyncio.sleep(600.0)  # the first backups are taken
            month = Month(virtual)
            month.skipped_s = -virtual.clock.now()
            for fault in faults:
                await month.until(fault.at)
                month.strike(fault)
            await month.until(MONTH_S)
            await month.until(month.at + 1.0) if month._standing else None
            return _outcome(month, faults)


def _outcome(month: Month, faults: Sequence[Fault]) -> Outcome:
    healed = [seconds for trouble, seconds in month.repaired if not trouble.by_person]
    by_people = [seconds for trouble, seconds in month.repaired if trouble.by_person]
    unresolved = [each for each in month._standing if each.fault.kind in OF_DATA]
    return Outcome(
        availability=1 - sum(month.down_s.values()) / (MONTH_S * (len(NEEDS) + 1)),
        healed_s=tuple(healed), by_people_s=tuple(by_people), reached_people=month.reached, interventions=month.interventions,
        data_faults=sum(fault.kind in OF_DATA for fault in faults), data_unresolved=len(unresolved),
        lived_s=MONTH_S - month.skipped_s,
    )  # fmt: skip
