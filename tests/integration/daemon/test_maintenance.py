"""Slow failures that are foreseen are prevented in a quiet hour: planned, told, carried out, or vetoed and cancelled."""

import asyncio
from math import pi, sin

import msgspec
import pytest

from agents import service_monitor
from agents.events import (
    FixStarted,
    IncidentOpened,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceScheduled,
    MaintenanceVetoed,
    OperatorCommanded,
    VetoRefused,
)
from config.model import Config, Limits
from platforms import figures
from tests.fixtures.daemon_audit import audit
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

pytestmark = pytest.mark.unmeasured

LIMIT_MIB = 240.0
FLEET = Config(
    services=(
        service("db", interval_s=30.0, timeout_s=1.0, limits=Limits(memory_mib=LIMIT_MIB)),
        service(
            "api", interval_s=30.0, timeout_s=1.0, depends_on=("db",), limits=Limits(memory_mib=LIMIT_MIB)
        ),
    )
)


@pytest.fixture(autouse=True)
def coarse_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours matter here, seconds do not."""
    monkeypatch.setattr(service_monitor, "TICK_S", 15.0)
    monkeypatch.setattr(service_monitor, "GAP_S", 40.0)
    monkeypatch.setattr(figures, "_CALM_S", 60.0)
    monkeypatch.setattr(figures, "_CLOSE_S", 60.0)


def leak(virtual: VirtualDaemon, name: str, hours: float) -> None:
    virtual.faults.leak(name, (LIMIT_MIB - 40.0) / (hours * 3600.0), LIMIT_MIB)


async def planned(virtual: VirtualDaemon) -> None:
    for _ in range(180):
        await asyncio.sleep(60.0)
        if virtual.facts(MaintenanceScheduled):
            return
    raise AssertionError("nothing was planned")


async def test_a_slow_leak_is_maintained_before_it_fails_and_opens_no_incident() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        leak(virtual, "db", hours=5.0)
        await asyncio.sleep(5.2 * 3600.0)
        [plan, *moves] = virtual.facts(MaintenanceScheduled)
        assert (plan.service, plan.failure, plan.fix, plan.disturbs) == (
            "db",
            "memory_leak",
            "restart",
            ("api",),
        )
        assert all(move.plan == plan.plan and move.moved for move in moves)
        [done] = virtual.facts(MaintenanceDone)
        assert (done.plan, done.outcome) == (plan.plan, "done")
        [act] = virtual.facts(FixStarted)
        assert (act.kind, act.fix, act.service) == ("maintenance", "restart", "db")
        assert virtual.facts(IncidentOpened) == []
        assert virtual.world.count("ended", "db") == 1
        assert virtual.well()
        assert audit(virtual) == []


def command(virtual: VirtualDaemon, **said: str) -> None:
    assert virtual.daemon is not None
    virtual.daemon.runner.say("operator", [OperatorCommanded(command="veto", **said)])


async def test_a_vetoed_plan_is_not_carried_out_and_the_last_resort_still_heals_before_the_ceiling() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        leak(virtual, "db", hours=4.0)
        await planned(virtual)
        [plan] = virtual.facts(MaintenanceScheduled)
        command(virtual, by="anna", about=plan.plan)
        await asyncio.sleep(3 * 3600.0)
        assert [(veto.plan, veto.by) for veto in virtual.facts(MaintenanceVetoed)] == [(plan.plan, "anna")]
        assert virtual.facts(MaintenanceScheduled) == [plan]
        assert [act.kind for act in virtual.facts(FixStarted)] == ["fix"]
        assert [opened.symptom for opened in virtual.facts(IncidentOpened)] == ["failure_predicted"]
        command(virtual, by="anna", about=plan.plan)
        await asyncio.sleep(5.0)
        assert [no.reason for no in virtual.facts(VetoRefused)] == ["too late: it is vetoed"]


async def test_a_plan_is_cancelled_when_the_rise_ends_and_nothing_is_done() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        virtual.faults.leak("api", 200.0 / (6 * 3600.0))
        await planned(virtual)
        process = virtual.world.leader("api")
        assert process is not None
        process.script = msgspec.structs.replace(process.script, rss_mib=process.rss_mib(virtual.world.now()))
        process.leak_mib_per_s = 0.0
        await asyncio.sleep(6 * 3600.0)
        assert [cancelled.why for cancelled in virtual.facts(MaintenanceCancelled)] == ["faded"]
        assert virtual.facts(FixStarted) == []
        assert virtual.facts(IncidentOpened) == []


async def test_plans_and_their_acts_outlive_deaths_of_the_daemon() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        leak(virtual, "db", hours=5.0)
        await planned(virtual)
        virtual.kill()
        await virtual.start()
        virtual.arm("effect/start:after")
        await virtual.died.wait()
        await virtual.start()
        await virtual.until(lambda: bool(virtual.facts(MaintenanceDone)), 600.0)
        assert [done.outcome for done in virtual.facts(MaintenanceDone)] == ["done"]
        assert virtual.world.count("started", "db") == 2
        assert await virtual.until(virtual.well, 60.0)


async def test_a_service_that_wears_out_is_renewed_before_its_age() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        for _ in range(4):
            await asyncio.sleep(3 * 3600.0)
            virtual.faults.exit("api", 1, "counter overflow")
        await asyncio.sleep(2.9 * 3600.0)
        plan = virtual.facts(MaintenanceScheduled)[0]
        assert (plan.failure, plan.fix, plan.service) == ("wear", "restart", "api")
        assert [done.outcome for done in virtual.facts(MaintenanceDone)] == ["done"]
        assert len(virtual.facts(IncidentOpened)) == 4


async def test_memory_that_goes_with_the_load_of_the_day_is_never_maintained() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        for minute in range(0, 24 * 60, 10):
            for name in virtual.world.services:
                process = virtual.world.leader(name)
                assert process is not None
                wave = 40.0 + 65.0 * (1 - sin(2 * pi * minute / 1440 + pi / 2))
                process.script = msgspec.structs.replace(process.script, rss_mib=wave)
            await asyncio.sleep(600.0)
        assert virtual.facts(MaintenanceDone) == []
        assert virtual.facts(FixStarted) == []
