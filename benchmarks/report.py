"""What a benchmark hands back, and how it is printed in a terminal and written for docs/benchmarks.md."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct


class Goal(Struct, frozen=True):
    """A figure to reach: `measured` may be at most (or, with `least`, must be at least) `bound`."""

    what: str
    measured: float
    bound: float
    unit: str = ""
    least: bool = False

    @property
    def reached(self) -> bool:
        return self.measured >= self.bound if self.least else self.measured <= self.bound

    def cells(self) -> tuple[str, str, str, str]:
        limit = f"{'≥' if self.least else '≤'} {figure(self.bound)}"
        measured = f"{figure(self.measured)} {self.unit}".strip()
        return self.what, measured, limit, "reached" if self.reached else "MISSED"


class Table(Struct, frozen=True, kw_only=True):
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()


def figure(value: float) -> str:
    """Three digits that mean something.

    >>> figure(0.01234), figure(1.5), figure(1234.5), figure(2.0)
    ('0.0123', '1.5', '1234', '2')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}"


def text(table: Table) -> str:
    parts = [table.title, _aligned(table.columns, table.rows)]
    if table.goals:
        parts.append(_aligned(("to reach", "measured", "bound", ""), [goal.cells() for goal in table.goals]))
    return "\n".join([*parts, *(f"  {note}" for note in table.notes), ""])


def markdown(table: Table) -> str:
    parts = [f"### {table.title}", _piped(table.columns, table.rows)]
    if table.goals:
        parts.append(_piped(("to reach", "measured", "bound", ""), [goal.cells() for goal in table.goals]))
    return "\n\n".join([*parts, *table.notes]) + "\n"


def _aligned(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[n]) for row in (columns, *rows)) for n in range(len(columns))]
    ruler = tuple("-" * width for width in widths)

    def line(row: tuple[str, ...]) -> str:
        first, *others = (
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  " + "  ".join([first, *others]).rstrip()

    return "\n".join(line(row) for row in (columns, ruler, *rows))


def _piped(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    ruler = ("---", *("---:" for _ in columns[1:]))
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, ruler, *rows))


def machine() -> str:
    """One line about what this was measured on."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
        memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
        memory = f"{memory_kib / 2**20:.0f} GiB, "
    except OSError:
        memory = ""
    realtime = hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) in {os.SCHED_RR, os.SCHED_FIFO}
    ahead = ", all at real-time priority" if realtime else ""
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores of {cpu}, {memory}{platform.system()} {platform.release().split('-')[0]}, "
        f"CPython {platform.python_version()}, load {load} at the start{ahead}"
    )
