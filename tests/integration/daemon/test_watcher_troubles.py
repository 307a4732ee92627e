"""Where the trouble is our own: clocks that jump, a daemon that stood still, a network that is cut. Nobody else pays."""

import asyncio

import pytest

from agents.events import FixRefused, FixStarted, IncidentOpened, ObservationResumed
from config.model import Config
from tests.fixtures.monitor_kit import freeze, service
from tests.fixtures.virtual_daemon import VirtualDaemon

FEW = Config(services=(service("db"), service("api", depends_on=("db",)), service("worker", probe=None)))
MANY = Config(services=tuple(service(f"s{n:02d}") for n in range(50)))
QUIET_S = 10.0


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_a_jump_of_the_wall_clock_makes_no_incident_and_delays_no_healing(jump_s: float) -> None:
    async with VirtualDaemon(FEW) as virtual:
        await asyncio.sleep(QUIET_S)
        virtual.clock.wall_is_off_by_s = jump_s
        await asyncio.sleep(60.0)
        assert virtual.facts(IncidentOpened) == []
        assert virtual.facts(ObservationResumed)[1:] == []
        virtual.faults.kill("db")
        assert await virtual.until(virtual.well, 3.0)
        assert virtual.state("render_self_healing_agent").incidents


async def test_a_daemon_frozen_for_thirty_seconds_blames_and_touches_nobody() -> None:
    async with VirtualDaemon(FEW) as virtual:
        await asyncio.sleep(QUIET_S)
        effects = len(virtual.world.effects)
        for _ in range(3):
            freeze(30.0)
            await asyncio.sleep(7.3)
        assert [fact.gap_s >= 30.0 for fact in virtual.facts(ObservationResumed)[1:]] == [True] * 3
        assert virtual.facts(IncidentOpened) == []
        assert len(virtual.world.effects) == effects


@pytest.mark.parametrize("before_s", [0.05, 0.3, 0.7, 1.2, 2.0])
async def test_healing_goes_on_after_a_freeze_in_its_middle(before_s: float) -> None:
    async with VirtualDaemon(FEW) as virtual:
        await asyncio.sleep(QUIET_S)
        virtual.faults.hang("db")
        await asyncio.sleep(before_s)
        freeze(30.0)
        assert await virtual.until(virtual.well, 15.0)
        assert virtual.world.count("started", "db") == 2
        assert virtual.world.count("started", "api") == 1


async def test_with_the_network_of_the_watcher_cut_nobody_is_touched_and_people_are_told() -> None:
    async with VirtualDaemon(MANY) as virtual:
        await virtual.until(virtual.well, 60.0)
        effects = len(virtual.world.effects)
        virtual.faults.cut_network(*(f"s{n:02d}" for n in range(40)))
        await asyncio.sleep(40.0)
        assert virtual.facts(FixStarted) == []
        assert {fact.limit for fact in virtual.facts(FixRefused)} == {"suspicion"}
        assert any("we may be the ones" in line for line in virtual.told)
        virtual.faults.cut_network()
        assert await virtual.until(virtual.well, 30.0)
        await asyncio.sleep(60.0)
        assert virtual.facts(FixStarted) == []
        assert len(virtual.world.effects) == effects


async def test_twenty_of_fifty_killed_at_once_all_come_back_staggered() -> None:
    async with VirtualDaemon(MANY) as virtual:
        await virtual.until(virtual.well, 60.0)
        killed_at = virtual.clock.now()
        for n in range(20):
            virtual.faults.kill(f"s{n:02d}")
        assert await virtual.until(virtual.well, 15.0)
        starts = [e.at for e in virtual.world.effects if e.kind == "started" and e.at > killed_at]
        assert len(starts) == 20
        assert max(sum(at <= other < at + 0.2 for other in starts) for at in starts) <= 5
        assert starts[0] - killed_at < 0.05
