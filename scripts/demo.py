"""`nightwarden demo`: a fleet, a daemon that watches it, a vandal that breaks it, and the table of who saw what."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import ClientError, ClientSession

from dashboard.terminal import show
from examples import fleet
from scripts.demo_table import judge, lines
from scripts.remote_view import RemoteView

SERVICES = ("shop", "pricing", "worker")
READY_S = 20.0
LIMIT_S = 300.0
STOP_S = 28.0
ROOT = Path(__file__).parent.parent


@dataclass
class Stage:
    """Where everything of one demo lies; only free ports are used."""

    folder: Path
    ports: dict[str, int]
    page_port: int
    partner_port: int

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.page_port}/"


def main(report: Path | None, *, keep: bool, only: str = "") -> int:
    """0: every fault was detected, diagnosed, fixed and verified, and nothing else was touched."""
    folder = Path(tempfile.mkdtemp(prefix="nightwarden-demo-"))
    ports = free_ports(len(SERVICES) + 2)
    stage = Stage(folder, dict(zip(SERVICES, ports, strict=False)), ports[-2], ports[-1])
    passed = False
    try:
        rows = asyncio.run(_play(stage, only))
        passed = bool(rows) and all(row["ok"] for row in rows)
        print()
        print("\n".join(lines(rows)))
        if report is not None:
            report.write_text(json.dumps({"passed": passed, "rows": rows}, indent=2) + "\n")
            print(f"\nsaved as {report}")
        return 0 if passed else 1
    finally:
        if keep or not passed:
            print(f"logs and state are kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


async def _play(stage: Stage, only: str) -> list[dict[str, Any]]:
    config = fleet.build(stage.folder, stage.ports, f"http://127.0.0.1:{stage.partner_port}/")
    log = stage.folder / "faults.jsonl"
    log.touch()
    faults = [
        sys.executable, "-m", "scripts.breaker", "--folder", str(stage.folder), "--state", str(stage.state),
        "--ports", json.dumps(stage.ports), "--partner-port", str(stage.partner_port), "--log", str(log), "--only", only,
    ]  # fmt: skip
    daemon = [
        sys.executable, "-m", "scripts.nightwarden", "run", "--config", str(config), "--state", str(stage.state),
        "--listen", f"127.0.0.1:{stage.page_port}",
    ]  # fmt: skip
    async with (
        running(faults, stage.folder / "breaker.out") as breaker,
        running(daemon, stage.folder / "daemon.out"),
        ClientSession() as session,
    ):
        view = RemoteView(stage.page, session)
        await _ready(view, stage)
        print(f"page: {stage.page}   working folder: {stage.folder}", flush=True)
        async with _shown(view):
            await _within_limit(breaker)
        incidents = await view.all_items("/observability/incidents")
    return judge(
        [json.loads(line) for line in log.read_text().splitlines()], [dict(item) for item in incidents]
    )


@contextlib.asynccontextmanager
async def running(
    command: list[str], output: Path, env: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs beside us, and is stopped at the end whatever happens."""
    with output.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1", **env}
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(view: RemoteView, stage: Stage) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            with contextlib.suppress(ClientError, TimeoutError):
                await view.get("/ready")
                return
            if "Traceback" in (text := (stage.folder / "daemon.out").read_text()):
                raise RuntimeError(f"the daemon did not start:\n{text}")
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _shown(view: RemoteView) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(view.run()), asyncio.create_task(show(view, sys.stdout, "Nightwarden demo"))]  # type: ignore[arg-type]  # the terminal asks for these calls only
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within_limit(breaker: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(breaker.wait(), LIMIT_S)
    except TimeoutError:
        print(f"the rounds did not end within {LIMIT_S:g} s", file=sys.stderr)
