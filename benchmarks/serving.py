"""POST /predict: CPU per request, validation and logging included, beside `mlflow models serve` of the same model."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from benchmarks.http_load import load, post
from benchmarks.measure import ROOT, ask, cpu_s, free_ports, median, rss_mb
from benchmarks.report import Goal, Table
from benchmarks.serving_models import KINDS, make
from benchmarks.stage import stopping

TIMES = {"linear": 15.0, "xgboost": 7.0}
LIMIT_US = {"linear": 200.0, "xgboost": 430.0}
NAMED = {
    "linear": "scaler and logistic regression, 10 features",
    "xgboost": "XGBoost, 100 trees of depth 5, 10 features",
}


class Server(NamedTuple):
    name: str
    port: int
    pid: int
    request: bytes


class Round(Struct, frozen=True):
    cpu_us: float
    p50_ms: float
    p99_ms: float


def run(*, quick: bool) -> list[Table]:
    rounds, ours, peers = (2, 3000, 400) if quick else (5, 10_000, 1000)
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as name:
        folder = Path(name)
        row = make(folder)
        return [_table(kind, folder, row, rounds, ours, peers) for kind in KINDS]


def _table(kind: str, folder: Path, row: bytes, rounds: int, ours: int, peers: int) -> Table:
    with ExitStack() as stack:
        servers = {stack.enter_context(_nightwarden(kind, folder, row)): ours}
        if (folder / "peers" / kind).is_dir():
            servers[stack.enter_context(_mlflow(kind, folder, row))] = peers
        for server in servers:
            _measured(server, 200)
        measured: dict[str, list[Round]] = {server.name: [] for server in servers}
        for _ in range(rounds):
            for server, count in servers.items():
                measured[server.name].append(_measured(server, count))
        memory = {server.name: sum(map(rss_mb, _family(server.pid))) for server in servers}
    return _told(kind, measured, memory, rounds)


def _told(kind: str, measured: dict[str, list[Round]], memory: dict[str, float], rounds: int) -> Table:
    cpu = {name: median([each.cpu_us for each in found]) for name, found in measured.items()}
    rows = [
        (
            name,
            f"{min(each.cpu_us for each in found):.0f}",
            f"{cpu[name]:.0f}",
            f"{median([each.p50_ms for each in found]):.2f}",
            f"{median([each.p99_ms for each in found]):.2f}",
            f"{memory[name]:.0f}",
        )
        for name, found in measured.items()
    ]
    goals = [Goal("CPU per request, median", cpu[OURS], LIMIT_US[kind], "µs")]
    notes = [f"{rounds} rounds; 16 connections; the CPU is that of the server's processes."]
    if PEER in cpu:
        goals.append(
            Goal("times less than mlflow models serve", cpu[PEER] / cpu[OURS], TIMES[kind], least=True)
        )
    else:
        notes.append("mlflow is not installed (make setup-mlops): its figure is about 3,000 µs")
    columns = ("server", "CPU µs/request, min", "median", "p50 (ms)", "p99 (ms)", "memory (MB)")
    return Table(title=f"POST /predict: {NAMED[kind]}", columns=columns, rows=rows, goals=goals, notes=notes)


OURS, PEER = "scripts/serve_model.py", "mlflow models serve"


def _measured(server: Server, count: int) -> Round:
    before = _cpu_s(server.pid)
    failed, seconds = load(server.port, server.request, count)
    if failed:
        raise AssertionError(f"{server.name}: {failed} of {count} requests failed")
    time.sleep(0.2)  # what is written afterwards counts too
    spent = _cpu_s(server.pid) - before
    p99 = sorted(seconds)[int(0.99 * len(seconds))]
    return Round(1e6 * spent / count, 1e3 * median(seconds), 1e3 * p99)


def _cpu_s(pid: int) -> float:
    return sum(map(cpu_s, _family(pid)))


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for each in (task / "children").read_text().split():
            found += _family(int(each))
    return found


@contextmanager
def _nightwarden(kind: str, folder: Path, row: bytes) -> Iterator[Server]:
    [port] = free_ports(1)
    script = str(ROOT / "scripts" / "serve_model.py")
    command = [sys.executable, script, "--root", str(folder), "--model", kind, "--port", str(port)]
    with _started(command, folder / "ours.log", port, "/health") as pid:
        yield Server(OURS, port, pid, post("/predict", row))


@contextmanager
def _mlflow(kind: str, folder: Path, row: bytes) -> Iterator[Server]:
    [port] = free_ports(1)
    program = str(Path(sys.executable).with_name("mlflow"))
    model = str(folder / "peers" / kind)
    command = [program, "models", "serve", "-m", model, "-p", str(port), "--env-manager", "local", "-w", "1"]
    body = b'{"dataframe_records": [' + row + b"]}"
    with _started(command, folder / "peer.log", port, "/ping") as pid:
        yield Server(PEER, port, pid, post("/invocations", body))


@contextmanager
def _started(command: list[str], log: Path, port: int, path: str) -> Iterator[int]:
    path_of_peers = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}"
    with stopping(["env", "OMP_NUM_THREADS=1", path_of_peers, *command], log) as process:
        end = time.monotonic() + 120
        while (answer := ask(port, path, timeout_s=2.0)) is None or answer[0] != 200:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} does not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield process.pid
