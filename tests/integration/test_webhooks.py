"""POST /webhooks/... on real sockets: who is believed, what is refused, what goes on."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp
import pytest

from dashboard.view import Alert, CommandRefusedError, Desk, OverloadedError
from dashboard.webhooks import AT_ONCE, MAX_BODY
from tests.fixtures.dashboard_view import FixtureAlerts, FixtureCommands
from tests.fixtures.dashboard_world import small_world
from tests.integration.test_dashboard_http import client, post

KEY = b"a key of the tests, long enough"
MANAGER, RENDER = "/webhooks/alertmanager", "/webhooks/render"
BEARER = {"Authorization": "Bearer manager"}
FAILED = {
    "type": "server_failed",
    "timestamp": "2026-05-01T10:00:00Z",
    "data": {"id": "evt-1", "serviceId": "srv-1", "serviceName": "shop"},
}


def desk(**more: Any) -> tuple[Desk, FixtureAlerts]:
    secrets = {"alertmanager_secret": "manager", "render_secret": "whsec_" + base64.b64encode(KEY).decode()}
    alerts = FixtureAlerts()
    return Desk(small_world(), FixtureCommands(), alerts, **{"token": "token", **secrets, **more}), alerts


def signed(body: bytes, message: str = "msg_1", at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(KEY, message.encode() + b"." + stamp.encode() + b"." + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(mac.digest()).decode()
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": signature}


def group(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "receiver": "n", "alerts": list(alerts)}


def alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status, "labels": {"alertname": "Down", **labels}, "annotations": {"description": "it is down"},
        "startsAt": "2026-05-01T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f",
    }  # fmt: skip


async def test_a_group_of_alerts_becomes_one_piece_of_news_each() -> None:
    holder, came = desk()
    sent = group(
        alert(service="shop", job="j", instance="h:1"),
        alert("resolved", service="shop", job="j", instance="h:1"),
        alert(job="till"),
        alert(service="shop", severity="info"),
    )
    async with client(holder) as session:
        answer = await post(session, MANAGER, 200, json=sent, headers=BEARER)
    assert answer == {"received": 3, "news": 3, "durable": True}
    fires, over, other = came.came
    assert fires.names == ("shop", "j", "h:1")
    assert (fires.key, fires.firing, over.firing) == (over.key, True, False)
    assert other.key != fires.key
    assert (fires.name, fires.summary, fires.source) == ("Down", "it is down", "alertmanager")


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (BEARER, 200),
        (basic("manager"), 200),
        (basic("token"), 401),
        ({"Authorization": "Bearer token"}, 401),
        ({"Authorization": "Basic !"}, 401),
        ({"Authorization": "Basic /w=="}, 401),
        ({"Authorization": "Digest manager"}, 401),
        ({}, 401),
    ],
)
async def test_alertmanager_authorizes_itself(headers: dict[str, str], status: int) -> None:
    holder, came = desk()
    async with client(holder) as session:
        await post(session, MANAGER, status, json=group(alert(service="shop")), headers=headers)
    assert bool(came.came) == (status == 200)


async def test_the_token_is_enough_where_alertmanager_has_no_secret_of_its_own() -> None:
    holder, _ = desk(alertmanager_secret="")
    async with client(holder) as session:
        await post(session, MANAGER, 200, json=group(), headers={"Authorization": "Bearer token"})


async def test_without_secrets_nobody_is_believed() -> None:
    holder, came = desk(alertmanager_secret="", token="", render_secret="")
    async with client(holder) as session:
        for path in (MANAGER, RENDER):
            answer = await post(session, path, 403, json=group(alert()), headers={"Authorization": "Bearer "})
            assert "_SECRET" in answer["error"]["message"]
    assert came.came == []


async def test_a_signed_event_of_render_becomes_news() -> None:
    holder, came = desk()
    body = json.dumps(FAILED).encode()
    over = json.dumps(FAILED | {"type": "server_available"}).encode()
    started = json.dumps(FAILED | {"type": "deploy_started"}).encode()
    async with client(holder) as session:
        for n, each in enumerate((body, over, started)):
            await post(session, RENDER, 200, data=each, headers=signed(each, f"m{n}"))
    fires, ends, rest = came.came
    assert fires.names == ("srv-1", "shop")
    assert (fires.firing, ends.firing, fires.key) == (True, False, ends.key)
    assert (fires.delivery, ends.delivery, rest.key) == ("m0", "m1", "")


async def test_what_is_wrongly_signed_or_old_is_not_even_read() -> None:
    holder, came = desk()
    body = json.dumps(FAILED).encode()
    async with client(holder) as session:
        for headers in (
            {},
            signed(body) | {"webhook-id": "msg_2"},
            signed(body + b" "),
            signed(body, at=time.time() - 310),
            {"Authorization": "Bearer token"},
        ):
            assert (await post(session, RENDER, 401, data=body, headers=headers))["error"][
                "code"
            ] == "unauthorized"
        await post(session, RENDER, 401, data=b"\xff{", headers=signed(b"x"))
    assert came.came == []


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"alerts": 5}', b'{"alerts": [{}]}', b"[" * 50_000])
async def test_a_body_that_is_none_is_refused_with_a_reason(body: bytes) -> None:
    holder, came = desk()
    async with client(holder) as session:
        assert (await post(session, MANAGER, 400, data=body, headers=BEARER))["error"]["code"] == "bad_body"
        await post(session, RENDER, 400, data=body, headers=signed(body))
    assert came.came == []


async def test_a_large_group_is_read_and_one_that_is_too_large_is_not() -> None:
    holder, came = desk()
    many = group(*[alert(service="shop", pod=f"pod-{n}") for n in range(1000)])
    async with client(holder) as session:
        await post(session, MANAGER, 200, json=many, headers=BEARER)
        await post(session, MANAGER, 413, data=b" " * (MAX_BODY + 1), headers=BEARER)
    assert len({one.key for one in came.came}) == 1000


@pytest.mark.parametrize(
    ("failure", "status"), [(OverloadedError("full"), 429), (CommandRefusedError("disk"), 503)]
)
async def test_whoever_cannot_be_heard_now_is_told_to_send_it_again(failure: Exception, status: int) -> None:
    holder, came = desk()
    came.failure = failure
    async with client(holder) as session, session.post(MANAGER, json=group(), headers=BEARER) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (status, "5")


async def test_only_a_few_are_read_at_once() -> None:
    holder, came = desk()
    go = asyncio.Event()

    class Slow:
        async def receive(self, alerts: Any) -> int:
            await go.wait()
            return await came.receive(alerts)

    holder.alerts = Slow()

    async def ask(session: aiohttp.ClientSession) -> int:
        async with session.post(MANAGER, json=group(alert()), headers=BEARER) as answer:
            if answer.status == 429:
                go.set()
            return answer.status

    async with client(holder) as session:
        statuses = await asyncio.gather(*(ask(session) for _ in range(AT_ONCE + 1)))
    assert sorted(statuses) == [200] * AT_ONCE + [429]
    assert [one.name for one in came.came] == ["Down"] * AT_ONCE


async def test_before_the_agents_are_restored_senders_have_to_come_again() -> None:
    holder, _ = desk()
    holder.alerts = None
    async with client(holder) as session:
        await post(session, MANAGER, 503, json=group(), headers=BEARER)


def test_news_hold_no_more_than_they_may() -> None:
    from dashboard.alerts import Group, ManagerAlert, of_group

    long = ManagerAlert("firing", {"alertname": "a" * 999, "job": "j" * 999}, {"summary": "s" * 9999})
    [one] = of_group(Group([long]))
    assert isinstance(one, Alert)
    assert (len(one.name), len(one.summary), len(one.names[0])) == (200, 500, 200)
