"""Time: ticks, gaps in which nobody watched, and probes during which our own loop lagged."""

import asyncio

import pytest

from agents.events import HealthChanged, ObservationResumed, ProbeObserved, Tick
from tests.fixtures.monitor_kit import Watching, freeze, now, service, until


async def test_it_ticks_four_times_a_second_without_drift() -> None:
    watching = Watching()
    async with watching:
        await asyncio.sleep(1000)
    ticks = watching.heard(Tick)
    assert len(ticks) == pytest.approx(4000, abs=2)
    assert ticks[-1].at - ticks[1].at == pytest.approx(0.25 * (len(ticks) - 2), abs=1e-6)


async def test_after_a_gap_watching_resumes_once_before_a_single_tick() -> None:
    watching = Watching()
    async with watching:
        await asyncio.sleep(10)
        watching.said.clear()
        freeze(30)
        await asyncio.sleep(0.2)
        resumed, tick, *more = watching.said
    assert isinstance(resumed, ObservationResumed) and isinstance(tick, Tick)
    assert resumed.why == "gap" and resumed.gap_s == pytest.approx(30, abs=0.3)
    assert more == []


async def test_a_short_lag_is_no_gap_and_its_ticks_are_not_made_up_for() -> None:
    watching = Watching()
    async with watching:
        await asyncio.sleep(10)
        watching.said.clear()
        freeze(1.5)
        await asyncio.sleep(0.01)
    assert [type(event) for event in watching.said] == [Tick]


async def test_a_gap_between_two_failures_clears_the_streak() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.fail("shop")
        await watching.first_failure("shop")
        freeze(30)
        failed = len([probe for probe in watching.heard(ProbeObserved) if probe.ok is False])
        await until(lambda: len([p for p in watching.heard(ProbeObserved) if p.ok is False]) > failed)
        watching.prober.heal("shop")
        await asyncio.sleep(5)
    assert [event.health for event in watching.heard(HealthChanged)] == ["starting", "healthy"]


async def test_what_was_in_flight_during_a_gap_is_discarded() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.fail("shop")
        watching.prober.delay_s["shop"] = 0.3
        probes = len(watching.prober.began)
        await until(lambda: len(watching.prober.began) > probes)
        observed = len(watching.heard(ProbeObserved))
        freeze(30)
        await asyncio.sleep(0.1)
        assert all(probe.ok is not False for probe in watching.heard(ProbeObserved)[observed:])


async def test_a_fleet_is_looked_at_again_soon_after_a_gap() -> None:
    watching = Watching(service("shop", interval_s=60))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(100)
        watching.prober.began.clear()
        freeze(30)
        await asyncio.sleep(1.3)
    assert watching.prober.times("shop")


async def test_a_boot_gets_its_whole_time_again_after_a_gap() -> None:
    watching = Watching(service("shop", start_timeout_s=20))
    watching.prober.fail("shop")
    watching.start("shop")
    async with watching:
        await asyncio.sleep(15)
        freeze(30)
        await asyncio.sleep(15)
        assert [event.health for event in watching.heard(HealthChanged)] == ["starting"]
        await asyncio.sleep(10)
    assert [event.health for event in watching.heard(HealthChanged)] == ["starting", "unhealthy"]


async def test_unhealthy_that_was_about_to_be_told_is_not_told_after_a_gap() -> None:
    shop = service("shop", interval_s=0.5, timeout_s=0.2, depends_on=("pricing",))
    watching = Watching(shop, service("pricing", interval_s=10, timeout_s=5))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(20)
        watching.prober.delay_s["pricing"] = 60
        watching.prober.fail("shop")
        await asyncio.sleep(2)
        freeze(30)
        watching.prober.heal("shop")
        await asyncio.sleep(10)
    assert [event.health for event in watching.heard(HealthChanged, "shop")] == ["starting", "healthy"]


async def test_a_failed_probe_during_which_our_loop_lagged_is_unknown() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.delay_s["shop"] = 9
        for _ in range(5):
            probes = len(watching.prober.began)
            await until(lambda: len(watching.prober.began) > probes)  # noqa: B023
            await asyncio.sleep(0.1)
            freeze(0.4)
            await asyncio.sleep(0.3)
    lagged = watching.heard(ProbeObserved)[-5:]
    assert [probe.ok for probe in lagged] == [None] * 5
    assert "held up" in lagged[0].reason
    assert [event.health for event in watching.heard(HealthChanged)] == ["starting", "healthy"]


async def test_a_lag_shorter_than_half_the_timeout_excuses_nothing() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.delay_s["shop"] = 9
        probes = len(watching.prober.began)
        await until(lambda: len(watching.prober.began) > probes)
        freeze(0.2)
        await asyncio.sleep(0.4)
    assert watching.heard(ProbeObserved)[-1].ok is False


async def test_a_good_probe_is_good_however_we_lagged() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.delay_s["shop"] = 0.2
        probes = len(watching.prober.began)
        await until(lambda: len(watching.prober.began) > probes)
        freeze(0.5)
        await asyncio.sleep(0.01)
    assert watching.heard(ProbeObserved)[-1].ok is True


async def test_a_start_is_the_first_thing_said() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        assert [type(event) for event in watching.said[:2]] == [ObservationResumed, Tick]
        assert watching.heard(ObservationResumed)[0].boot_id == watching.monitor.state.boots["last"]
        assert watching.said[0].at == now()
