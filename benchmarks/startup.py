"""From the command to the first /health, and what the daemon takes while it idles and while it watches fifty services."""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measure import ask, cpu_s, free_ports, median, rss_mb, until
from benchmarks.report import Goal, Table
from benchmarks.stage import child, run_command, stopping

SERVICES = 50
PEER = """
import sys
from aiohttp import web
async def health(request): return web.json_response({"ok": True})
app = web.Application()
app.router.add_get("/health", health)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""


def run(*, quick: bool) -> list[Table]:
    rounds, watch_s = (3, 10.0) if quick else (15, 60.0)
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as name:
        folder = Path(name)
        return [_starts(folder, rounds), _fleet(folder, watch_s)]


# --- start ---


def _starts(folder: Path, rounds: int) -> Table:
    ours, peers, idle = [], [], []
    for n in range(rounds):
        port = free_ports(1)[0]
        seconds, _ = _first_health([sys.executable, "-c", PEER, str(port)], port, folder / "peer.log", 0)
        peers.append(seconds)
        port = free_ports(1)[0]
        seconds, rss = _first_health(
            run_command(folder / f"ours{n}", port, []), port, folder / "ours.log", 2.0
        )
        ours.append(seconds)
        idle.append(rss)
    rows = [
        ("nightwarden run, no services", *_spread(ours), f"{median(idle):.0f}"),
        ("aiohttp alone (peer)", *_spread(peers), ""),
    ]
    return Table(
        title="Command → first /health (s)",
        columns=("", "min", "median", "max", "memory after 2 s (MB)"),
        rows=rows,
        goals=[
            Goal("first /health, median", median(ours), 0.35, "s"),
            Goal("idle memory without services", max(idle), 60, "MB"),
        ],
    )


def _spread(seconds: list[float]) -> tuple[str, str, str]:
    return f"{min(seconds):.3f}", f"{median(seconds):.3f}", f"{max(seconds):.3f}"


def _first_health(command: list[str], port: int, log: Path, idle_s: float) -> tuple[float, float]:
    """Seconds to the first answer, and the memory `idle_s` later."""
    began = time.perf_counter()
    with stopping(command, log) as process:
        while (answer := ask(port, timeout_s=5.0)) is None or answer[0] != 200:
            if time.perf_counter() - began > 60:
                raise TimeoutError(f"no answer from {command}")
            time.sleep(0.001)
        seconds = time.perf_counter() - began
        time.sleep(idle_s)
        return seconds, rss_mb(process.pid)


# --- fifty services ---


def _fleet(folder: Path, watch_s: float) -> Table:
    page, *ports = free_ports(SERVICES + 1)
    services = [_watched(n, port) for n, port in enumerate(ports)]
    with ExitStack() as stack:
        process = stack.enter_context(
            stopping(run_command(folder / "fleet", page, services), folder / "fleet.log")
        )
        until(lambda: all(ask(port) is not None for port in ports), 60)
        time.sleep(min(40.0, watch_s))  # scrapes, late imports and the first snapshot are behind it
        cpu, began = cpu_s(process.pid), time.perf_counter()
        time.sleep(watch_s)
        percent = (cpu_s(process.pid) - cpu) / (time.perf_counter() - began) * 100
        rss = rss_mb(process.pid)
    return Table(
        title=f"Watching {SERVICES} services: probes each second, metrics every 10 s",
        columns=("", "memory (MB)", "CPU (% of a core)"),
        rows=[("nightwarden run", f"{rss:.0f}", f"{percent:.2f}")],
        goals=[Goal("memory", rss, 100, "MB"), Goal("processor time", percent, 3.0, "% of a core")],
    )


def _watched(n: int, port: int) -> dict[str, Any]:
    address = f"http://127.0.0.1:{port}"
    return {
        "name": f"service{n}",
        "platform": {"type": "process", "command": child(port)},
        "probe": {"type": "http", "url": f"{address}/health", "interval_s": 1},
        "metrics": {"type": "prometheus", "url": f"{address}/metrics", "interval_s": 10},
    }
