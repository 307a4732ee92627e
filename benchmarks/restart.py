"""kill -9 to the first 200 of the next process, under the bare limit, Nightwarden and supervisord, taking turns."""

import os
import random
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import free_ports, fsync_s, median, p95, quiet, until, until_well
from benchmarks.report import Goal, Table, ms
from benchmarks.stage import bare, daemon, service, supervised, supervisord

START_S = 0.2
LIMIT, OURS, SUPERVISORD = "await process.wait() and spawn (limit)", "nightwarden run", "supervisord"
UPTIME_S = (1.5, 2.0)  # supervisord takes an earlier end for a failed start


def run(*, quick: bool) -> list[Table]:
    rounds = 8 if quick else 40
    with tempfile.TemporaryDirectory(prefix="bench-restart-") as name, ExitStack() as stack:
        folder = Path(name)
        page, *ports = free_ports(4)
        start = ("--start", str(START_S))
        by_port = {LIMIT: ports[0], OURS: ports[1]}
        stack.enter_context(bare(folder / "bare", ports[0], *start))
        stack.enter_context(daemon(folder / "ours", page, [service("child", ports[1], *start)]))
        if supervisord():
            by_port[SUPERVISORD] = ports[2]
            stack.enter_context(supervised(folder / "supervisord", ports[2], *start))
        took, synced = _rounds(folder, by_port, page, rounds)
    return [_table(took, synced)]


def _rounds(
    folder: Path, by_port: dict[str, int], page: int, rounds: int
) -> tuple[dict[str, list[float]], list[float]]:
    took: dict[str, list[float]] = {name: [] for name in by_port}
    synced = []
    pids = {name: until_well(port)[1] for name, port in by_port.items()}
    for _ in range(rounds):
        time.sleep(random.uniform(*UPTIME_S))
        until(lambda: quiet(page))
        for name, port in by_port.items():
            os.kill(pids[name], signal.SIGKILL)
            seconds, pids[name] = until_well(port, other_than=pids[name], not_before_s=0.9 * START_S)
            took[name].append(seconds)
            time.sleep(0.1)
        synced.append(fsync_s(folder))
    return took, synced


def _table(took: dict[str, list[float]], synced: list[float]) -> Table:
    limit_s, fsync = median(took[LIMIT]), median(synced)
    rows = [
        (name, ms(min(t)), ms(median(t)), ms(p95(t)), ms(max(t)), ms(median(t) - limit_s), str(len(t)))
        for name, t in took.items()
    ]
    rows.append(
        ("one fsync", ms(min(synced)), ms(fsync), ms(p95(synced)), ms(max(synced)), "", str(len(synced)))
    )
    over_ms = (median(took[OURS]) - limit_s) * 1e3
    goals = [Goal("over the limit, beyond one fsync", over_ms - fsync * 1e3, 4.0, "ms")]
    notes = []
    if SUPERVISORD in took:
        theirs_ms = (median(took[SUPERVISORD]) - limit_s) * 1e3
        ratio = theirs_ms / max(over_ms, 0.1)
        goals.append(Goal("supervisord's overhead, times ours", ratio, 20.0, least=True))
    else:
        notes.append(
            "supervisord: skipped, it is not installed; name it in SUPERVISORD or put it on the PATH"
        )
    return Table(
        title=f"kill -9 → first 200, a child that needs {START_S} s to start (ms)",
        columns=("supervisor", "min", "median", "p95", "max", "over the limit", "rounds"),
        rows=rows,
        goals=goals,
        notes=notes,
    )
