"""The composition root: puts agents, journal and hands together, starts them in order, stops them in order."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents import events
from agents.agent import Agent
from agents.events import (
    ConfigChanged,
    DamageFound,
    EventQuarantined,
    OperatorCommanded,
    StorageChanged,
)
from agents.running.care import Care
from agents.running.cleaning import Cleaner
from agents.running.life import Life
from agents.running.runner import Runner, random_id
from agents.supervisor import Child, Policy, RestartLimitError, Strategy, Supervisor
from config.diff import Diff, diff, digest
from config.model import Config
from config.world import World
from scripts.hands import Hands
from scripts.keeper import EVERY_S, Keeper
from scripts.team import HEALERS, Member, team
from utils.damage import Damage
from utils.event import Fact
from utils.in_hand import InHand
from utils.journal import Health, Journal
from utils.snapshots import Snapshots, furthest
from utils.structured_logger import get_logger

log = get_logger("daemon")
SHUTDOWN_S = 25.0  # the platform kills after 30
TELL_S = 0.5
ROOT = Policy(strategy=Strategy.REST_FOR_ONE, intensity=3, long_intensity=3)
AGENTS = Policy(intensity=10)
EXTRAS = Policy(intensity=20, long_intensity=None)  # a terminal that cannot be drawn on ends nobody who heals
FACTS = tuple(
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
)


@dataclass(frozen=True)
class Pace:
    """How often and how much; and where the ids of facts that are born outside come from."""

    snapshot_s: float = EVERY_S
    segment_bytes: int = 16 * 1024 * 1024
    new_id: Callable[[], str] = random_id


class Daemon:
    """Made once for each process life: `restore`, then `run` until `stop`."""

    def __init__(
        self,
        world: World,
        hands: Hands,
        page: InHand,
        tell: Callable[[str], None],
        only: str = "",
        pace: Pace | None = None,
    ) -> None:
        self.world = world
        self.hands = hands
        self.page = page
        pace = pace or Pace()
        self.journal = Journal(
            hands.disk,
            world.state_dir / "journal",
            _union(),
            hands.offload,
            segment_bytes=pace.segment_bytes,
            saved=partial(furthest, hands.disk, world.state_dir / "snapshots"),
        )
        self.snapshots = Snapshots(
            hands.disk, world.state_dir / "snapshots", hands.offload, self.journal.durable
        )
        self.clock = hands.open_clock(self._last_at())
        world.unix = lambda at: self.clock.wall(at).timestamp()
        cleaner = Cleaner(lambda: world.config, os.environ)
        self.runner = Runner(self.journal, self.clock.now, page, page.deaths, pace.new_id, cleaner)
        self.keeper = Keeper(self.runner, self.journal, self.snapshots, pace.snapshot_s)
        self.supervisors: list[Supervisor] = []
        self._alone = bool(only)
        self.care = Care(self.runner, self.kill, lambda name: self._alone or name in HEALERS)
        self._team = {member.name: member for member in team(world, hands, tell, self.care)}
        self._members = [m for m in self._team.values() if not only or m.name in {only, "service_monitor"}]
        self.extras: list[Child] = []
        self.completed: Callable[[Config], Config] = lambda config: config  # with what is not declared
        self.found_damaged: Sequence[Damage] = ()  # in other files of the state folder, before they were read
        self._stopped = asyncio.Event()
        self.ready = asyncio.Event()

    def _last_at(self) -> float:
        last = 0.0
        for record in self.journal.read(max(self.journal.position - 100, self.journal.first - 1)):
            last = max([last, *(fact.at for fact in record.results)])
        return last

    def spare(self, name: str) -> Agent:
        """An agent that does not run here, for whoever wants to look at its empty tables."""
        return self._team[name].build()

    # --- start ---

    def add(self, member: Member) -> None:
        """One more agent than the team; before `restore`."""
        self._team[member.name] = member
        self._members.append(member)

    async def restore(self) -> None:
        """State from snapshots and journal; the living processes adopted; nothing is decided yet."""
        for member in self._members:
            cell = self.runner.add(member.build)
            self.keeper.restore(cell)
        self.hands.platform.configure(self.world.config.services)
        await self.hands.platform.adopt()

    def _listen(self) -> None:
        """What the state folder went through so far, and what it goes through from now on."""
        for damage in (*self.found_damaged, *self.journal.damage, *self.snapshots.damage):
            self._damaged(damage)
        for cell in self.runner.cells.values():
            for fact in cell.lost:  # an act among them must not stay open
                lost = EventQuarantined(
                    agent=cell.name, event=fact, error="it was lost with a damaged journal"
                )
                self.runner.say(cell.name, [lost])
        self.journal.on_damage = self.snapshots.on_damage = self._damaged
        if self.journal.failing:
            self._storage_changed(self.journal.health)
        self.journal.on_health = self._storage_changed

    def _damaged(self, damage: Damage) -> None:
        told = DamageFound(path=damage.path, problem=damage.problem, restored_from=damage.restored_from)
        self.runner.say("runner", [told])

    async def run(self) -> None:
        """Until `stop` was called and everything is stopped, or the root gave up (RestartLimitError)."""
        root = Supervisor(
            "root",
            ROOT,
            [
                Child(name="journal", start=self.journal.run),
                Child(name="keeper", start=self.keeper.run),
                *self._beside(),
                Child(name="optional", start=self._optional(), shutdown_s=10),
                Child(name="pipeline", start=self._pipeline(), shutdown_s=10),
            ],
        )
        self.supervisors.append(root)
        running = asyncio.create_task(root.run())
        stopping = asyncio.create_task(self._stopped.wait())
        self.runner.say("operator", [self._config_fact(diff(Config(), self.world.config), "start")])
        self._listen()
        self.ready.set()
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            else:
                await self._leave()
        finally:
            for task in (stopping, running):
                task.cancel()
            await asyncio.gather(running, stopping, return_exceptions=True)

    def _beside(self) -> list[Child]:
        """What stands beside the agents fails alone: whoever heals goes on without a view or a socket."""
        supervisor = Supervisor("extras", EXTRAS, [Child(name="care", start=self.care.run), *self.extras])
        self.supervisors.append(supervisor)
        return [Child(name="extras", start=supervisor.run, shutdown_s=10)]

    def _pipeline(self) -> Callable[[], Awaitable[None]]:
        names = [m.name for m in self._members if not self._is_optional(m)]
        supervisor = Supervisor(
            "pipeline", AGENTS, [Child(name=n, start=self._start_agent(n)) for n in names]
        )
        self.supervisors.append(supervisor)
        return supervisor.run

    def _is_optional(self, member: Member) -> bool:
        return member.optional and not self._alone

    def _optional(self) -> Callable[[], Awaitable[None]]:
        names = [m.name for m in self._members if self._is_optional(m)]
        children = [Child(name=f"{n}, apart", start=self._apart(n), shutdown_s=6) for n in names]
        supervisor = Supervisor("optional", AGENTS, children)
        self.supervisors.append(supervisor)
        return supervisor.run

    def _apart(self, name: str) -> Callable[[], Awaitable[None]]:
        """Below a supervisor of its own: when that gives up, nobody else is the worse for it."""
        supervisor = Supervisor(name, AGENTS, [Child(name=name, start=self._start_agent(name))])
        self.supervisors.append(supervisor)

        async def run() -> None:
            while True:
                try:
                    await supervisor.run()
                except RestartLimitError as error:
                    await self.care.given_up(name, str(error))

        return run

    def _start_agent(self, name: str) -> Callable[[], Awaitable[None]]:
        async def start() -> None:
            cell = self.runner.cells[name]
            if cell.counters.starts:
                self.keeper.restore(cell)
            await Life(self.runner, cell).run()

        return start

    def kill(self, name: str, why: str) -> None:
        """Make an agent die as if it had crashed; its supervisor starts it anew."""
        for supervisor in self.supervisors:
            supervisor.restart(name, why)

    # --- stop ---

    def stop(self) -> None:
        self._stopped.set()

    async def _leave(self) -> None:
        """Stop the services that end with us, then save everything."""
        self.ready.clear()
        told = self.runner.say("operator", [OperatorCommanded(command="shutdown", by="signal")])
        assert told is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_S):
                await self._handled("application_recovery", told.results[0].id)
                await self._told()
                await self.keeper.save_all()
                await self.journal.durable(self.journal.position)

    async def _handled(self, name: str, fact: str) -> None:
        """This one fact: acts that are in hand stay open, for the next start to go on with."""
        cell = self.runner.cells.get(name)
        while cell is not None and fact in cell.inbox.unhandled():  # noqa: ASYNC110 - nothing tells of one fact
            await asyncio.sleep(0.02)

    async def _told(self) -> None:
        """People hear of it a moment later than those who act; what is not told now, the next start tells."""
        cell = self.runner.cells.get("notifier")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELL_S):
                while cell is not None and len(cell.inbox):  # noqa: ASYNC110 - nothing tells of an empty inbox
                    await asyncio.sleep(0.02)

    # --- change ---

    def reload(self, new: Config) -> Diff:
        """Put a valid configuration into force; unchanged services are not touched."""
        new = self.completed(new)
        changes = diff(self.world.config, new)
        if changes.added or changes.removed or changes.changed or digest(new) != digest(self.world.config):
            self.world.config = new
            self.hands.platform.configure(new.services)
            self.runner.say("operator", [self._config_fact(changes, "reload")])
        return changes

    def refuse(self, problem: str) -> None:
        """A new configuration is invalid: the old one stays in force, and people are told."""
        fact = ConfigChanged(digest=digest(self.world.config), why="refused", problem=problem)
        self.runner.say("operator", [fact])

    def _config_fact(self, changes: Diff, why: Any) -> ConfigChanged:
        config = self.world.config
        return ConfigChanged(
            digest=digest(config),
            services=tuple(s.name for s in config.services),
            added=tuple(changes.added),
            removed=tuple(changes.removed),
            changed=tuple(changes.changed),
            why=why,
        )

    def _storage_changed(self, health: Health) -> None:
        self.runner.say("runner", [StorageChanged(ok=health.ok, problem=health.problem)])


def _union() -> Any:
    kind: Any = FACTS[0]
    for each in FACTS[1:]:
        kind = kind | each
    return kind
