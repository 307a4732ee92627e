"""The service monitor under the real runner: records, replay, its own restart."""

import asyncio

import msgspec

from agents.events import (
    ConfigChanged,
    FixStarted,
    HealthChanged,
    IncidentOpened,
    ServiceStarted,
    ServiceStopped,
)
from agents.monitoring.state import State
from agents.running.life import Life
from agents.running.runner import Runner
from agents.service_monitor import ServiceMonitor
from tests.fixtures.memory_journal import MemoryJournal, NoPage
from tests.fixtures.monitor_kit import Watching, now, service


class Daemon:
    """The real runner around a monitor, in the world of the kit."""

    def __init__(self, kit: Watching) -> None:
        self.kit = kit
        self.journal = MemoryJournal()
        self.runner = Runner(self.journal, now, NoPage())
        self.cell = self.runner.add(self.build)

    def build(self) -> ServiceMonitor:
        kit = self.kit
        return ServiceMonitor(kit.world, kit.platform, kit.prober, kit.scraper, kit.files)

    async def live(self, seconds: float) -> None:
        life = asyncio.create_task(Life(self.runner, self.cell).run())
        await asyncio.sleep(seconds)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)

    def healths(self) -> list[str]:
        said = [fact for record in self.journal.records for fact in record.results]
        return [fact.health for fact in said if isinstance(fact, HealthChanged)]


async def test_what_it_remembers_is_the_fold_of_its_records() -> None:
    kit = Watching(service("shop"), service("pricing"))
    kit.start("shop", "pricing")
    daemon = Daemon(kit)
    say = daemon.runner.say
    life = asyncio.create_task(daemon.live(30))
    await asyncio.sleep(5)
    say("operator", [ConfigChanged(digest="d")])
    kit.platform.end("shop", signal=9)
    say("owner", [IncidentOpened(service="shop", incident="i1", symptom="exit", reason="")])
    say("gate", [FixStarted(service="shop", incident="i1", fix="respawn", agent="a", cause_name="crash",
                            culprit="shop", deadline_s=9)])  # fmt: skip
    kit.start("shop", mark="act")
    say("application_recovery", [ServiceStarted(service="shop", incarnation="act", pid=2)])
    say("application_recovery", [ServiceStopped(service="pricing", why="operator")])
    await life
    lived = daemon.cell.agent.state
    daemon.runner.rebuild(daemon.cell, None, None)
    assert daemon.cell.agent.state == lived
    assert lived.life("shop").incarnation == "act" and "i1" in lived.incidents
    assert msgspec.json.decode(msgspec.json.encode(lived), type=State) == lived


async def test_its_own_restart_makes_no_news_and_its_former_self_is_deaf() -> None:
    kit = Watching(service("shop"))
    kit.start("shop")
    daemon = Daemon(kit)
    await daemon.live(5)
    daemon.runner.rebuild(daemon.cell, None, None)
    await daemon.live(5)
    assert daemon.healths() == ["starting", "healthy"]
    daemon.runner.rebuild(daemon.cell, None, None)
    life = asyncio.create_task(daemon.live(5))
    await asyncio.sleep(1)
    kit.platform.end("shop", signal=9)
    await life
    assert daemon.healths() == ["starting", "healthy", "down"]
