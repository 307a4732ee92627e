"""`make demo-render`: the stand-in for Render, a daemon that finds its services there, a vandal, and the table of what was healed."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from scripts.demo import free_ports, running
from scripts.demo_table import judge, lines

SPEED = 60.0  # times as fast as Render
SETTINGS = {
    "render": {"probe_interval_s": 1, "autonomy": "auto", "start_timeout_s": 8, "discover_s": 10},
    "windows": {"passive_wait_s": 3},
}
READY_S = 30.0
ROUND_S = 75.0
CALM_S = 12.0  # a good deploy, from its push until its old instances are gone, with some room
INCIDENTS = "/observability/incidents"


@dataclass(frozen=True)
class Round:
    """What is done to whom, and what the daemon should make of it. Without a cause nothing is wrong."""

    name: str
    service: str
    how: dict[str, Any]
    causes: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()


ROUNDS = (
    Round("a good deploy", "landing-page", {"release": "good"}),
    Round("a bad release answers 500", "shop", {"release": "bad"}, ("bad_deploy",), ("rollback_deploy",)),
    Round("processes answer 500", "checkout", {"fault": "errors"}, ("unknown",), ("restart_service",)),
    Round("processes hang", "search", {"fault": "hang"}, ("hang",), ("restart_service",)),
    Round("all instances are gone", "mailer", {"fault": "down"}, ("crash",), ("restart_service",)),
    Round("a bad release hangs", "pricing-api", {"release": "hang"}, ("bad_deploy",), ("rollback_deploy",)),
    Round("a spoilt build cache", "reports", {"fault": "stale_cache"}, ("unknown",), ("redeploy_clean", "restart_service")),
)  # fmt: skip
WORLD = {
    "services": [
        {"name": each, "instances": 2 if each == "shop" else 1, "type": "background_worker" if each == "mailer" else "web_service"}
        for each in dict.fromkeys(one.service for one in ROUNDS)
    ]
}  # fmt: skip


class Render:
    """The stand-in's controls."""

    def __init__(self, session: ClientSession, control: str, page: str) -> None:
        self._session = session
        self._control = control
        self._page = page

    async def do(self, round_: Round) -> None:
        await self.act(round_.service, round_.how)

    async def act(self, service: str, how: dict[str, Any]) -> None:
        """A release is pushed, a fault is made."""
        what = "push" if "release" in how else "break"
        async with self._session.post(f"{self._control}/{what}", json={"service": service, **how}) as reply:
            if reply.status != 200:
                raise RuntimeError(await reply.text())

    async def look(self, what: str) -> dict[str, Any]:
        async with self._session.get(f"{self._control}/{what}") as reply:
            found: dict[str, Any] = await reply.json()
            return found

    async def incidents(self) -> list[dict[str, Any]]:
        async with self._session.get(f"{self._page}{INCIDENTS}") as reply:
            return list((await reply.json())["items"])

    async def is_ready(self) -> bool:
        try:
            async with self._session.get(f"{self._page}/ready") as reply:
                return reply.status == 200
        except ClientError:
            return False


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every fault was found, named and healed, and the good deploy was let alone."""
    parser = argparse.ArgumentParser(prog="make demo-render", description=__doc__)
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write the table as JSON")
    options = parser.parse_args(arguments)
    began_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nightwarden-render-") as folder:
        rows, calls = asyncio.run(_play(Path(folder)))
    beyond = {name: each for name, each in calls["buckets"].items() if each["refused"]}
    passed = len(rows) == len(ROUNDS) and all(row["ok"] for row in rows) and not beyond
    print("\n" + "\n".join(lines(rows)))
    print(
        f"\n{calls['total']} calls of the API, {len(beyond)} limits overstepped; {time.monotonic() - began_at:.0f} s"
    )
    if options.report is not None:
        report = {"passed": passed, "rows": rows, "buckets": calls["buckets"]}
        options.report.write_text(json.dumps(report, indent=2) + "\n")
        print(f"saved as {options.report}")
    return 0 if passed else 1


async def _play(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    (folder / "world.json").write_text(json.dumps(WORLD))
    (folder / "config.json").write_text(json.dumps(SETTINGS))
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
            print(f"page: http://127.0.0.1:{port}/   Render's stand-in: {place['url']}", flush=True)
            await asyncio.sleep(3.0)
            faults = [await _round(render, each) for each in ROUNDS]
            return judge(faults, await render.incidents()), await render.look("calls")


async def _round(render: Render, each: Round) -> dict[str, Any]:
    print(f"{each.name}: {each.service}", flush=True)
    known = {incident["id"] for incident in await render.incidents()}
    since = time.time()
    await render.do(each)
    healed_at = await _healed(render, each, known) if each.causes else None
    if not each.causes:
        await asyncio.sleep(CALM_S)
    found = [
        one for one in await render.incidents() if one["id"] not in known and one["service"] == each.service
    ]
    named, fixes = _said(found)
    return {
        "name": each.name, "service": each.service, "injected_at": since, "ended_at": time.time(), "healed_at": healed_at,
        "cause": named if named in each.causes else next(iter(each.causes), ""), "culprit": each.service,
        "fix": fixes[0] if fixes and set(fixes) <= set(each.fixes) else next(iter(each.fixes), ""),
        "problem": "" if healed_at or not each.causes else "not healed",
    }  # fmt: skip


def _said(found: list[dict[str, Any]]) -> tuple[str, list[str]]:
    first = found[-1] if found else {"cause": None, "acts": []}
    acts = [act["fix"] for act in first["acts"] if act["fix"] != "wait"]
    return (first["cause"] or {"name": ""})["name"], acts


async def _healed(render: Render, each: Round, known: set[str]) -> float | None:
    """When the service was well again and its incident closed; None: not in time."""
    seen_at: list[float] = []

    async def well() -> bool:
        world = await render.look("world")
        service = next(one for one in world["services"] if one["name"] == each.service)
        if service["healthy"] and not seen_at:
            seen_at.append(time.time())
        elif not service["healthy"]:
            seen_at.clear()
        mine = [
            one
            for one in await render.incidents()
            if one["id"] not in known and one["service"] == each.service
        ]
        return service["healthy"] and bool(mine) and all(one["status"] == "closed" for one in mine)

    try:
        await until(well, ROUND_S)
    except TimeoutError:
        return None
    return seen_at[0]


async def first_line(output: Path) -> str:
    """Where the stand-in says that it is."""

    async def told() -> bool:
        return _first_line(output).startswith("{")

    await until(told, READY_S)
    return _first_line(output)


def _first_line(output: Path) -> str:
    return output.read_text().partition("\n")[0]


async def until(true: Callable[[], Awaitable[bool]], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.25)


if __name__ == "__main__":
    sys.exit(main())
