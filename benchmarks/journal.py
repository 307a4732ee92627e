"""Durable facts: what one costs however large the state is, in groups, and handled by an agent with its own record."""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from agents.agent import Traits
from agents.events import HealthChanged, IncidentOpened
from agents.running.life import Life
from agents.running.runner import Runner
from benchmarks.measure import median
from benchmarks.report import Goal, Table, ms
from utils.disk import Handle, OsDisk, ThreadOffload
from utils.event import Event, Fact
from utils.journal import Journal

SIZES = {"10 kB": 10_000, "1 MB": 1_000_000, "50 MB": 50_000_000}
ROW_BYTES = 265
GROUP = 100


class Row(Struct, frozen=True, gc=False):
    """One value of a state as large as an ended incident's line."""

    service: str
    at: float
    score: float
    message: str
    fix: str


class State(Struct):
    rows: dict[str, Row] = field(default_factory=dict)


class _CountingDisk(OsDisk):
    """The real disk; counts the groups and what they are synced with."""

    syncs = 0

    def create(self, path: Path) -> Handle:
        return self._counting(super().create(path))

    def _counting(self, handle: Handle) -> Handle:
        append = handle.append

        def counted(data: bytes) -> None:
            self.syncs += 1
            append(data)

        handle.append = counted  # type: ignore[method-assign]
        return handle


class _NoPage:
    def begin(self, agent: str, event_id: str) -> None: ...
    def end(self, agent: str, event_id: str) -> None: ...


class Keeper:
    """An agent that folds each fact into its state and answers every tenth."""

    name = "keeper"
    consumes: tuple[type[Event], ...] = (HealthChanged,)
    emits: tuple[type[Event], ...] = (IncidentOpened,)
    traits = Traits()

    def __init__(self) -> None:
        self.state = State()
        self.folded = 0

    def handle(self, fact: Event) -> Sequence[Event]:
        return ()

    def apply(self, fact: Event) -> None:
        self.folded += 1
        key = f"row-{self.folded % 100}"
        self.state.rows[key] = Row(fact.service, fact.at, 0.5, "was killed by SIGKILL", "respawn")


