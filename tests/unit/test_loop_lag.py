"""The loop's own lag, measured only while somebody asks for it."""

import asyncio

import pytest

from tests.fixtures.monitor_kit import freeze, now
from utils.loop_lag import LagMeter


async def test_a_loop_that_runs_freely_does_not_lag() -> None:
    meter = LagMeter()
    with meter.measuring():
        since = now()
        await asyncio.sleep(5)
        assert meter.lagged(since, now()) == 0.0


async def test_a_blocked_loop_lags_to_within_one_period() -> None:
    meter = LagMeter()
    with meter.measuring():
        since = now()
        asyncio.get_running_loop().call_later(1.0, freeze, 0.8)
        await asyncio.sleep(3)
        assert meter.lagged(since, now()) == pytest.approx(0.8, abs=0.051)


async def test_a_lag_is_seen_before_the_late_beat_has_run() -> None:
    meter = LagMeter()
    with meter.measuring():
        since = now()
        freeze(0.8)
        assert meter.lagged(since, now()) == pytest.approx(0.8, abs=0.051)


async def test_a_lag_outside_of_the_interval_does_not_count() -> None:
    meter = LagMeter()
    with meter.measuring():
        asyncio.get_running_loop().call_later(1.0, freeze, 0.8)
        await asyncio.sleep(3)
        assert meter.lagged(now() - 0.5, now()) == 0.0
        assert meter.lagged(0.0, 0.9) == 0.0


async def test_only_the_part_within_the_interval_counts() -> None:
    meter = LagMeter()
    with meter.measuring():
        asyncio.get_running_loop().call_later(1.0, freeze, 0.8)
        await asyncio.sleep(3)
        assert meter.lagged(1.5, now()) == pytest.approx(0.3, abs=0.051)


async def test_the_worst_of_several_lags_counts_and_not_their_sum() -> None:
    meter = LagMeter()
    with meter.measuring():
        for at, lag_s in ((1.0, 0.3), (2.0, 0.6), (3.0, 0.2)):
            asyncio.get_running_loop().call_later(at, freeze, lag_s)
        await asyncio.sleep(5)
        assert meter.lagged(0.0, now()) == pytest.approx(0.6, abs=0.051)


async def test_it_stops_beating_when_nobody_measures() -> None:
    meter = LagMeter()
    with meter.measuring(), meter.measuring():
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    assert meter._timer is None


async def test_time_before_measuring_began_is_no_lag() -> None:
    meter = LagMeter()
    with meter.measuring():
        await asyncio.sleep(0.1)
    await asyncio.sleep(100)
    with meter.measuring():
        since = now()
        await asyncio.sleep(1)
        assert meter.lagged(since - 100, now()) == 0.0
