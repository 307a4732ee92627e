"""`make demo-mlops`: a model in use, a daemon that watches it, a vandal, and the table of what was healed. Nobody is asked."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession
from msgspec import Struct

from mlops.errors import BadInputError, need
from scripts.demo import ROOT, free_ports, running
from scripts.demo_table import judge, lines
from scripts.demo_vandal import Vandal

READY_S, ROUND_S, CALM_S = 60.0, 120.0, 15.0
INTERVAL_S = 1.0
LOOKBACK_H = 0.006  # of a demo whose day is twenty seconds
INCIDENTS = "/observability/incidents"
MODEL, API = "credit", "credit-api"


class Round(Struct, frozen=True):
    """What is done, to whom, and what the daemon should make of it. Without a cause nothing is wrong."""

    name: str
    service: str
    vandalise: Callable[[Vandal], None]
    cause: str = ""
    fix: str = ""
    meanwhile: Callable[[Vandal], None] = lambda _: None  # users go on asking
    quiet_s: float = 0.0  # before it: nobody asks, until what was asked before lies outside of the window


ROUNDS = (
    Round("requests as usual", MODEL, Vandal.usual_requests),
    Round("the process that serves it is killed", API, Vandal.kill_server, "crash", "respawn"),
    Round("cells of its table are damaged", MODEL, Vandal.damage_table, "data_quality", "repair_data"),
    Round("a version trained on wrong labels is promoted by hand", MODEL, Vandal.promote_bad_version,
          "model_degradation", "rollback_model", Vandal.some_requests),
    Round("the world changes", MODEL, Vandal.change_world, "data_drift", "retrain_model", Vandal.changed_requests,
          quiet_s=LOOKBACK_H * 3600.0,
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every fault was found, named, healed and verified, and usual requests were let alone."""
    parser = argparse.ArgumentParser(prog="make demo-mlops", description=__doc__)
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write the table as JSON")
    names = [each.name for each in ROUNDS]
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="ROUND",
        help=f"one round alone; repeatable: {'; '.join(names)}",
    )
    options = parser.parse_args(arguments)
    rounds = [each for each in ROUNDS if not options.only or each.name in options.only]
    try:
        for library in ("fastapi", "uvicorn"):
            need(library, "the demo of models")
    except BadInputError as error:
        print(error, file=sys.stderr)
        return 2
    began_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nightwarden-mlops-") as folder:
        rows, told = asyncio.run(_play(Path(folder), rounds))
    passed = len(rows) == len(rounds) and all(row["ok"] for row in rows)
    print("\n" + "\n".join(lines(rows)))
    print(f"\n{told}; {time.monotonic() - began_at:.0f} s")
    if options.report is not None:
        options.report.write_text(json.dumps({"passed": passed, "rows": rows}, indent=2) + "\n")
        print(f"saved as {options.report}")
    return 0 if passed else 1


async def _play(folder: Path, rounds: Sequence[Round]) -> tuple[list[dict[str, Any]], str]:
    port, page = free_ports(2)
    _configure(folder, port)
    _prepare(folder)
    env = {"MONITORING_INTERVAL": str(INTERVAL_S), "MONITORING_LOOKBACK": str(LOOKBACK_H)}
    daemon = [
        sys.executable, "-m", "scripts.nightwarden", "run", "--config", str(folder / "config/self_healing_config.json"),
        "--state", str(folder / "state"), "--listen", f"127.0.0.1:{page}",
    ]  # fmt: skip
    address = f"http://127.0.0.1:{page}"
    async with running(daemon, folder / "daemon.out", env), ClientSession() as session:
        vandal = Vandal(folder, port)
        await _until(lambda: _answers(session, f"http://127.0.0.1:{port}/health"), READY_S)
        print(f"page: {address}/   predictions: http://127.0.0.1:{port}/docs", flush=True)
        faults = [await _round(session, address, vandal, each) for each in rounds]
        incidents = await _incidents(session, address)
        told = f"{vandal.asked} requests, {vandal.failed} without an answer while the server was down"
        return judge(faults, incidents), told


def _configure(folder: Path, port: int) -> None:
    shipped = json.loads((ROOT / "config/monitoring_config.json").read_text())
    models = [each for each in shipped["models"] if each["name"] == MODEL]
    serve = [sys.executable, str(ROOT / "scripts/serve_model.py"), "--root", str(folder), "--port", str(port)]
    services = [
        {"name": API, "platform": {"type": "process", "command": serve, "cwd": str(folder)}, "start_timeout_s": 30,
         "probe": {"type": "http", "url": f"http://127.0.0.1:{port}/health", "interval_s": 1, "timeout_s": 1}},
        {"name": MODEL, "platform": {"type": "model", "root": str(folder),
                                     "config": str(folder / "config/monitoring_config.json")}},
    ]  # fmt: skip
    (folder / "config").mkdir()
    (folder / "config/monitoring_config.json").write_text(json.dumps({"models": models}))
    (folder / "config/self_healing_config.json").write_text(json.dumps({"services": services}))


def _prepare(folder: Path) -> None:
    """As a user would: data, a first model, the reference of its monitoring."""
    steps = (("make_data.py", "credit_risk", "--rows", "6000"), ("auto_fix_data_issues.py",),
             ("train_model.py", "--no-tracking"), ("bootstrap_reference.py",))  # fmt: skip
    for script, *words in steps:
        print(f"scripts/{script} {' '.join(words)}", flush=True)
        command = [sys.executable, str(ROOT / "scripts" / script), *words]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, env=_environment(), check=False
        )
        if done.returncode:
            raise SystemExit(f"scripts/{script}: {done.stdout}{done.stderr}")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


async def _round(session: ClientSession, page: str, vandal: Vandal, each: Round) -> dict[str, Any]:
    print(f"{each.name}", flush=True)
    known = {incident["id"] for incident in await _incidents(session, page)}
    await asyncio.sleep(each.quiet_s)
    since = time.time()
    await asyncio.to_thread(each.vandalise, vandal)
    healed_at = None
    if each.cause:
        healed_at = await _healed(session, page, vandal, each, known)
    else:
        await asyncio.sleep(CALM_S)
    return {
        "name": each.name, "service": each.service, "injected_at": since, "ended_at": time.time(), "healed_at": healed_at,
        "cause": each.cause, "culprit": each.service, "fix": each.fix,
        "problem": "" if healed_at or not each.cause else "not healed",
    }  # fmt: skip


async def _healed(
    session: ClientSession, page: str, vandal: Vandal, each: Round, known: set[str]
) -> float | None:
    """When its incident was closed; None: not in time. Users go on asking until then."""
    ends_at = time.monotonic() + ROUND_S
    while time.monotonic() < ends_at:
        mine = [
            one
            for one in await _incidents(session, page)
            if one["id"] not in known and one["service"] == each.service
        ]
        if mine and all(one["status"] == "closed" for one in mine):
            return time.time()
        await asyncio.to_thread(each.meanwhile, vandal)
        await asyncio.sleep(0.5)
    return None


async def _incidents(session: ClientSession, page: str) -> list[dict[str, Any]]:
    async with session.get(f"{page}{INCIDENTS}") as reply:
        return list((await reply.json())["items"])


async def _answers(session: ClientSession, url: str) -> bool:
    with suppress(ClientError):
        async with session.get(url) as reply:
            return reply.status == 200
    return False


async def _until(true: Callable[[], Awaitable[bool]], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.25)


if __name__ == "__main__":
    sys.exit(main())
