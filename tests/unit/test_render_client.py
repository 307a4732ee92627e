"""Our client of Render's API against the strict stand-in: limits, patience, what is repeated and what is not."""

import asyncio

import pytest

from platforms.render.api import RenderApi as Client
from platforms.render.client import RenderClient
from platforms.render.failures import RenderError, UncertainError
from tests.fixtures.render_api import RenderApi, ServicePlan, Troubles, WorldPlan
from tests.fixtures.render_wire import MemoryWire, loop_wall, render_in_memory


def client(api: RenderApi, key: str = "") -> Client:
    wire = MemoryWire(api, key or api.key)
    return Client(RenderClient(wire, loop_wall, seed=1))


def many(count: int) -> WorldPlan:
    return WorldPlan(services=[ServicePlan(f"s{n}", type="cron_job") for n in range(count)])


async def test_a_list_is_read_to_its_end_over_all_its_pages() -> None:
    api = render_in_memory(many(230))
    found = await client(api).services()
    assert {each.name for each in found} == {f"s{n}" for n in range(230)}
    assert api.by_operation()["GET /services"] == 3


@pytest.mark.parametrize("form", ["epoch", "delta", "retry_after"])
async def test_five_hundred_reads_at_once_stay_below_the_limit_in_each_form_of_the_reset(form: str) -> None:
    api = render_in_memory(many(1), reset_form=form)
    ours = client(api)

    async def read() -> None:
        while True:
            try:
                await ours.services()
            except RenderError as error:
                assert "share of Render's limit" in str(error)
                await asyncio.sleep(5.0)
            else:
                return

    await asyncio.gather(*(read() for _ in range(500)))
    assert api.beyond_limits() == {}
    assert api.buckets.all["reads"].most_asked <= 360


async def test_acts_find_calls_left_when_watching_has_used_up_its_share() -> None:
    api = render_in_memory(many(1))
    ours, service = client(api), next(iter(api.world.services))
    await asyncio.gather(*(ours.services() for _ in range(270)))
    began_at = asyncio.get_running_loop().time()
    await asyncio.gather(*(ours.service(service) for _ in range(80)))
    assert asyncio.get_running_loop().time() - began_at < 1.0
    with pytest.raises(RenderError, match="our share"):
        await ours.services()


async def test_calls_that_another_life_of_ours_has_made_are_heeded() -> None:
    api = render_in_memory(many(1))
    await asyncio.gather(*(client(api).services() for _ in range(200)))
    later = client(api)
    for _ in range(34):
        await asyncio.gather(*(later.services() for _ in range(8)), return_exceptions=True)
    assert api.beyond_limits() == {}


async def test_reads_outlast_calls_that_fail_are_slow_or_refused() -> None:
    api = render_in_memory(many(1), troubles=Troubles(share=0.2, slow_s=2.0))
    ours = client(api)
    for _ in range(200):
        assert len(await ours.services()) == 1
        await asyncio.sleep(1.0)
    assert api.beyond_limits() == {}


@pytest.mark.parametrize("trouble", ["lost", "500", "reset"])
async def test_a_change_that_may_have_been_done_is_not_repeated_blindly(trouble: str) -> None:
    api = render_in_memory(WorldPlan(services=[ServicePlan("shop")]))
    ours, service = client(api), api.world.service("shop").id
    api.troubles = Troubles(outage=trouble)
    with pytest.raises(UncertainError, match="nobody knows whether it was done"):
        await ours.restart(service)
    assert api.by_operation()["POST /services/{serviceId}/restart"] == 1
    with pytest.raises(RenderError):
        await ours.set_auto_deploy(service, on=False)
    assert api.by_operation()["PATCH /services/{serviceId}"] > 1


async def test_a_refused_change_is_told_in_renders_own_words() -> None:
    api = render_in_memory(many(1))
    with pytest.raises(
        RenderError, match=r"Render refused \(400\): a cron_job cannot be restarted \(error req-"
    ):
        await client(api).restart(next(iter(api.world.services)))


async def test_the_key_is_in_no_message() -> None:
    api = render_in_memory(many(1))
    with pytest.raises(RenderError) as refused:
        await client(api, "rnd_secret").services()
    assert refused.value.status == 401
    assert "rnd_secret" not in str(refused.value)


async def test_while_render_is_down_calls_fail_at_once_and_it_is_asked_now_and_then() -> None:
    api = render_in_memory(many(1), troubles=Troubles(outage="503"))
    ours, loop = client(api), asyncio.get_running_loop()
    slowest_s, ends_at = 0.0, loop.time() + 600
    for _ in range(3):
        with pytest.raises(RenderError):
            await ours.services()
    while loop.time() < ends_at:
        began_at = loop.time()
        with pytest.raises(RenderError):
            await ours.services()
        slowest_s = max(slowest_s, loop.time() - began_at)
        await asyncio.sleep(1.0)
    assert slowest_s < 1.0
    assert len(api.calls) < 30
    api.troubles = Troubles()
    await asyncio.sleep(61)
    assert len(await ours.services()) == 1
    assert len(await ours.services()) == 1
