"""The HTTP surface on a real loop and real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from dashboard.observability import serve
from dashboard.view import Desk
from tests.fixtures.dashboard_view import FixtureCommands, FixtureView
from tests.fixtures.dashboard_world import small_world

TOKEN = "correct horse"
LISTS = ("agents", "services", "predictions", "anomalies", "incidents", "metrics", "traces")
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def client(desk: Desk) -> AsyncIterator[aiohttp.ClientSession]:
    runner, port = await serve(desk, "127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session
    finally:
        await runner.cleanup()


def full_desk(token: str = TOKEN) -> Desk:
    return Desk(view=small_world(), commands=FixtureCommands(), token=token)


async def get(session: aiohttp.ClientSession, path: str, status: int = 200) -> Any:
    async with session.get(path) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def post(session: aiohttp.ClientSession, path: str, status: int, **more: Any) -> Any:
    async with session.post(path, **more) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def test_before_agents_are_restored_only_liveness_answers() -> None:
    desk = Desk()
    async with client(desk) as session:
        assert await get(session, "/health") == {"status": "ok"}
        for path in (
            "/ready",
            "/observability/summary",
            "/observability/stream",
            *[f"/observability/{n}" for n in LISTS],
        ):
            assert (await get(session, path, 503))["error"]["code"] == "starting"
        assert (await get(session, "/observability/agents?limit=0", 400))["error"]["parameter"] == "limit"
        desk.view = FixtureView(ready=False)
        await get(session, "/observability/services")
        await get(session, "/ready", 503)
        desk.view.ready = True
        assert await get(session, "/ready") == {"status": "ready"}


async def test_every_list_answers_items_and_next() -> None:
    async with client(full_desk()) as session:
        for name in LISTS:
            answer = await get(session, f"/observability/{name}")
            assert answer["items"], name
            assert set(answer) == {"items", "next"}


async def test_pages_follow_one_another_while_new_incidents_arrive() -> None:
    desk = full_desk()
    assert isinstance(desk.view, FixtureView)
    all_ids = [story.id for story in desk.view.stories]
    seen: list[str] = []
    cursor = ""
    async with client(desk) as session:
        while True:
            answer = await get(session, f"/observability/incidents?limit=100{cursor}")
            seen += [i["id"] for i in answer["items"]]
            desk.view.stories.insert(0, replace(desk.view.stories[0], id=f"new{len(seen)}"))
            if answer["next"] is None:
                break
            cursor = f"&cursor={answer['next']}"
    assert seen == all_ids


async def test_a_cursor_holds_when_its_incident_changes_its_status() -> None:
    desk = full_desk()
    assert isinstance(desk.view, FixtureView)
    async with client(desk) as session:
        first = await get(session, "/observability/incidents?limit=2&status=closed")
        last = first["items"][-1]["id"]
        desk.view.stories = [replace(s, status="withdrawn") if s.id == last else s for s in desk.view.stories]
        second = await get(session, f"/observability/incidents?limit=2&status=closed&cursor={first['next']}")
    assert [i["id"] for i in second["items"]] == ["i003", "i004"]


async def test_filters_choose_by_status_and_service() -> None:
    async with client(full_desk()) as session:
        [only] = (await get(session, "/observability/incidents?status=recovering"))["items"]
        assert only["id"] == "i000"
        assert (await get(session, "/observability/incidents?service=nobody"))["items"] == []
        stopped = await get(session, "/observability/services?status=stopped")
        assert [s["name"] for s in stopped["items"]] == ["mailer"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=%D9%A5", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=", "cursor"),
        ("status=fine", "status"),
        ("service=", "service"),
        ("limt=3", "limt"),
    ],
)
async def test_a_bad_parameter_is_named(query: str, name: str) -> None:
    async with client(full_desk()) as session:
        error = (await get(session, f"/observability/incidents?{query}", 400))["error"]
    assert error["parameter"] == name


async def test_one_incident_by_its_id() -> None:
    async with client(full_desk()) as session:
        assert (await get(session, "/observability/incidents/i007"))["id"] == "i007"
        assert (await get(session, "/observability/incidents/none", 404))["error"][
            "code"
        ] == "unknown_incident"


async def test_unknown_addresses_and_methods_are_refused_in_json() -> None:
    async with client(full_desk()) as session:
        assert (await get(session, "/nothing", 404))["error"]["code"] == "not_found"
        async with session.post("/health") as response:
            assert response.status == 405
            assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD"}
            assert (await response.json())["error"]["code"] == "method_not_allowed"


async def test_without_a_configured_token_commands_are_refused() -> None:
    desk = full_desk(token="")
    async with client(desk) as session:
        for headers in ({}, {"Authorization": "Bearer "}):
            answer = await post(session, "/api/pause", 403, headers=headers)
            assert "NIGHTWARDEN_TOKEN" in answer["error"]["message"]
    assert isinstance(desk.commands, FixtureCommands)
    assert desk.commands.told == []


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"])
async def test_a_wrong_bearer_is_refused(given: str) -> None:
    desk = full_desk()
    async with client(desk) as session:
        await post(session, "/api/services/shop/stop", 401, headers={"Authorization": given})
    assert isinstance(desk.commands, FixtureCommands)
    assert desk.commands.told == []


async def test_commands_reach_the_daemon_with_the_right_token() -> None:
    desk = full_desk()
    async with client(desk) as session:
        answer = await post(session, "/api/services/shop/stop", 200, headers=BEARER)
        assert answer == {"command": "stop", "service": "shop", "durable": True}
        await post(session, "/api/services/shop/start", 200, headers=BEARER)
        await post(session, "/api/pause", 200, headers=BEARER)
        await post(session, "/api/resume", 200, headers=BEARER)
        for _ in range(20):  # one after the other there may be any number
            await post(session, "/api/pause", 200, headers=BEARER)
        await post(session, "/api/services/nobody/stop", 404, headers=BEARER)
        await post(session, "/api/services/worker/stop", 409, headers=BEARER)
    assert isinstance(desk.commands, FixtureCommands)
    assert [told[:2] for told in desk.commands.told[:4]] == [
        ("stop", "shop"),
        ("start", "shop"),
        ("pause", ""),
        ("resume", ""),
    ]


async def test_too_large_a_body_is_refused() -> None:
    async with client(full_desk()) as session:
        await post(session, "/api/pause", 413, headers=BEARER, data=b"x" * 100_000)


async def test_too_many_commands_at_once_are_told_to_wait() -> None:
    class Slow(FixtureCommands):
        gate = asyncio.Event()

        async def pause(self, by: str) -> None:
            await self.gate.wait()

    commands = Slow()
    async with client(Desk(view=small_world(), commands=commands, token=TOKEN)) as session:
        waiting = [asyncio.ensure_future(session.post("/api/pause", headers=BEARER)) for _ in range(20)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        commands.gate.set()
        statuses = sorted([(await answer).status for answer in waiting])
    assert statuses == [200] * 8 + [429] * 12
    assert done


async def test_every_answer_carries_careful_headers_and_invites_no_other_site() -> None:
    async with client(full_desk()) as session:
        for path in ("/", "/page.js", "/page.css", "/icon.svg", "/health", "/nothing", "/metrics"):
            async with session.get(path, headers={"Origin": "http://evil.example"}) as response:
                assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert not [name for name in response.headers if name.startswith("Access-Control")]


async def events(response: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async for line in response.content:
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
            if len(found) == count:
                break
    return found


def item(number: int) -> dict[str, Any]:
    return {"id": f"e{number}", "type": "HealthChanged", "text": f"line\nbreak {number}"}


async def read_stream(
    desk: Desk, headers: dict[str, str], act: Callable[[], Awaitable[None]], count: int
) -> list[dict[str, Any]]:
    async with (
        client(desk) as session,
        session.get("/observability/stream?backlog=2", headers=headers) as response,
    ):
        assert response.content_type == "text/event-stream"
        await act()
        return await events(response, count)


async def test_the_stream_gives_the_last_facts_then_new_ones() -> None:
    desk = full_desk()
    assert isinstance(desk.view, FixtureView)
    stream = desk.view.stream
    for number in range(5):
        stream.publish(item(number))

    async def later() -> None:
        stream.publish(item(5))

    assert [e["id"] for e in await read_stream(desk, {}, later, 3)] == ["e3", "e4", "e5"]
    again = await read_stream(desk, {"Last-Event-ID": "e1"}, later, 5)
    assert [e["id"] for e in again] == ["e2", "e3", "e4", "e5", "e5"]
    assert again[0]["text"] == "line\nbreak 2"


async def test_a_reader_that_does_not_read_is_told_of_the_gap_and_slows_nobody() -> None:
    desk = full_desk()
    assert isinstance(desk.view, FixtureView)
    stream = desk.view.stream
    big = "x" * 20_000
    async with client(desk) as session, session.get("/observability/stream") as response:
        assert stream.readers == 1  # subscribed before the first byte of the answer
        for number in range(3000):
            stream.publish({**item(number), "text": big})
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert stream.readers == 0
        assert stream.dropped_readers == 1
        found = await events(response, 10_000)
    assert found[-1]["type"] == "gap"
    assert found[-1]["missed"] > 200


async def test_only_so_many_may_read_the_stream_at_once_and_whoever_leaves_makes_room() -> None:
    desk = full_desk()
    assert isinstance(desk.view, FixtureView)
    async with client(desk) as session:
        open_streams = [await session.get("/observability/stream") for _ in range(64)]
        await get(session, "/observability/stream", 429)
        open_streams[0].close()
        async with asyncio.timeout(5):
            while (answer := await session.get("/observability/stream")).status == 429:
                desk.view.stream.publish(item(1))  # writing is how the server learns that the reader left
                await asyncio.sleep(0.01)
        assert answer.status == 200


async def test_shutdown_ends_the_streams() -> None:
    desk = full_desk()
    runner, port = await serve(desk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{port}/observability/stream"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        started = asyncio.get_running_loop().time()
        await runner.cleanup()
        await response.content.read()  # ends without an error
        assert asyncio.get_running_loop().time() - started < 1.0


async def test_a_port_in_use_is_an_error() -> None:
    runner, port = await serve(Desk(), "127.0.0.1", 0)
    try:
        with pytest.raises(OSError, match="address already in use"):
            await serve(Desk(), "127.0.0.1", port)
    finally:
        await runner.cleanup()


async def test_the_page_and_what_it_needs_are_served() -> None:
    async with client(full_desk()) as session, session.get("/") as response:
        text = await response.text()
        assert response.content_type == "text/html"
        assert "page.js" in text
        assert "http://" not in text
        assert "https://" not in text
