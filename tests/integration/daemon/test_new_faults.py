"""Faults that come before a fix of the one before was verified: each is healed, and each stands in the record."""

import asyncio
import signal

import pytest

from agents.events import FixFailed, FixStarted, IncidentClosed, IncidentEscalated, IncidentOpened
from config.model import Config, Windows
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

ALONE = Config(services=(service("shop"),), windows=Windows(good_probes_to_verify=8))


async def settled(virtual: VirtualDaemon) -> None:
    assert await virtual.until(virtual.well, 20.0)
    await asyncio.sleep(5.0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_who_kills_again_and_again_before_the_verdict_makes_one_incident_with_a_fault_for_each(
    number: int,
) -> None:
    async with VirtualDaemon(ALONE) as virtual:
        await settled(virtual)
        for _ in range(8):
            virtual.faults.kill("shop", number)
            assert await virtual.until(lambda: not virtual.world.answer("shop").symptom, 2.0)
            await asyncio.sleep(1.4)
        assert await virtual.until(virtual.well, 20.0)
        [incident] = virtual.state("render_self_healing_agent").incidents.values()
        assert len(incident.faults) == 8
        assert [act.outcome for act in incident.acts] == ["interrupted"] * 7 + ["verified"]
        assert virtual.facts(IncidentEscalated) == []
        [closed] = virtual.facts(IncidentClosed)
        assert "7 new faults came before a fix was verified" in closed.message
        rates = virtual.state("intelligent_fix_selector").rates["crash/respawn"].by_service["shop"]
        assert (rates.successes, rates.failures) == (1, 0)


async def test_each_fault_keeps_its_cause_and_its_fix() -> None:
    async with VirtualDaemon(ALONE) as virtual:
        await settled(virtual)
        virtual.faults.hang("shop")
        assert await virtual.until(lambda: virtual.world.count("started", "shop") == 2, 5.0)
        await asyncio.sleep(1.6)
        virtual.faults.kill("shop")
        assert await virtual.until(virtual.well, 20.0)
        [incident] = virtual.state("render_self_healing_agent").incidents.values()
        assert [fault.cause.name for fault in incident.faults] == ["hang", "crash"]
        assert [(act.fix, act.cause_name, act.outcome) for act in incident.acts] == [
            ("kill_restart", "hang", "interrupted"), ("respawn", "crash", "verified"),
        ]  # fmt: skip
        assert len(virtual.facts(IncidentOpened)) == 1


async def test_who_dies_by_itself_before_the_verdict_has_not_been_healed() -> None:
    async with VirtualDaemon(ALONE) as virtual:
        await settled(virtual)
        virtual.faults.kill("shop")
        assert await virtual.until(lambda: not virtual.world.answer("shop").symptom, 2.0)
        await asyncio.sleep(1.4)
        virtual.faults.exit("shop", 1, "ValueError: no")
        assert await virtual.until(virtual.well, 20.0)
        [failed] = virtual.facts(FixFailed)
        assert not failed.interrupted
        assert len(virtual.facts(FixStarted)) == 2
        [closed] = virtual.facts(IncidentClosed)
        assert "new fault" not in closed.message
