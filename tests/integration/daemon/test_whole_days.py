"""Whole days in seconds: a crash every ten minutes is ordinary life, and the ups and downs of load are nobody's fault."""

import asyncio
from math import pi, sin
from random import Random

import pytest

from agents import service_monitor
from agents.events import FixRefused, FixStarted, IncidentClosed, IncidentOpened, OperatorCommanded
from config.model import Config, Limits, PrometheusMetrics
from platforms import figures
from tests.fixtures.daemon_audit import audit
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

pytestmark = pytest.mark.unmeasured

FLEET = Config(
    services=tuple(
        service(
            name,
            interval_s=30.0,
            timeout_s=1.0,
            depends_on=needs,
            limits=Limits(open_files=512),
            metrics=PrometheusMetrics(url=f"http://127.0.0.1/{name}/metrics", interval_s=30.0),
        )
        for name, needs in (("db", ()), ("api", ("db",)), ("web", ("api",)))
    )
)


@pytest.fixture(autouse=True)
def coarse_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks as rare as they may be without looking like gaps, and samples as rare as scrapes."""
    monkeypatch.setattr(service_monitor, "TICK_S", 1.9)
    monkeypatch.setattr(figures, "_CALM_S", 30.0)


@pytest.mark.parametrize("crashes", [36, pytest.param(144, marks=pytest.mark.soak)])
async def test_a_crash_every_ten_minutes_is_ordinary_life(crashes: int) -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        for n in range(crashes):
            virtual.faults.kill(("db", "api", "web")[n % 3])
            await asyncio.sleep(600.0)
        assert virtual.well()
        assert [fact.outcome for fact in virtual.facts(IncidentClosed)] == ["healed"] * crashes
        assert max(fact.seconds for fact in virtual.facts(IncidentClosed)) < 15.0
        assert virtual.world.count("started") == 3 + crashes
        await asyncio.sleep(0.5)
        assert audit(virtual) == []


@pytest.mark.parametrize("hours", [4, pytest.param(24, marks=pytest.mark.soak)])
async def test_load_peaks_and_daily_cycles_are_never_acted_upon(hours: int) -> None:
    random = Random(7)
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        for minute in range(60 * hours):
            daily = 3.0 - 2.5 * sin(2 * pi * minute / (60 * hours) + 1.0)
            for name in virtual.world.services:
                process = virtual.world.leader(name)
                assert process is not None
                peak = 6.0 if minute % 120 in range(30, 36) else 1.0
                process.load = daily * peak * random.uniform(0.8, 1.25)
            await asyncio.sleep(60.0)
        assert virtual.facts(IncidentOpened) == []
        assert virtual.facts(FixStarted) == []


async def test_of_what_a_pause_holds_back_people_hear_again_and_again_and_ever_more_seldom() -> None:
    async with VirtualDaemon(FLEET, snapshot_s=3600.0) as virtual:
        await virtual.until(virtual.well, 60.0)
        assert virtual.daemon is not None
        virtual.daemon.runner.say("operator", [OperatorCommanded(command="pause", by="anna")])
        await asyncio.sleep(60.0)
        virtual.faults.kill("db")
        began = virtual.clock.now()
        for quarter in range(17):
            await asyncio.sleep(900.0)
            if quarter == 2:
                virtual.kill()
                await virtual.start()
        told = [fact for fact in virtual.facts(FixRefused, "db") if fact.reminder]
        assert [round((fact.at - began) / 900) for fact in told] == [1, 4, 16]
        lines = [line for line in virtual.told if "still held back" in line and "for db" in line]
        assert len(lines) == 3
        assert all("paused by anna; freed by: nightwarden resume" in line for line in lines)
        virtual.daemon.runner.say("operator", [OperatorCommanded(command="resume", by="anna")])
        assert await virtual.until(virtual.well, 60.0)
