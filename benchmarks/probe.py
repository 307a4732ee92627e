"""What asking a service over HTTP costs us: our own GET beside aiohttp's client, one fresh connection for each question."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from benchmarks.measure import ask, free_ports, median, p95, until
from benchmarks.report import Goal, Table
from benchmarks.stage import child, stopping
from config.model import HttpProbe, ProcessPlatform, Service
from platforms.probes import Probes

GROUP = 50
Group = Callable[[], Awaitable[None]]


def run(*, quick: bool) -> list[Table]:
    rounds = 10 if quick else 60
    port = free_ports(1)[0]
    with (
        tempfile.TemporaryDirectory(prefix="bench-probe-") as name,
        stopping(child(port), Path(name) / "log"),
    ):
        until(lambda: ask(port) is not None)
        return [_table(asyncio.run(_measure(f"http://127.0.0.1:{port}/health", rounds)))]


async def _measure(url: str, rounds: int) -> dict[str, list[float]]:
    """CPU µs a probe, taking turns. aiohttp keeps its session: opening one for each probe would cost more."""
    no_reuse = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=no_reuse) as session:
        groups = {"ours": _ours(url), "aiohttp": _aiohttp(session, url)}
        for group in groups.values():
            await group()
        return await _turns(groups, rounds)


async def _turns(groups: dict[str, Group], rounds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in groups}
    for _ in range(rounds):
        for name, group in groups.items():
            cpu = time.process_time()
            await group()
            took[name].append((time.process_time() - cpu) / GROUP * 1e6)
    return took


def _ours(url: str) -> Group:
    probe = HttpProbe(url=url, interval_s=1.0, timeout_s=1.0)
    service = Service(name="child", platform=ProcessPlatform(command=(sys.executable,)), probe=probe)
    probes = Probes()

    async def group() -> None:
        for _ in range(GROUP):
            assert (await probes.probe(service, probe)).ok

    return group


def _aiohttp(session: aiohttp.ClientSession, url: str) -> Group:
    async def group() -> None:
        for _ in range(GROUP):
            async with asyncio.timeout(1.0), session.get(url, allow_redirects=False) as response:
                await response.read()
                assert response.status == 200

    return group


def _table(took: dict[str, list[float]]) -> Table:
    names = {"ours": "our own GET", "aiohttp": "aiohttp's client, one session (peer)"}
    rows = [
        (names[who], *(f"{value:.0f}" for value in (min(us), median(us), p95(us))))
        for who, us in took.items()
    ]
    times = median(took["aiohttp"]) / median(took["ours"])
    return Table(
        title="One probe over HTTP, answered at once (CPU µs, user and kernel)",
        columns=("", "min", "median", "p95"),
        rows=rows,
        goals=[Goal("the peer's cost, times ours", times, 2.0, least=True)],
        notes=[f"{len(took['ours'])} rounds of {GROUP} probes each, taking turns."],
    )
