"""Two daemons that share a lease: who does not hold it starts no children, and who learns that it lost it stops them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agents.events import IncidentOpened, LeaseChanged, OperatorCommanded, ServiceStopped
from config.model import Config
from scripts.daemon import Daemon
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_process import Script

FEW = Config(services=(service("db"), service("api", depends_on=("db",))))


class Shared:
    """The store of the lease as one daemon sees it."""

    def __init__(self, why: str) -> None:
        self.why = why

    def meet(self, daemon: Daemon) -> None:
        daemon.world.lease = lambda: self.why

    def turn(self, virtual: VirtualDaemon, why: str, *, taken: bool) -> None:
        self.why = why
        assert virtual.daemon is not None
        virtual.daemon.runner.say("operator", [LeaseChanged(held=not why, why=why, taken=taken)])


@asynccontextmanager
async def daemon(why: str) -> AsyncIterator[tuple[VirtualDaemon, Shared]]:
    virtual, shared = VirtualDaemon(FEW), Shared(why)
    virtual.meet = shared.meet
    async with virtual:
        yield virtual, shared


async def test_who_stands_by_starts_nothing_opens_nothing_and_starts_all_when_its_turn_comes() -> None:
    async with daemon("another daemon holds the lease") as (virtual, shared):
        await asyncio.sleep(120.0)
        assert virtual.world.count("started") == 0
        assert virtual.facts(IncidentOpened) == []
        shared.turn(virtual, "", taken=False)
        assert await virtual.until(virtual.well, 10.0)
        assert virtual.world.count("started") == 2


async def test_who_learns_that_another_has_it_stops_its_children_until_it_has_it_again() -> None:
    async with daemon("") as (virtual, shared):
        assert await virtual.until(virtual.well, 10.0)
        for began in (2, 4):
            shared.turn(virtual, "another daemon holds the lease", taken=True)
            assert await virtual.until(lambda: not virtual.world.processes_alive(), 10.0)
            await asyncio.sleep(120.0)
            assert virtual.world.count("started") == began
            shared.turn(virtual, "", taken=False)
            assert await virtual.until(virtual.well, 20.0)
        assert {fact.why for fact in virtual.facts(ServiceStopped)} == {"lease"}
        assert virtual.facts(IncidentOpened) == []
        assert virtual.world.count("started") == 6


async def test_what_an_operator_stopped_stays_so() -> None:
    async with daemon("") as (virtual, shared):
        assert await virtual.until(virtual.well, 10.0)
        assert virtual.daemon is not None
        virtual.daemon.runner.say("operator", [OperatorCommanded(command="stop", service="api", by="ann")])
        await asyncio.sleep(5.0)
        shared.turn(virtual, "another daemon holds the lease", taken=True)
        await asyncio.sleep(20.0)
        shared.turn(virtual, "", taken=False)
        await asyncio.sleep(20.0)
        assert [name for name in ("db", "api") if virtual.world.living(name)] == ["db"]


async def test_a_store_out_of_reach_stops_nobody_and_starts_nobody() -> None:
    async with daemon("") as (virtual, shared):
        assert await virtual.until(virtual.well, 10.0)
        shared.turn(virtual, "the store of the lease cannot be reached", taken=False)
        await asyncio.sleep(60.0)
        assert virtual.world.count("ended") == 0
        virtual.faults.kill("db")
        await asyncio.sleep(60.0)
        assert virtual.world.count("started") == 2, "its respawn waits"
        shared.turn(virtual, "", taken=False)
        assert await virtual.until(virtual.well, 20.0)


async def test_a_start_that_fails_is_not_tried_again_without_the_lease() -> None:
    virtual, shared = VirtualDaemon(FEW, {"db": Script(exits_after_s=0.05, exit_code=1)}), Shared("")
    virtual.meet = shared.meet
    async with virtual:
        await asyncio.sleep(10.0)
        tried = virtual.world.count("started", "db")
        assert tried > 2
        shared.turn(virtual, "the store of the lease cannot be reached", taken=False)
        await asyncio.sleep(60.0)
        assert virtual.world.count("started", "db") <= tried + 1
        shared.turn(virtual, "", taken=False)
        await asyncio.sleep(30.0)
        assert virtual.world.count("started", "db") > tried + 2


@pytest.mark.parametrize("seed", range(3))
async def test_a_daemon_that_died_and_finds_the_lease_taken_stops_what_it_adopted(seed: int) -> None:
    async with daemon("") as (virtual, shared):
        assert await virtual.until(virtual.well, 10.0)
        await asyncio.sleep(0.3 * seed)
        virtual.kill()
        shared.why = "another daemon holds the lease"
        await virtual.start()
        shared.turn(virtual, shared.why, taken=True)
        assert await virtual.until(lambda: not virtual.world.processes_alive(), 15.0)
        shared.turn(virtual, "", taken=False)
        assert await virtual.until(virtual.well, 20.0)
