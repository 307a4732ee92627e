"""The stand-in for Render on real sockets: services that answer on addresses of their own, controls, cut connections."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientError

from tests.fixtures.render_api import (
    OWNER,
    RenderApi,
    ServicePlan,
    StorePlan,
    Troubles,
    WorldPlan,
    build_world,
)
from tests.fixtures.render_api.calling import SOON_S, Calling, calling

PLAN = WorldPlan(
    [ServicePlan("shop", depends_on=("db",)), ServicePlan("inner", type="private_service")], [StorePlan("db")]
)
SPEED = 400.0  # a whole deploy takes a third of a second


@pytest.fixture
async def caller() -> AsyncIterator[Calling]:
    async with calling(RenderApi(build_world(PLAN, speed=SPEED))) as caller:
        yield caller


@pytest.mark.parametrize(
    ("fault", "status", "mend", "body"),
    [
        ("errors", 500, "/restart", None),
        ("hang", 0, "/restart", None),
        ("down", 502, "/restart", None),
        ("zero", 502, "/scale", {"numInstances": 1}),
        ("suspended", 503, "/resume", None),
        ("stale_cache", 500, "/deploys", {"clearCache": "clear"}),
    ],
)
async def test_a_broken_service_shows_on_its_own_address_until_it_is_mended(
    caller: Calling, fault: str, status: int, mend: str, body: Any
) -> None:
    assert await caller.probe() == 200
    assert (await caller.control("break", service="shop", fault=fault)).body == {}
    assert await caller.probe() == status
    assert (await caller.ask("POST", caller.path("shop", mend), body)).status in (200, 201, 202)
    await caller.until(200)


async def test_the_address_is_the_one_that_the_api_tells(caller: Calling) -> None:
    told = (await caller.ask("GET", caller.path("shop"))).body["serviceDetails"]["url"]
    async with caller.http.get(f"{told}/health") as reply:
        assert await reply.json() == {"service": "shop", "status": "ok"}


async def test_a_private_service_without_instances_cuts_the_connection(caller: Calling) -> None:
    assert await caller.probe("inner") == 200
    await caller.control("break", service="inner", fault="down")
    assert await caller.probe("inner") == 0


async def test_real_requests_are_in_the_logs(caller: Calling) -> None:
    await caller.control("break", service="shop", fault="errors")
    await caller.probe()
    resource = caller.render.api.world.service("shop").id
    found = await caller.ask("GET", "/logs", ownerId=OWNER, resource=resource, statusCode="500")
    assert [line["message"] for line in found.body["logs"]] == ["GET / 500"]


# --- controls ---


async def test_a_bad_push_is_seen_in_the_state_of_the_world_and_so_is_its_end(caller: Calling) -> None:
    assert (await caller.control("push", service="shop", release="bad")).status == 200
    await caller.until(500)
    shop = (await caller.control("world")).body["services"][0]
    assert (shop["healthy"], shop["why"], shop["deploys"][-1]["symptom"]) == (False, "answers 500", "errors")
    await caller.control("push", service="shop", release="good")
    await caller.until(200)
    shop = (await caller.control("world")).body["services"][0]
    assert [entry["why"] for entry in shop["history"]] == ["", "answers 500", ""]


async def test_calls_are_counted_by_operation_and_bucket(caller: Calling) -> None:
    replies = [await caller.ask("POST", caller.path("shop", "/resume")) for _ in range(11)]
    assert (replies[-1].status, replies[-1].headers["Ratelimit-Remaining"]) == (429, "0")
    calls = (await caller.control("calls")).body
    assert calls["by_operation"] == {"POST /services/{serviceId}/resume": 11}
    assert list(calls["buckets"].values()) == [{"limit": 10, "most_in_60_s": 11, "refused": 1}]
    assert (calls["violations"], len(calls["calls"])) == ([], 11)


async def test_stores_break_and_services_are_loaded_and_healed(caller: Calling) -> None:
    await caller.control("break", service="db", fault="down")
    assert await caller.probe() == 500
    store = caller.render.api.world.store("db").id
    assert (await caller.ask("POST", f"/postgres/{store}/restart")).status == 202
    await caller.until(200)
    await caller.control("load", service="shop", rps=1000)
    assert (await caller.control("world")).body["services"][0]["why"].startswith("overloaded")
    await caller.control("heal", service="shop")
    assert await caller.probe() == 200


async def test_services_are_added_and_removed_while_it_runs(caller: Calling) -> None:
    assert (await caller.control("add", name="till", instances=2)).status == 200
    assert (await caller.control("add", name="till")).status == 400
    await caller.until(200, "till")
    assert len((await caller.ask("GET", caller.path("till", "/instances"))).body) == 2
    path, address = caller.path("till"), caller.render.api.world.service("till").url
    await caller.control("remove", service="till")
    assert (await caller.ask("GET", path)).status == 404
    with pytest.raises(ClientError):
        async with asyncio.timeout(SOON_S):
            while True:  # its server closes within a moment
                async with caller.http.get(address):
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("verb", "body"),
    [("break", {"service": "shop", "fault": "sulk"}), ("break", {"service": "nobody", "fault": "hang"}),
     ("break", {"service": "shop"}), ("push", {"service": "shop", "releases": "good"}), ("api", {"share": 2})],
)  # fmt: skip
async def test_controls_say_what_they_cannot_do(caller: Calling, verb: str, body: dict[str, Any]) -> None:
    found = await caller.control(verb, **body)
    assert (found.status, set(found.body)) == (400, {"error"})


async def test_controls_are_not_under_the_api(caller: Calling) -> None:
    assert (await caller.ask("GET", "/control/world")).status == 404


async def test_a_slow_call_really_takes_its_time(caller: Calling) -> None:
    await caller.control("api", outage="slow", slow_s=0.2)
    asked_at = time.monotonic()
    assert (await caller.ask("GET", caller.path("shop"))).status == 200
    assert time.monotonic() - asked_at >= 0.2


@pytest.mark.parametrize("outage", ["reset", "lost"])
async def test_troubles_of_the_api_cut_real_connections(caller: Calling, outage: str) -> None:
    assert (await caller.control("api", outage=outage)).status == 200
    with pytest.raises(ClientError):
        await caller.ask("GET", caller.path("shop"))
    await caller.control("api", share=0.0)
    assert (await caller.ask("GET", caller.path("shop"))).status == 200
    assert caller.render.api.troubles == Troubles()
