"""A whole daemon and the stand-in for Render: what breaks is healed, and what is deployed well is let alone."""

import asyncio

import pytest

from agents.events import (
    CauseFound,
    ChangeObserved,
    FixStarted,
    FixVerified,
    FreezeEnded,
    FreezeNoted,
    HealthChanged,
    IncidentOpened,
)
from config.model import Config
from config.on_render import Render, Scale
from tests.fixtures.render_api import RenderApi, ServicePlan, WorldPlan
from tests.fixtures.render_rig import RenderDaemon
from tests.fixtures.render_wire import render_in_memory

CONFIG = Config(render=Render(probe_interval_s=5.0, autonomy="auto"))


def shop(**more: object) -> RenderApi:
    plan = ServicePlan("shop", **{"instances": 2, **more})  # type: ignore[arg-type]
    return render_in_memory(WorldPlan(services=[plan, ServicePlan("mail", type="background_worker")]))


async def settled(rig: RenderDaemon) -> None:
    assert await rig.until(rig.well, 60.0)
    await asyncio.sleep(20.0)


async def test_a_good_deploy_is_let_alone() -> None:
    async with RenderDaemon(shop(), CONFIG) as rig:
        await settled(rig)
        rig.push("shop")
        await asyncio.sleep(400.0)
        assert rig.facts(IncidentOpened) == []
        assert [change.kind for change in rig.facts(ChangeObserved)] == ["deploy"]
        assert rig.api.violations == [] and rig.api.beyond_limits() == {}


@pytest.mark.parametrize("symptom", ["errors", "hang", "crash"])
async def test_a_bad_deploy_is_named_and_rolled_back_and_stays_so_after_the_next_push(symptom: str) -> None:
    async with RenderDaemon(shop(), CONFIG) as rig:
        await settled(rig)
        rig.push("shop", symptom)
        await asyncio.sleep(200.0)
        assert await rig.until(rig.well, 900.0)
        assert rig.facts(CauseFound)[0].best.name == "bad_deploy"
        assert [act.fix for act in rig.facts(FixStarted)] == ["rollback_deploy"]
        assert rig.facts(FixVerified)
        rig.push("shop", symptom)
        await asyncio.sleep(300.0)
        assert rig.well()


async def test_a_rollback_reminds_people_to_turn_auto_deploy_on_until_somebody_has() -> None:
    async with RenderDaemon(shop(), CONFIG) as rig:
        await settled(rig)
        rig.push("shop", "errors")
        await asyncio.sleep(300.0)
        assert [fact.service for fact in rig.facts(FreezeNoted)] == ["shop"]
        assert "frozen shop" in rig.state("notifier").days
        await rig.stop()
        await rig.start()
        await asyncio.sleep(60.0)
        assert rig.facts(FreezeEnded) == []
        rig.api.world.service("shop").auto_deploy = True
        await asyncio.sleep(30.0)
        assert [fact.service for fact in rig.facts(FreezeEnded)] == ["shop"]
        assert "frozen shop" not in rig.state("notifier").days


async def test_what_a_person_suspends_is_let_alone_and_watched_again_when_it_is_resumed() -> None:
    async with RenderDaemon(shop(), CONFIG) as rig:
        await settled(rig)
        rig.break_("shop", "suspended")
        await asyncio.sleep(120.0)
        assert rig.facts(HealthChanged, "shop")[-1].health == "stopped"
        assert rig.facts(FixStarted) == []
        world = rig.api.world
        world.resume(world.service("shop"))
        await asyncio.sleep(300.0)
        assert rig.facts(HealthChanged, "shop")[-1].health == "healthy"
        assert rig.facts(FixStarted) == []


async def test_a_service_that_says_it_is_overloaded_gets_one_more_instance() -> None:
    grows = Render(probe_interval_s=5.0, autonomy="auto", scale=Scale(max_instances=4))
    async with RenderDaemon(shop(instances=1), Config(render=grows)) as rig:
        await settled(rig)
        rig.break_("shop", "overload")
        await asyncio.sleep(30.0)
        assert await rig.until(rig.well, 600.0)
        assert rig.facts(CauseFound)[0].best.name == "traffic_spike"
        assert rig.facts(FixStarted)[-1].fix == "scale_out"
        assert rig.api.world.service("shop").num_instances == 2
