"""One stage: a daemon of its own, the cells it watches, the vandal who breaks them, and what the daemon said of it."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from scripts.chaos.cell import Cell
from scripts.chaos.households import WINDOWS, write
from scripts.chaos.scenario import Scenario
from scripts.demo import ROOT, STOP_S, free_ports, running
from scripts.remote_view import RemoteView

ROLES = ("pricing", "shop", "worker", "partner", "link", "model", *(f"link{number}" for number in range(4)))
READY_S = 60.0
LIMIT_S = 240.0
SETTLE_S = 30.0  # for incidents that are still open
LOOK_S = 0.5
ENDED = {"closed", "escalated", "withdrawn"}

Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Played:
    """What came of one scenario: the vandal's line, and the incidents of its services."""

    scenario: Scenario
    line: dict[str, Any]
    incidents: list[dict[str, Any]]
    services: dict[str, str]  # role by name


async def play(folder: Path, scenarios: Sequence[Scenario], warm_s: float, told: Told) -> list[Played]:
    page, *ports = free_ports(1 + len(ROLES) * len(scenarios))
    cells = [_cell(folder, number, ports) for number in range(len(scenarios))]
    services = [each for one, cell in zip(scenarios, cells, strict=True) for each in one.build(cell)]
    write(folder / "config.json", {"services": services, "windows": WINDOWS})
    if scenarios[0].lone:
        cells[0].ports["page"] = page
    log = folder / "faults.jsonl"
    write(folder / "stage.json", _described(folder, scenarios, cells, warm_s))
    vandal = [sys.executable, "-m", "scripts.chaos.vandal", str(folder / "stage.json")]
    first, environ = scenarios[0], dict(scenarios[0].environ or {})
    command = [*first.within(folder / "state"), *_daemon(folder, page)]
    hosted = (
        kept(command, folder / "daemon.out", environ)
        if first.lone
        else running(command, folder / "daemon.out", environ)
    )
    async with running(vandal, folder / "vandal.out") as process, ClientSession() as session:
        await _until(lambda: bool(read(log)), folder / "vandal.out")
        async with hosted:
            view = RemoteView(f"http://127.0.0.1:{page}/", session)
            await _ready(view, folder / "daemon.out")
            await _follow(process, log, told)
            incidents = await incidents_of(view)
    lines = {line["scenario"]: line for line in read(log) if "scenario" in line}
    write(folder / "incidents.json", incidents)
    return [_played(one, cell, lines, incidents) for one, cell in zip(scenarios, cells, strict=True)]


def _cell(folder: Path, number: int, ports: Sequence[int]) -> Cell:
    name = f"c{number + 1:02}"
    own = ports[number * len(ROLES) : (number + 1) * len(ROLES)]
    home = folder / name
    home.mkdir(parents=True)
    return Cell(name, home, dict(zip(ROLES, own, strict=True)), folder / "state", folder / "config.json")


def _described(
    folder: Path, scenarios: Sequence[Scenario], cells: Sequence[Cell], warm_s: float
) -> dict[str, Any]:
    return {
        "log": str(folder / "faults.jsonl"),
        "state": str(folder / "state"),
        "config": str(folder / "config.json"),
        "warm_s": warm_s,
        "cells": [
            {
                "scenario": one.name,
                "name": cell.name,
                "folder": str(cell.folder),
                "ports": cell.ports,
                "watched": cell.watched,
            }
            for one, cell in zip(scenarios, cells, strict=True)
        ],
    }


def _daemon(folder: Path, page: int) -> list[str]:
    return [
        sys.executable, "-m", "scripts.nightwarden", "run", "--config", str(folder / "config.json"),
        "--state", str(folder / "state"), "--listen", f"127.0.0.1:{page}",
    ]  # fmt: skip


def read(log: Path) -> list[dict[str, Any]]:
    """Whole lines only: the last one may be in the making."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _must_live(output: Path) -> None:
    if "Traceback" in (said := output.read_text()):
        raise RuntimeError(f"it did not start:\n{said}")


async def _until(true: Callable[[], bool], output: Path) -> None:
    async with asyncio.timeout(READY_S):
        while not true():
            _must_live(output)
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def kept(command: Sequence[str], output: Path, environ: dict[str, str]) -> AsyncIterator[None]:
    """Whoever runs the daemon starts it again a second after it died, as an init system does."""
    lives: list[asyncio.subprocess.Process] = []

    async def keep() -> None:
        while True:
            with output.open("ab") as out:
                env = {**os.environ, "PYTHONUNBUFFERED": "1", **environ}
                lives.append(
                    await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out, cwd=ROOT, env=env)
                )
            await lives[-1].wait()
            await asyncio.sleep(1.0)

    keeper = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeper.cancel()
        if lives and lives[-1].returncode is None:
            lives[-1].terminate()
            try:
                await asyncio.wait_for(lives[-1].wait(), STOP_S)
            except TimeoutError:
                lives[-1].kill()
                await lives[-1].wait()


async def _ready(view: RemoteView, output: Path) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            with contextlib.suppress(ClientError, TimeoutError):
                await view.get("/ready")
                return
            _must_live(output)
            await asyncio.sleep(0.1)


async def _follow(process: asyncio.subprocess.Process, log: Path, told: Told) -> None:
    """Pass on what the vandal writes, until he is done."""
    seen = 0
    end = asyncio.get_running_loop().time() + LIMIT_S
    while asyncio.get_running_loop().time() < end:
        over = process.returncode is not None
        lines = read(log)
        over = over or "done" in lines[-1]
        for line in lines[seen:]:
            told(line)
        seen = len(lines)
        if over:
            return
        await asyncio.sleep(LOOK_S)


async def incidents_of(view: RemoteView) -> list[dict[str, Any]]:
    """All of them, once none is under way any more."""
    end = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        found = [dict(item) for item in await view.all_items("/observability/incidents")]
        if all(one["status"] in ENDED for one in found) or asyncio.get_running_loop().time() > end:
            return found
        await asyncio.sleep(LOOK_S)


def _played(
    scenario: Scenario, cell: Cell, lines: dict[str, dict[str, Any]], incidents: Sequence[dict[str, Any]]
) -> Played:
    services = {cell.service(role): role for role in ROLES}
    own = sorted(
        (one for one in incidents if one["service"] in services), key=lambda one: str(one["opened_at"])
    )
    return Played(
        scenario, lines.get(scenario.name, {"problem": "the vandal did not come to it"}), own, services
    )
