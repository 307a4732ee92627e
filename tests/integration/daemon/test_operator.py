"""What people decide holds: over crashes of the daemon, over faults, and over a changed configuration."""

import asyncio

import msgspec

from agents.events import (
    FixRefused,
    FixStarted,
    IncidentClosed,
    IncidentOpened,
    OperatorCommanded,
    ServiceStopped,
)
from config.model import Config
from tests.fixtures.daemon_audit import audit
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

FEW = Config(services=(service("db"), service("api", depends_on=("db",)), service("web")))


def say(virtual: VirtualDaemon, command: str, name: str = "") -> None:
    assert virtual.daemon is not None
    virtual.daemon.runner.say(
        "operator",
        [OperatorCommanded(service=name, command=command, by="somebody")],  # type: ignore[arg-type]
    )


async def test_what_an_operator_stopped_stays_stopped_over_crashes_and_reboots() -> None:
    async with VirtualDaemon(FEW, snapshot_s=1.0) as virtual:
        await virtual.until(virtual.well, 20.0)
        say(virtual, "stop", "web")
        assert await virtual.until(lambda: virtual.world.leader("web") is None, 6.0)
        for power in (False, False, True):
            await asyncio.sleep(2.0)
            virtual.kill(power=power)
            await asyncio.sleep(1.0)
            await virtual.start()
            await asyncio.sleep(20.0)
            assert virtual.world.leader("web") is None
            assert virtual.world.leader("api") is not None
        assert virtual.facts(IncidentOpened, "web") == []
        say(virtual, "start", "web")
        assert await virtual.until(virtual.well, 10.0)
        assert virtual.world.count("started", "web") == 2


async def test_a_stop_that_was_acknowledged_holds_if_the_daemon_dies_in_the_same_instant() -> None:
    async with VirtualDaemon(FEW) as virtual:
        await virtual.until(virtual.well, 20.0)
        assert virtual.daemon is not None
        say(virtual, "stop", "web")
        await virtual.daemon.journal.durable(virtual.daemon.journal.position)
        virtual.kill()
        await virtual.start()
        assert await virtual.until(lambda: virtual.world.leader("web") is None, 10.0)
        await asyncio.sleep(30.0)
        assert virtual.world.leader("web") is None


async def test_paused_nobody_acts_and_resumed_what_waits_is_done() -> None:
    async with VirtualDaemon(FEW) as virtual:
        await virtual.until(virtual.well, 20.0)
        say(virtual, "pause")
        virtual.faults.kill("db")
        virtual.faults.hang("web")
        await asyncio.sleep(30.0)
        assert virtual.facts(FixStarted) == []
        virtual.kill()
        await virtual.start()
        await asyncio.sleep(30.0)
        assert virtual.facts(FixStarted) == []
        assert {fact.limit for fact in virtual.facts(FixRefused)} == {"paused"}
        say(virtual, "resume")
        assert await virtual.until(virtual.well, 15.0)
        assert len(virtual.facts(FixStarted)) == 2


async def test_a_reload_that_removes_a_service_stops_it_and_withdraws_its_incident() -> None:
    async with VirtualDaemon(FEW) as virtual:
        await virtual.until(virtual.well, 20.0)
        before = {process.pid for process in virtual.world.processes.values() if process.alive}
        say(virtual, "pause")
        virtual.faults.hang("web")
        assert await virtual.until(lambda: bool(virtual.facts(IncidentOpened, "web")), 10.0)
        assert virtual.daemon is not None
        virtual.config = Config(services=FEW.services[:2])
        virtual.daemon.reload(virtual.config)
        say(virtual, "resume")
        assert await virtual.until(lambda: virtual.world.leader("web") is None, 10.0)
        await asyncio.sleep(30.0)
        [closed] = virtual.facts(IncidentClosed)
        assert (closed.service, closed.outcome) == ("web", "withdrawn")
        assert virtual.facts(ServiceStopped, "web")[-1].why == "removed"
        left = {process.pid for process in virtual.world.processes.values() if process.alive}
        assert left < before
        assert len(left) == 2
        virtual.kill()
        await virtual.start()
        await asyncio.sleep(30.0)
        assert virtual.world.leader("web") is None
        del virtual.world.services["web"]
        say_nothing = [line for line in audit(virtual) if not line.startswith("web was signalled")]
        assert say_nothing == []


async def test_a_shutdown_stops_everything_and_the_next_start_starts_it_without_an_incident() -> None:
    async with VirtualDaemon(FEW) as virtual:
        await virtual.until(virtual.well, 20.0)
        await virtual.stop()
        assert [process for process in virtual.world.processes.values() if process.alive] == []
        await virtual.start()
        assert await virtual.until(virtual.well, 20.0)
        assert virtual.facts(IncidentOpened) == []


async def test_a_shutdown_that_has_nothing_to_stop_is_told_before_it_is_over() -> None:
    stays = msgspec.structs.replace(FEW.services[0], on_exit="leave")
    async with VirtualDaemon(Config(services=(stays,)), disk_s=1e-5) as virtual:
        await virtual.until(virtual.well, 20.0)
        await virtual.stop()
        assert any(line.startswith("stopping") for line in virtual.told)
