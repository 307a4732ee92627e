"""The fault proxy between a real client and a real server: what toxiproxy documents of each toxic holds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession

from platforms.chaos.proxy import serve
from scripts.demo import free_ports


@dataclass
class Rig:
    api: str
    port: int
    upstream: int
    session: ClientSession

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.request(method, self.api + path, json=body) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def toxic(self, kind: str, stream: str = "downstream", **attributes: int) -> None:
        body = {"type": kind, "stream": stream, "attributes": attributes}
        assert (await self.call("POST", "/proxies/echo/toxics", body))[0] == 200

    async def untoxic(self, name: str) -> None:
        assert (await self.call("DELETE", f"/proxies/echo/toxics/{name}"))[0] == 204

    @asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        yield reader, writer
        writer.close()

    async def echo_s(self, data: bytes = b"hello") -> float:
        """How long it takes until all of it is back."""
        async with self.client() as (reader, writer):
            began = time.perf_counter()
            writer.write(data)
            assert await asyncio.wait_for(reader.readexactly(len(data)), 5) == data
            return time.perf_counter() - began


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    api, port = free_ports(2)
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    upstream = server.sockets[0].getsockname()[1]
    runner = await serve(f"127.0.0.1:{api}", [("echo", f"127.0.0.1:{port}", f"127.0.0.1:{upstream}")])
    async with ClientSession() as session:
        yield Rig(f"http://127.0.0.1:{api}", port, upstream, session)
    await runner.cleanup()
    server.close()


async def test_without_a_toxic_everything_passes_quickly(rig: Rig) -> None:
    assert await rig.echo_s(b"x" * 1_000_000) < 1.0


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_latency_delays_one_direction(rig: Rig, stream: str) -> None:
    await rig.toxic("latency", stream, latency=150, jitter=20)
    assert 0.125 <= await rig.echo_s() < 0.4
    await rig.untoxic(f"latency_{stream}")
    assert await rig.echo_s() < 0.1


async def test_two_latencies_in_both_directions_add_up(rig: Rig) -> None:
    await rig.toxic("latency", "upstream", latency=100)
    await rig.toxic("latency", "downstream", latency=100)
    assert 0.2 <= await rig.echo_s() < 0.5


async def test_what_waits_goes_on_as_soon_as_the_toxic_is_removed(rig: Rig) -> None:
    await rig.toxic("latency", latency=20_000)
    async with rig.client() as (reader, writer):
        writer.write(b"x")
        await asyncio.sleep(0.1)
        await rig.untoxic("latency_downstream")
        assert await asyncio.wait_for(reader.read(1), 1) == b"x"


async def test_bandwidth_limits_kilobytes_per_second(rig: Rig) -> None:
    await rig.toxic("bandwidth", rate=100)
    assert 0.28 <= await rig.echo_s(b"x" * 30_000) < 0.8


async def test_slow_close_delays_the_end_alone(rig: Rig) -> None:
    await rig.toxic("slow_close", delay=200)
    async with rig.client() as (reader, writer):
        began = time.perf_counter()
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        assert time.perf_counter() - began < 0.1
        writer.write_eof()
        assert await reader.read() == b""
        assert 0.19 <= time.perf_counter() - began < 0.6


async def test_timeout_lets_nothing_through_and_closes_after_its_time(rig: Rig) -> None:
    await rig.toxic("timeout", timeout=200)
    async with rig.client() as (reader, writer):
        began = time.perf_counter()
        writer.write(b"x")
        assert await asyncio.wait_for(reader.read(), 2) == b""
        assert 0.19 <= time.perf_counter() - began < 0.6


async def test_timeout_without_a_time_holds_until_it_is_removed_and_closes_then(rig: Rig) -> None:
    await rig.toxic("timeout", timeout=0)
    async with rig.client() as (reader, writer):
        writer.write(b"x")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.2)
        await rig.untoxic("timeout_downstream")
        assert await asyncio.wait_for(reader.read(), 1) == b""


async def test_reset_peer_resets_the_connection(rig: Rig) -> None:
    await rig.toxic("reset_peer", timeout=100)
    async with rig.client() as (reader, writer):
        began = time.perf_counter()
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 2)
        assert 0.09 <= time.perf_counter() - began < 0.5


async def test_slicer_cuts_into_small_pieces_with_pauses(rig: Rig) -> None:
    await rig.toxic("slicer", average_size=100, size_variation=50, delay=10_000)
    assert 0.05 <= await rig.echo_s(b"x" * 1000) < 1.0


async def test_limit_data_passes_so_many_bytes_and_closes(rig: Rig) -> None:
    await rig.toxic("limit_data", bytes=100)
    async with rig.client() as (reader, writer):
        writer.write(b"x" * 60)
        assert await reader.readexactly(60) == b"x" * 60
        writer.write(b"x" * 60)
        assert await asyncio.wait_for(reader.read(), 1) == b"x" * 40


async def test_a_toxic_without_toxicity_touches_no_connection(rig: Rig) -> None:
    body = {"type": "timeout", "toxicity": 0.0}
    assert (await rig.call("POST", "/proxies/echo/toxics", body))[0] == 200
    assert await rig.echo_s() < 0.2


async def test_a_toxic_goes_by_itself_when_its_time_is_over(rig: Rig) -> None:
    body = {"type": "latency", "attributes": {"latency": 5000}, "expires_s": 0.2}
    await rig.call("POST", "/proxies/echo/toxics", body)
    assert 0.05 <= await rig.echo_s() < 1.0
    assert (await rig.call("GET", "/proxies/echo/toxics"))[1] == []


async def test_a_proxy_that_is_down_refuses_and_comes_back(rig: Rig) -> None:
    async with rig.client() as (reader, _):
        assert (await rig.call("POST", "/proxies/echo", {"enabled": False}))[1]["enabled"] is False
        assert await asyncio.wait_for(reader.read(), 1) == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", rig.port)
    assert (await rig.call("POST", "/reset"))[0] == 204
    assert await rig.echo_s() < 0.5


async def test_the_api_answers_as_toxiproxy_does(rig: Rig) -> None:
    status, made = await rig.call(
        "POST", "/proxies/echo/toxics", {"type": "latency", "attributes": {"latency": 5}}
    )
    assert (status, made) == (
        200,
        {"name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1.0,
         "attributes": {"latency": 5, "jitter": 0}},
    )  # fmt: skip
    changed = {"attributes": {"jitter": 2}}
    assert (await rig.call("POST", "/proxies/echo/toxics/latency_downstream", changed))[1]["attributes"] == {
        "latency": 5,
        "jitter": 2,
    }
    assert (await rig.call("POST", "/proxies/echo/toxics", {"type": "latency"}))[0] == 409
    assert (await rig.call("POST", "/proxies/echo/toxics", {"type": "melt"}))[0] == 400
    assert (await rig.call("POST", "/proxies/echo/toxics", {"type": "slicer", "attributes": {"rate": 1}}))[
        0
    ] == 400
    assert (await rig.call("POST", "/proxies/none/toxics", {"type": "latency"}))[0] == 404
    assert (await rig.call("DELETE", "/proxies/echo/toxics/none"))[0] == 404
    new = {"name": "b", "upstream": f"127.0.0.1:{rig.upstream}"}
    assert (await rig.call("POST", "/proxies", new))[0] == 201
    assert (await rig.call("POST", "/proxies", new))[0] == 409
    assert set((await rig.call("GET", "/proxies"))[1]) == {"echo", "b"}
    assert (await rig.call("DELETE", "/proxies/b"))[0] == 204
    assert (await rig.call("GET", "/version"))[0] == 200
