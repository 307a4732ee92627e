"""The longest that the event loop is held up by one callback, while the daemon does its heaviest work."""

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents.running.cell import Header
from benchmarks.journal import fact, journal_in, state_of
from benchmarks.longest import Longest
from benchmarks.measure import ROOT, ask, free_ports, median, until
from benchmarks.report import Goal, Table
from benchmarks.stage import run_command, stopping
from benchmarks.train import train
from utils.disk import OsDisk, ThreadOffload
from utils.interpreter import settle
from utils.metrics_collector import Family, Renderer
from utils.snapshots import Snapshots
from utils.workers import ProcessWorkers

STATE_BYTES = 50_000_000
SERIES = 10_000
BOUND_MS = 20.0


def run(*, quick: bool) -> list[Table]:
    rounds = 2 if quick else 5
    _load_the_daemon()
    with tempfile.TemporaryDirectory(prefix="bench-loop-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        return [asyncio.run(_measure(folder, rounds)), _real_daemon(folder, 8.0 if quick else 45.0)]


def _load_the_daemon() -> None:
    """The objects that a garbage collection walks are those of a whole daemon."""
    importlib.import_module("dashboard.observability")
    importlib.import_module("scripts.assembly")


async def _measure(folder: Path, rounds: int) -> Table:
    state = state_of(STATE_BYTES)
    settle()  # as the daemon does after it has restored its state
    rows = []
    worst_s = 0.0
    works: dict[str, Callable[[], Awaitable[None]]] = {
        "saving a snapshot of 50 MB": lambda: _save(folder, state),
        "reading a page of 10,000 series": lambda: _scrape(folder),
        "rendering 10,000 series": _render,
        "a model trains in a worker process": _train,
        "a full garbage collection": _collect,
        "all of these at once": lambda: _all_at_once(folder, state),
    }
    for what, work in works.items():
        longest: list[float] = []
        walls: list[float] = []
        for _ in range(rounds):
            this = Longest()
            began = time.perf_counter()
            with this.measuring():
                await work()
            walls.append(time.perf_counter() - began)
            longest.append(this.seconds)
            worst_s = max(worst_s, this.seconds)
        rows.append(
            (what, f"{median(longest) * 1e3:.1f}", f"{max(longest) * 1e3:.1f}", f"{median(walls):.2f}")
        )
    gc.unfreeze()
    peer_ms = median([_prometheus_client() for _ in range(rounds)]) * 1e3
    rows.append(("prometheus_client renders 10,000 series", f"{peer_ms:.1f}", "", ""))
    return Table(
        title="The longest callback on the loop (ms of thread CPU time)",
        columns=("while", "median", "max", "the work took (s)"),
        rows=rows,
        goals=[Goal("the longest of all", worst_s * 1e3, BOUND_MS, "ms")],
        notes=["A state of 50 MB lies in memory all the time. The largest of all rounds counts."],
    )


# --- the work ---


async def _save(folder: Path, state: Any) -> None:
    offload = ThreadOffload("snapshots")

    async def durable(_: int) -> bool:
        return True

    try:
        snapshots = Snapshots(OsDisk(), folder / "snapshots", offload, durable)
        await snapshots.save("keeper", state, Header())
    finally:
        offload.close()


async def _scrape(folder: Path) -> None:
    from platforms.prometheus import PrometheusScraper

    port = free_ports(1)[0]
    command = [sys.executable, "-m", "benchmarks.exporter", str(port), str(SERIES)]
    with stopping(command, folder / "exporter.log", ROOT):
        await asyncio.to_thread(until, lambda: ask(port, timeout_s=2.0) is not None)
        scraper = PrometheusScraper()
        for _ in range(3):
            series = await scraper.scrape(f"http://127.0.0.1:{port}/metrics", 5.0)
            assert len(series) == SERIES


def families(value: float = 1.25) -> list[Family]:
    return [
        Family(
            name=f"bench_metric_{n}",
            kind="gauge",
            help="help text",
            labels=("service", "instance"),
            samples=[((f"svc-{m % 100}", f"10.0.0.{m}"), m * value) for m in range(SERIES // 10)],
        )
        for n in range(10)
    ]


async def _render() -> None:
    made, renderer = families(), Renderer()
    await asyncio.sleep(0)
    for _ in range(3):
        page = await renderer.render(made)
        assert page.count(b"\n") == SERIES + 20


async def _train() -> None:
    assert await ProcessWorkers().run(train, 120.0, 20_000) > 0.5


async def _collect() -> None:
    """As a callback of its own, as it comes to a daemon that has filled its generations."""
    done = asyncio.Event()

    def collect() -> None:
        gc.collect()
        done.set()

    asyncio.get_running_loop().call_soon(collect)
    await done.wait()


async def _all_at_once(folder: Path, state: Any) -> None:
    async with journal_in(folder / "journal", OsDisk()) as journal:

        async def facts() -> None:
            while True:
                journal.append("keeper", "", [fact()])
                await asyncio.sleep(0.001)

        noise = asyncio.ensure_future(facts())
        await asyncio.gather(_save(folder, state), _scrape(folder), _render(), _train(), _collect())
        noise.cancel()


# --- a whole daemon ---


def _real_daemon(folder: Path, watch_s: float) -> Table:
    page, port = free_ports(2)
    command = run_command(folder / "daemon", page, [_exporter(port)])
    report = folder / "longest.json"
    measured = [command[0], "-m", "benchmarks.measured_daemon", str(report), *command[3:]]
    with stopping(measured, folder / "daemon.log") as process:
        until(lambda: ask(page, timeout_s=1.0) is not None and ask(port, timeout_s=1.0) is not None)
        time.sleep(5)
        os.kill(process.pid, signal.SIGUSR1)
        end = time.monotonic() + watch_s
        while time.monotonic() < end:
            for path in (
                "/metrics",
                "/observability/summary",
                "/observability/metrics",
                "/observability/services",
            ):
                ask(page, path, timeout_s=5.0)
            time.sleep(0.5)
    found = json.loads(report.read_text())
    return Table(
        title="A whole daemon: 10,000 series scraped each second, its pages read, a full collection each second",
        columns=("longest callbacks", "ms of thread CPU time"),
        rows=[(str(name), f"{seconds * 1e3:.1f}") for seconds, name in found],
        goals=[Goal("the longest", found[0][0] * 1e3, BOUND_MS, "ms")],
    )


def _exporter(port: int) -> dict[str, Any]:
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "benchmarks.exporter", str(port), str(SERIES)]
    return {
        "name": "exporter",
        "platform": {"type": "process", "command": command, "cwd": str(ROOT)},
        "probe": {"type": "http", "url": f"{address}/health", "interval_s": 1},
        "metrics": {"type": "prometheus", "url": f"{address}/metrics", "interval_s": 1},
    }


def _prometheus_client() -> float:
    import prometheus_client

    registry = prometheus_client.CollectorRegistry()
    for family in families():
        gauge = prometheus_client.Gauge(family.name, family.help, family.labels, registry=registry)
        for values, value in family.samples:
            gauge.labels(*values).set(value)
    began = time.thread_time()
    prometheus_client.generate_latest(registry)
    return time.thread_time() - began
