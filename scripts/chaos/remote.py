"""Scenarios on Render: the stand-in for its API runs as a program of its own, and is broken through its own controls."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from scripts.chaos.cell import ROOT, Cell
from scripts.chaos.scenario import Scenario
from scripts.chaos.stage import Played, Told, incidents_of
from scripts.demo import free_ports, running
from scripts.demo_render import SETTINGS, SPEED, Render, first_line, until
from scripts.remote_view import RemoteView

RENDER = "on Render"
READY_S, GAP_S, STEADY_S, CALM_S, LIMIT_S = 60.0, 5.0, 3.0, 30.0, 90.0
STAND_IN = ROOT / "tests/fixtures/render_api"
WORKERS = ("mailer", "indexer")


async def play(folder: Path, scenarios: Sequence[Scenario], _warm_s: float, told: Told) -> list[Played]:
    names = [each.culprit or each.name for each in scenarios]
    services = [
        {"name": name, "instances": 1, "type": "background_worker" if name in WORKERS else "web_service"}
        for name in names
    ]
    _write(folder, services)
    stand_in = [sys.executable, "-m", "tests.fixtures.render_api", "--world", str(folder / "world.json"), "--speed", str(SPEED)]  # fmt: skip
    async with running(stand_in, folder / "render.out"), ClientSession() as session:
        place = json.loads(await first_line(folder / "render.out"))
        [port] = free_ports(1)
        daemon = [
            sys.executable, "-m", "scripts.nightwarden", "run", "--config", str(folder / "config.json"),
            "--state", str(folder / "state"), "--listen", f"127.0.0.1:{port}",
        ]  # fmt: skip
        env = {"RENDER_MODE": "true", "RENDER_API_URL": place["url"], "RENDER_API_KEY": place["key"]}
        async with running(daemon, folder / "daemon.out", env):
            render = Render(session, place["control"], f"http://127.0.0.1:{port}")
            await until(render.is_ready, READY_S)
            await asyncio.sleep(6.0)
            rounds = (
                _round(render, each, name, turn * GAP_S)
                for turn, (each, name) in enumerate(zip(scenarios, names, strict=True))
            )
            lines = []
            for done in asyncio.as_completed(list(rounds)):
                lines.append(line := await done)
                told(line)
            incidents = await incidents_of(RemoteView(f"http://127.0.0.1:{port}/", session))
    by_name = {line["scenario"]: line for line in lines}
    return [
        _played(each, name, by_name[each.name], incidents)
        for each, name in zip(scenarios, names, strict=True)
    ]


def _write(folder: Path, services: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    (folder / "world.json").write_text(json.dumps({"services": services}))
    (folder / "config.json").write_text(json.dumps(SETTINGS))


async def _round(render: Render, scenario: Scenario, name: str, after_s: float) -> dict[str, Any]:
    await asyncio.sleep(after_s)
    line: dict[str, Any] = {"scenario": scenario.name, "injected_at": time.time()}
    try:
        if scenario.how:
            await render.act(name, dict(scenario.how))
        if scenario.is_fault:
            line |= await _healed(render, name)
        else:
            await asyncio.sleep(CALM_S)
    except Exception as error:  # noqa: BLE001 -- one scenario that fails must not end all others
        line["problem"] = f"{type(error).__name__}: {error}"
    return line | {"ended_at": time.time()}


async def _healed(render: Render, name: str) -> dict[str, Any]:
    """When it was well again, and stayed so, after it had not been."""
    failed_at = good_since = 0.0
    end = time.time() + LIMIT_S
    while time.time() < end:
        now, healthy = time.time(), await _is_well(render, name)
        if not healthy:
            failed_at, good_since = failed_at or now, 0.0
        elif failed_at:
            good_since = good_since or now
            if now - good_since >= STEADY_S:
                return {"failed_at": failed_at, "healed_at": good_since}
        await asyncio.sleep(0.25)
    return {"failed_at": failed_at, "problem": "not well again" if failed_at else "nobody saw the fault"}


async def _is_well(render: Render, name: str) -> bool:
    world = await render.look("world")
    return bool(next(one for one in world["services"] if one["name"] == name)["healthy"])


def _played(
    scenario: Scenario, name: str, line: dict[str, Any], incidents: Sequence[dict[str, Any]]
) -> Played:
    own = sorted((one for one in incidents if one["service"] == name), key=lambda one: str(one["opened_at"]))
    verified = [act["seconds"] for one in own for act in one["acts"] if act["outcome"] == "verified"]
    line = {**line, "start_s": verified[-1] if verified else 0.0}  # what the platform itself took to start it
    return Played(scenario, line, own, {name: name})


def nobody(_cell: Cell) -> list[dict[str, Any]]:
    return []


def no_stand_in() -> str:
    return "" if STAND_IN.is_dir() else "the stand-in for Render's API lies in tests/, which is not here"


def scenarios() -> list[Scenario]:
    base: dict[str, Any] = {"family": RENDER, "build": nobody, "lacks": no_stand_in, "stage": "render"}
    deploy, crash = ("bad_deploy",), ("crash",)
    return [
        Scenario(name="render-release-errors", fault="a bad release answers 500", culprit="shop", causes=deploy,
                 how={"release": "bad"}, **base),
        Scenario(name="render-release-hangs", fault="a bad release never answers", culprit="pricing-api", causes=deploy,
                 how={"release": "hang"}, **base),
        Scenario(name="render-release-slow", fault="a bad release answers after seconds", culprit="catalogue",
                 causes=deploy, how={"release": "slow"}, **base),
        Scenario(name="render-processes-hang", fault="its processes never answer until they are replaced", culprit="search",
                 causes=("hang",), how={"fault": "hang"}, **base),
        Scenario(name="render-processes-fail", fault="its processes answer 500 until they are replaced", culprit="checkout",
                 causes=("unknown",), how={"fault": "errors"}, **base),
        Scenario(name="render-all-gone", fault="its processes are gone and nobody starts any", culprit="mailer",
                 causes=crash, how={"fault": "down"}, **base),
        Scenario(name="render-stale-cache", fault="a spoilt build cache makes it answer 500", culprit="reports",
                 causes=("unknown", "state_corruption"), how={"fault": "stale_cache"}, **base),
        Scenario(name="render-slow", fault="its processes answer after seconds until they are replaced", culprit="billing",
                 causes=("network_latency", "hang"), how={"fault": "slow"}, **base),
        Scenario(name="render-good-deploy", fault="a good release is pushed", how={"release": "good"}, **base),
        Scenario(name="render-build-fails", fault="a release that cannot be built; the old one stays",
                 how={"release": "build"}, **base),
        Scenario(name="render-suspended", fault="a person suspends it", how={"fault": "suspended"},
                 regression="human-stopped stays stopped", **base),
        Scenario(name="render-steady", fault="nothing is done", **base),
        Scenario(name="render-steady-too", fault="nothing is done", **base),
    ]  # fmt: skip
