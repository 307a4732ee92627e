"""A service that lives but does not serve: frozen, hanging, answering 500. From the fault to the next good answer."""

import os
import random
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import ask, free_ports, median, p95, pid_at, quiet, until, until_well
from benchmarks.report import Goal, Table, ms
from benchmarks.stage import bare, daemon, service

START_S = 0.2
PROBE_S = 0.5  # interval and deadline
FAULTS = ("frozen (SIGSTOP)", "handler hangs", "answers 500")


def run(*, quick: bool) -> list[Table]:
    rounds = 3 if quick else 12
    with tempfile.TemporaryDirectory(prefix="bench-hang-") as name, ExitStack() as stack:
        folder = Path(name)
        page, ours, limit = free_ports(3)
        start = ("--start", str(START_S))
        watched = service("child", ours, *start, probe_s=PROBE_S)
        stack.enter_context(bare(folder / "bare", limit, *start))
        stack.enter_context(daemon(folder / "ours", page, [watched]))
        until_well(ours)
        starts, took = [], {fault: list[float]() for fault in FAULTS}
        for _ in range(rounds):
            starts.append(_start_s(limit))
            for fault in FAULTS:
                until(lambda: quiet(page))
                time.sleep(random.uniform(1.0, 1.0 + PROBE_S))  # any phase of the probe
                took[fault].append(_heal_s(ours, fault))
    return [_table(starts, took)]


def _start_s(port: int) -> float:
    """How long the child itself needs, with nobody to decide anything."""
    _, pid = until_well(port)
    os.kill(pid, signal.SIGKILL)
    return until_well(port, other_than=pid)[0]


def _heal_s(port: int, fault: str) -> float:
    pid = pid_at(port)
    assert pid is not None
    began = time.perf_counter()
    if fault.startswith("frozen"):
        os.kill(pid, signal.SIGSTOP)
    else:
        ask(port, "/fault/hang" if "hangs" in fault else "/fault/500")
    until_well(port, other_than=pid, ask_s=0.05)
    return time.perf_counter() - began


def _table(starts: list[float], took: dict[str, list[float]]) -> Table:
    start_s = median(starts)
    bound_s = 2 * (PROBE_S + PROBE_S) + start_s + 0.2
    rows = [
        (fault, ms(min(t)), ms(median(t)), ms(p95(t)), ms(max(t)), ms(bound_s), str(len(t)))
        for fault, t in took.items()
    ]
    rows.append(
        (
            "the child's start (limit)",
            ms(min(starts)),
            ms(start_s),
            ms(p95(starts)),
            ms(max(starts)),
            "",
            str(len(starts)),
        )
    )
    return Table(
        title=f"A service that lives and does not serve → healthy, probe {PROBE_S} s, deadline {PROBE_S} s (ms)",
        columns=("fault", "min", "median", "p95", "max", "bound", "rounds"),
        rows=rows,
        goals=[
            Goal(f"{fault}: the slowest round", max(t) * 1e3, bound_s * 1e3, "ms")
            for fault, t in took.items()
        ],
        notes=[
            "The bound is 2 · (interval + deadline) + the child's start + 200 ms.",
            "supervisord has no health check of its own and never ends such a fault.",
        ],
    )
