"""The figures that acts on Render must reach: deploys, a troubled API, an API that is away; the full numbers in make soak."""

import asyncio
from collections import Counter

import pytest

from agents.events import CauseFound, FixStarted, IncidentClosed, IncidentOpened
from config.model import Config
from config.on_render import Render
from tests.fixtures.monitor_kit import service
from tests.fixtures.render_api import ServicePlan, Troubles, WorldPlan
from tests.fixtures.render_rig import RenderDaemon
from tests.fixtures.render_wire import render_in_memory

pytestmark = pytest.mark.unmeasured

SYMPTOMS = ("errors", "hang", "errors", "crash", "errors")
FLEET = 10
CONFIG = Config(render=Render(probe_interval_s=5.0, autonomy="auto"))


def fleet(seed: int = 0, share: float = 0.0) -> RenderDaemon:
    plans = [ServicePlan(f"s{n}", instances=1 + n % 2) for n in range(FLEET)]
    api = render_in_memory(WorldPlan(services=plans), seed=seed, troubles=Troubles(share=share))
    return RenderDaemon(api, CONFIG, seed=seed)


async def calm(rig: RenderDaemon, within_s: float = 1800.0) -> None:
    assert await rig.until(rig.well, within_s)
    await asyncio.sleep(30.0)


async def good_deploys(rounds: int) -> None:
    async with fleet() as rig:
        await calm(rig)
        for _ in range(rounds):
            for n in range(FLEET):
                rig.push(f"s{n}")
                await asyncio.sleep(7.0)
            await asyncio.sleep(240.0)
        deploys = sum(
            each.status != "canceled" for s in rig.api.world.services.values() for each in s.deploys[2:]
        )
        assert deploys == rounds * FLEET
        assert len(rig.facts(IncidentOpened)) <= deploys // 100
        assert rig.facts(FixStarted) == []
        assert rig.api.beyond_limits() == {}


async def bad_deploys(rounds: int, share: float = 0.0) -> None:
    """Each service gets a bad one at a time of its own; a person thaws it, pushes a mend, and it goes on."""
    async with fleet(seed=rounds, share=share) as rig:
        await calm(rig)
        for turn in range(rounds):
            for n in range(FLEET):
                rig.push(f"s{n}", SYMPTOMS[(n + turn) % len(SYMPTOMS)])
                await asyncio.sleep(61.0)
            await asyncio.sleep(150.0)
            await calm(rig)
            for n in range(FLEET):
                rig.push(f"s{n}", "errors")  # auto-deploy is off: it stays rolled back
            await asyncio.sleep(200.0)
            assert rig.well()
            for n in range(FLEET):
                rig.api.world.service(f"s{n}").auto_deploy = True
            await asyncio.sleep(30.0)
        opened = rig.facts(IncidentOpened)
        first = {cause.incident: cause.best.name for cause in reversed(rig.facts(CauseFound))}
        named = Counter(first[incident.incident] for incident in opened)
        assert len(opened) >= rounds * FLEET
        assert named["bad_deploy"] >= 0.95 * len(opened), named
        assert len(rig.facts(IncidentClosed)) == len(opened)
        assert rig.api.beyond_limits() == {}


async def test_twenty_good_deploys_are_let_alone() -> None:
    await good_deploys(2)


async def test_ten_bad_deploys_are_named_and_rolled_back_and_stay_so_after_the_next_push() -> None:
    await bad_deploys(1)


async def test_bad_deploys_are_healed_though_a_twentieth_of_all_calls_fails() -> None:
    await bad_deploys(1, share=0.05)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_good_deploys_are_let_alone() -> None:
    await good_deploys(20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_hundred_bad_deploys_are_named_and_rolled_back() -> None:
    await bad_deploys(10)


@pytest.mark.parametrize("fault", ["errors", "hang", "down", "stale_cache"])
async def test_faults_are_healed_though_a_twentieth_of_all_calls_fails(fault: str) -> None:
    async with fleet(seed=len(fault), share=0.05) as rig:
        await calm(rig)
        for n in range(3):
            rig.break_(f"s{n}", fault)
        await asyncio.sleep(20.0)
        await calm(rig)
        assert {act.service for act in rig.facts(FixStarted)} == {"s0", "s1", "s2"}
        assert rig.api.beyond_limits() == {}


async def test_while_render_is_away_local_services_are_healed_and_its_own_wait_for_it() -> None:
    api = render_in_memory(WorldPlan(services=[ServicePlan("shop")]))
    async with RenderDaemon(api, CONFIG, local=[service("till")]) as rig:
        await calm(rig)
        rig.wire.down = True
        rig.break_("shop", "errors")
        for _ in range(5):
            leader = rig.world.leader("till")
            assert leader is not None
            rig.world.end(leader, 1, None)
            await asyncio.sleep(120.0)
            assert rig.world.leader("till") is not None
        assert {closed.service for closed in rig.facts(IncidentClosed)} == {"till"}
        assert len(rig.facts(IncidentClosed)) == 5
        rig.wire.down = False
        await calm(rig)
        assert any(closed.service == "shop" for closed in rig.facts(IncidentClosed))