def state_of(size: int) -> State:
    rows = {
        f"row-{n}": Row(
            f"shop-{n % 50}",
            1.7e9 + n,
            n * 0.37,
            "restart requested after a probe ran out of time " * 2,
            "respawn",
        )
        for n in range(max(size // ROW_BYTES, 1))
    }
    return State(rows)


def fact() -> Fact:
    return HealthChanged(service="shop", health="down", symptom="exit", reason="was killed by SIGKILL")


@asynccontextmanager
async def journal_in(folder: Path, disk: OsDisk) -> AsyncIterator[Journal]:
    offload = ThreadOffload()
    journal = Journal(disk, folder, HealthChanged | IncidentOpened, offload)
    committer = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
        journal.close()
        offload.close()


def run(*, quick: bool) -> list[Table]:
    rounds = 20 if quick else 200
    with tempfile.TemporaryDirectory(prefix="bench-journal-", dir=_disk_folder()) as name:
        folder = Path(name)
        by_size = asyncio.run(_by_size(folder, rounds))
        group_us, syncs, groups = asyncio.run(_groups(folder, 5 * rounds))
        handled_us = asyncio.run(_handled(folder, 5 * rounds))
    return [_size_table(by_size), _cost_table(group_us, handled_us, syncs, groups)]


def _disk_folder() -> str | None:
    """A temporary folder may be in memory, where syncing is free; BENCH_DIR names one on the disk that matters."""
    return os.environ.get("BENCH_DIR")


# --- one fact, by the size of the state ---


async def _by_size(folder: Path, rounds: int) -> dict[str, tuple[float, float, float]]:
    """Seconds for one durable fact, its processor time, and seconds for rewriting the state as JSON; sizes take turns."""
    agents = {}
    for name, size in SIZES.items():
        agent = Keeper()
        agent.state = state_of(size)
        agents[name] = agent
    walls: dict[str, list[float]] = {name: [] for name in SIZES}
    cpus: dict[str, list[float]] = {name: [] for name in SIZES}
    async with journal_in(folder / "sizes", OsDisk()) as journal:
        for _ in range(rounds):
            for name, agent in agents.items():
                wall, cpu = time.perf_counter(), time.process_time()
                record = journal.append("keeper", "", [fact()])
                agent.apply(record.results[0])
                await journal.durable(record.position)
                walls[name].append(time.perf_counter() - wall)
                cpus[name].append(time.process_time() - cpu)
    rewrites = {name: _rewrite_s(folder, size) for name, size in SIZES.items()}
    return {name: (median(walls[name]), median(cpus[name]), rewrites[name]) for name in SIZES}


def _rewrite_s(folder: Path, size: int) -> float:
    state = {
        f"row-{n}": {
            "service": f"shop-{n % 50}",
            "at": 1.7e9 + n,
            "score": n * 0.37,
            "message": "x" * 100,
            "fix": "respawn",
        }
        for n in range(max(size // ROW_BYTES, 1))
    }
    took = []
    for _ in range(3):
        began = time.perf_counter()
        path = folder / "state.json"
        with path.with_suffix(".tmp").open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".tmp").replace(path)
        took.append(time.perf_counter() - began)
    return median(took)


def _size_table(by_size: dict[str, tuple[float, float, float]]) -> Table:
    rows = [
        (size, f"{wall * 1e3:.2f}", f"{cpu * 1e3:.3f}", ms(rewrite), f"{rewrite / wall:.0f}")
        for size, (wall, cpu, rewrite) in by_size.items()
    ]
    walls = [wall for wall, _, _ in by_size.values()]
    return Table(
        title="One durable fact, by the size of the state (ms, medians)",
        columns=("state", "journal", "its CPU", "rewriting JSON", "times"),
        rows=rows,
        goals=[Goal("largest over smallest state", walls[-1] / walls[0], 1.5)],
    )


# --- what a record costs ---


async def _groups(folder: Path, groups: int) -> tuple[float, int, int]:
    """CPU µs a record in groups, the syncs they took, and the groups."""
    disk = _CountingDisk()
    facts = [fact() for _ in range(GROUP)]
    per_record = []
    async with journal_in(folder / "groups", disk) as journal:
        await journal.durable(journal.append("keeper", "", facts[:1]).position)
        before = disk.syncs
        for _ in range(groups):
            cpu = time.process_time()
            for each in facts:
                position = journal.append("keeper", "4f5c1e0a9b8d7c6e", (each,)).position
            await journal.durable(position)
            per_record.append((time.process_time() - cpu) / GROUP * 1e6)
        return statistics.median(per_record), disk.syncs - before, groups


async def _handled(folder: Path, groups: int) -> float:
    """CPU µs a fact: stamped, recorded, delivered, handled, folded and recorded again as handled."""
    async with journal_in(folder / "handled", OsDisk()) as journal:
        runner = Runner(journal, time.monotonic, _NoPage())
        cell = runner.add(Keeper)
        life = asyncio.create_task(Life(runner, cell).run())
        await asyncio.sleep(0.01)
        per_fact = []
        for _ in range(groups):
            cpu = time.process_time()
            await _handle_group(runner, cell.inbox, journal)
            per_fact.append((time.process_time() - cpu) / GROUP * 1e6)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        return statistics.median(per_fact)


async def _handle_group(runner: Runner, inbox: Any, journal: Journal) -> None:
    runner.say("monitor", [fact() for _ in range(GROUP)])
    while len(inbox):
        await asyncio.sleep(0)
    await journal.durable(journal.position)


def _cost_table(group_us: float, handled_us: float, syncs: int, groups: int) -> Table:
    rows = [
        (f"a record, in groups of {GROUP}, synced", f"{group_us:.2f}"),
        ("a fact handled by an agent, its own record included", f"{handled_us:.2f}"),
    ]
    return Table(
        title="What a record costs (CPU µs, all threads, medians)",
        columns=("", "µs"),
        rows=rows,
        goals=[
            Goal("a record in a group", group_us, 4.5, "µs"),
            Goal("a fact handled", handled_us, 9.0, "µs"),
            Goal("syncs for each commit group", syncs / groups, 1.0),
        ],
    )
