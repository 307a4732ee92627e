"""Breaks the services of a stage from outside, in a process of its own with a log of its own.

python -m scripts.chaos.vandal STAGE.json

It knows nothing of Nightwarden but its command line, which a few scenarios use as an operator would. Each line of the log
is one scenario: what was done when, and how users saw it; moments are Unix seconds.
"""

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from scripts.chaos.catalogue import by_name
from scripts.chaos.cell import LOOK_S, Cell
from scripts.chaos.scenario import Scenario

BOOT_S = 60.0
STEADY_S = 3.0
GAP_S = 2.0  # between the beginnings of two faults: many at once would look as if the watcher were ill
SETTLE_S = 6.0  # after it was well: whoever verifies needs a moment


class Log:
    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: dict[str, Any]) -> None:
        with self._path.open("a") as log:
            log.write(json.dumps(line) + "\n")


async def play(scenario: Scenario, cell: Cell, log: Log, after_s: float, warm_s: float) -> None:
    """From a cell that is well to one that is well again, or to the end of patience."""
    line: dict[str, Any] = {"scenario": scenario.name, "cell": cell.name}
    try:
        if not await cell.steady(STEADY_S, BOOT_S):
            log.write(line | {"problem": "it was not well before", "ended_at": time.time()})
            return
        await asyncio.sleep(warm_s + after_s)
        line["injected_at"] = time.time()
        cell.mendable_at = 0.0
        await (_break(scenario, cell, line) if scenario.is_fault else _leave(scenario, cell, line))
        if complaint := await scenario.check(cell):
            line["problem"] = complaint
    except Exception as error:  # noqa: BLE001 -- one scenario that fails must not end all others
        line["problem"] = f"{type(error).__name__}: {error}"
    log.write({**line, "told": cell.told, "mendable_at": cell.mendable_at, "ended_at": time.time()})


async def _leave(scenario: Scenario, cell: Cell, line: dict[str, Any]) -> None:
    until = time.monotonic() + scenario.lasts_s
    await scenario.do(cell)
    await asyncio.sleep(max(until - time.monotonic(), 0.0))
    line["well"] = await cell.steady(1.0, 20.0)


async def _break(scenario: Scenario, cell: Cell, line: dict[str, Any]) -> None:
    before = {role: await cell.pid(role) for role in cell.watched}
    watch = asyncio.create_task(_watch(cell, before, line))
    try:
        await scenario.do(cell)
        line["acted_at"] = time.time()
        limit_s = scenario.limit_s - (time.time() - line["injected_at"])
        await asyncio.wait_for(asyncio.shield(watch), max(limit_s, 20.0))
    except TimeoutError:
        line["problem"] = "not well again"
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    now = {role: await cell.pid(role) for role in cell.watched}
    line["replaced"] = [role for role in cell.watched if now[role] != before[role]]
    if line.get("healed_at") and (born := [_born(now[role]) for role in line["replaced"] if now[role]]):
        line["start_s"] = max(line["healed_at"] - max(born), 0.0)
    await asyncio.sleep(SETTLE_S)


async def _watch(cell: Cell, before: dict[str, int], line: dict[str, Any]) -> None:
    """Until it failed and has been well for a while since it could be: the first moment of that while is the healing."""
    while True:
        if cell.failed_at >= line["injected_at"]:
            line.setdefault("failed_at", cell.failed_at)
        if "acted_at" in line and cell.well_for_s() >= STEADY_S and await _over(cell, before, line):
            line["healed_at"] = cell.good_since
            return
        await asyncio.sleep(LOOK_S / 2)


async def _over(cell: Cell, before: dict[str, int], line: dict[str, Any]) -> bool:
    """Somebody failed, or somebody was replaced: a leak is healed before it is felt."""
    if "failed_at" in line or cell.mendable_at:
        return True
    for role in cell.watched:
        if await cell.pid(role) not in {0, before[role]}:
            return True
    await asyncio.sleep(0.5)
    return False


def _born(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()


async def main(stage: dict[str, Any]) -> int:
    log = Log(Path(stage["log"]))
    known = by_name()
    pairs = []
    for each in stage["cells"]:
        cell = Cell(
            each["name"],
            Path(each["folder"]),
            each["ports"],
            Path(stage["state"]),
            Path(stage["config"]),
            each["watched"],
        )
        pairs.append((known[each["scenario"]], cell))
    for scenario, cell in pairs:
        await scenario.prepare(cell)
    log.write({"ready": True})
    users = [asyncio.create_task(cell.use()) for _, cell in pairs]
    turns = 0
    async with asyncio.TaskGroup() as group:
        for scenario, cell in pairs:
            group.create_task(play(scenario, cell, log, turns * GAP_S, stage["warm_s"]))
            turns += scenario.is_fault
    log.write({"done": True})
    await asyncio.gather(
        *users
    )  # until we are ended: links and partners stay until everything has been looked at
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()))))
