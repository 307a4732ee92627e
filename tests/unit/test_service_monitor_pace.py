"""The monitor under lessons and settings, in virtual time: stretched probes find troubles no later, long boots are left alone."""

import asyncio
from random import Random
from statistics import mean

from agents.events import HealthChanged, LessonLearned, SettingChanged
from analysis.learning.pace import stretch
from tests.fixtures.monitor_kit import Watching, now, service, until

INTERVAL_S, TIMEOUT_S = 10.0, 1.0
CALM_S = 90.0
TROUBLES = 12


async def troubled(factor: float) -> tuple[float, float, float]:
    """(probes an hour while all is well, mean and longest seconds from a hang to its being told)."""
    random, found, probes = Random(7), list[float](), list[float]()
    async with Watching(service("shop", INTERVAL_S, TIMEOUT_S)) as watching:
        watching.start("shop")
        await until(lambda: bool(watching.heard(HealthChanged, "shop")))
        watching.tell(
            SettingChanged(service="shop", step="tried", setting="probe_stretch", value=factor, before=1.0)
        )
        for _ in range(TROUBLES):
            before, since = len(watching.prober.times("shop")), now()
            await asyncio.sleep(CALM_S + random.uniform(0.0, 100.0))
            probes.append(3600.0 * (len(watching.prober.times("shop")) - before) / (now() - since))
            watching.prober.delay_s["shop"], began = 60.0, now()
            await becomes(watching, "unhealthy")
            found.append(now() - began)
            del watching.prober.delay_s["shop"]
            await becomes(watching, "healthy")
            watching.said.clear()
    return mean(probes), mean(found), max(found)


async def becomes(watching: Watching, health: str) -> None:
    while watching.monitor.state.life("shop").health != health:  # noqa: ASYNC110 (virtual time costs nothing)
        await asyncio.sleep(0.05)


async def test_a_stretched_rate_costs_a_third_less_and_finds_troubles_no_later() -> None:
    factor = stretch(INTERVAL_S, TIMEOUT_S, at_most=1.75)
    usual_cost, usual_s, usual_longest_s = await troubled(1.0)
    cost, found_s, longest_s = await troubled(factor)
    assert cost <= 0.7 * usual_cost
    assert found_s <= usual_s
    assert longest_s <= 1.02 * usual_longest_s


async def test_one_bad_probe_is_looked_at_again_soon_and_is_no_news_if_that_is_good() -> None:
    async with Watching(service("shop", INTERVAL_S, TIMEOUT_S)) as watching:
        watching.start("shop")
        await until(lambda: bool(watching.heard(HealthChanged, "shop")))
        watching.tell(
            SettingChanged(service="shop", step="tried", setting="probe_stretch", value=1.7, before=1.0)
        )
        await asyncio.sleep(100.0)
        watching.prober.fail("shop")
        await watching.first_failure("shop")
        watching.prober.heal("shop")
        failed_at = watching.prober.times("shop")[-1]
        await asyncio.sleep(5.0)
        second_at = next(at for at in watching.prober.times("shop") if at > failed_at)
        assert 2.0 <= second_at - failed_at <= 3.5
        assert watching.last(HealthChanged, "shop").health == "healthy"


async def test_an_undone_setting_brings_the_declared_rate_back() -> None:
    async with Watching(service("shop", INTERVAL_S, TIMEOUT_S)) as watching:
        watching.start("shop")
        await until(lambda: bool(watching.heard(HealthChanged, "shop")))
        for step, value in (("tried", 1.5), ("undone", 1.0)):
            change = SettingChanged(
                service="shop", step=step, setting="probe_stretch", value=value, before=1.0
            )  # type: ignore[arg-type] # a step
            watching.tell(change)
        await asyncio.sleep(20.0)
        before = len(watching.prober.times("shop"))
        await asyncio.sleep(100.0)
        assert len(watching.prober.times("shop")) - before == 10


async def test_a_boot_that_is_known_to_take_long_is_not_called_ill() -> None:
    """Untaught it is called ill after its start timeout, and what it took in the end is told."""
    for taught in (False, True):
        async with Watching(service("shop", 1.0, 0.5, start_timeout_s=5.0)) as watching:
            if taught:
                watching.tell(LessonLearned(service="shop", topic="boot", value=30.0))
            watching.prober.fail("shop")
            watching.start("shop")
            await asyncio.sleep(12.0)
            ill = [fact for fact in watching.heard(HealthChanged, "shop") if fact.health == "unhealthy"]
            assert bool(ill) is not taught
            watching.prober.heal("shop")
            await until(lambda: watching.last(HealthChanged, "shop").health == "healthy")
            well = watching.last(HealthChanged, "shop")
            assert (well.booted_s if taught else well.late_boot_s) > 11.0
            assert (well.late_boot_s if taught else well.booted_s) == 0.0
