"""The stand-in for Render: webhooks that are really sent, signed, tried again, and given up."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.fixtures.render_api import OWNER, RenderApi, ServicePlan, WorldPlan, build_world
from tests.fixtures.render_api.asking import Stage
from tests.fixtures.render_api.calling import SOON_S, Calling, calling
from tests.fixtures.render_api.world.hooks import RETRIES, sign

VECTOR = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "1614265330",
    b'{"test": 2432232314}',
)
WEBHOOK = {
    "ownerId": OWNER,
    "name": "watch",
    "url": "http://127.0.0.1:9",
    "enabled": True,
    "eventFilter": ["server_failed"],
}


@pytest.fixture
async def caller() -> AsyncIterator[Calling]:
    async with calling(RenderApi(build_world(WorldPlan([ServicePlan("shop")]), speed=400))) as caller:
        yield caller


class Receiver:
    """Answers with the statuses it is given, the last one for ever, and keeps what came."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.arrived = asyncio.Event()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append((headers, await request.read()))
        self.arrived.set()
        return web.Response(status=self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(SOON_S):
            while len(self.came) < count:
                self.arrived.clear()
                await self.arrived.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


async def made(caller: Calling, receiver: Receiver) -> dict[str, Any]:
    return dict((await caller.ask("POST", "/webhooks", WEBHOOK | {"url": receiver.url})).body)


async def test_a_webhook_is_thin_signed_and_names_an_event_that_can_be_fetched(
    caller: Calling, receiver: Receiver
) -> None:
    webhook = await made(caller, receiver)
    await caller.control("break", service="shop", fault="crash")
    await receiver.wait_for(1)
    headers, body = receiver.came[0]
    thin = json.loads(body)
    assert (thin["type"], set(thin), set(thin["data"])) == (
        "server_failed", {"type", "timestamp", "data"}, {"id", "serviceId"},
    )  # fmt: skip
    signed = sign(webhook["secret"], headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["webhook-signature"] == signed
    event = (await caller.ask("GET", f"/events/{thin['data']['id']}")).body
    assert event["details"]["reason"]["nonZeroExit"] == 1


async def test_a_webhook_that_is_not_taken_comes_again_under_the_same_id(
    caller: Calling, receiver: Receiver
) -> None:
    receiver.statuses = [500, 200]
    webhook = await made(caller, receiver)
    await caller.control("break", service="shop", fault="crash")
    await receiver.wait_for(2)
    first, second = (headers["webhook-id"] for headers, _ in receiver.came)
    assert first == second
    sent = (await caller.ask("GET", f"/webhooks/{webhook['id']}/events")).body
    assert {item["webhookEvent"]["eventType"] for item in sent} == {"server_failed"}


async def test_a_receiver_that_is_gone_is_noted_with_the_error(caller: Calling) -> None:
    webhook = (await caller.ask("POST", "/webhooks", WEBHOOK)).body
    await caller.control("break", service="shop", fault="crash")
    async with asyncio.timeout(SOON_S):
        sent: list[Any] = []
        while not sent:
            await asyncio.sleep(0.02)
            sent = (await caller.ask("GET", f"/webhooks/{webhook['id']}/events")).body
    assert "Cannot connect" in sent[0]["webhookEvent"]["error"]


# --- in memory ---


def test_the_signature_is_the_published_one() -> None:
    """The vector that the libraries of Standard Webhooks share."""
    assert sign(*VECTOR) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(*VECTOR[:3], VECTOR[3] + b" ") != sign(*VECTOR)


def test_after_eight_failures_over_more_than_a_day_a_webhook_is_turned_off() -> None:
    stage = Stage()
    path = f"/webhooks/{stage.post('/webhooks', WEBHOOK)['id']}"
    stage.break_("search", "crash")
    started_at, tries = stage.clock(), 0
    while stage.get(path)["enabled"] and tries < 10:
        stage.later(5)
        for delivery in stage.world.hooks.take():
            stage.world.hooks.report(delivery, 500, "no")
            tries += 1
        stage.later(600)
    assert tries == len(RETRIES) + 1 == 8
    assert 30 < (stage.clock() - started_at) / 3600 < 36
    assert stage.api.violations == []


@pytest.mark.parametrize(("wanted", "count"), [([], 1), (["server_failed"], 1), (["deploy_ended"], 0)])
def test_a_webhook_gets_what_its_filter_names_and_an_empty_one_all(wanted: list[str], count: int) -> None:
    stage = Stage()
    stage.post("/webhooks", WEBHOOK | {"eventFilter": wanted})
    stage.post("/webhooks", WEBHOOK | {"enabled": False})
    stage.break_("search", "crash")
    stage.later(2)
    assert len(stage.world.hooks.take()) == count


def test_who_added_a_suspension_is_listed_but_not_sent() -> None:
    stage = Stage()
    stage.post("/webhooks", WEBHOOK | {"eventFilter": []})
    stage.post(stage.path("search", "/suspend"))
    stage.later(5)
    assert [delivery.event.type for delivery in stage.world.hooks.take()] == ["service_suspended"]
    assert set(stage.event_types("search")) == {"service_suspended", "suspender_added"}


def test_a_webhook_that_is_removed_gets_no_second_try() -> None:
    stage = Stage()
    path = f"/webhooks/{stage.post('/webhooks', WEBHOOK)['id']}"
    stage.break_("search", "crash")
    stage.later(2)
    [first] = stage.world.hooks.take()
    stage.world.hooks.report(first, 500)
    stage.ask("DELETE", path)
    stage.later(400)
    assert stage.world.hooks.take() == []
