"""Deployments: a bad release goes back soon however it is brought in, and a good one is let alone while it warms up."""

import asyncio
import signal
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from agents.events import CauseFound, FixStarted, HealthChanged, IncidentClosed, IncidentOpened
from config.model import Config, ProcessPlatform, Release
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_process import Script

TERM, KILL = int(signal.SIGTERM), int(signal.SIGKILL)
CALM_S = 25.0
PLAIN = Script()


def deployed(folder: Path, script: Script = PLAIN) -> VirtualDaemon:
    """A shop whose release v1 is in use, and somebody who needs it not."""
    for version in ("v1", "v2"):
        (folder / "releases" / version).mkdir(parents=True)
    (folder / "releases/current").symlink_to("v1")
    shop = service("shop", platform=ProcessPlatform(command=("serve",), cwd=str(folder)), release=Release())
    return VirtualDaemon(Config(services=(shop, service("mail"))), {"shop": script})


async def settled(virtual: VirtualDaemon) -> None:
    """All are well, and the daemon has seen it."""
    assert await virtual.until(virtual.well, 30.0)
    await asyncio.sleep(5.0)


def rollbacks(virtual: VirtualDaemon) -> list[FixStarted]:
    return [act for act in virtual.facts(FixStarted, "shop") if act.fix == "rollback_release"]


@pytest.mark.parametrize("stop_code", [None, 0, 143])
@pytest.mark.parametrize("restart", [0, TERM, KILL])
async def test_a_release_that_fails_from_its_first_second_is_back_within_seven(
    tmp_path: Path, restart: int, stop_code: int | None
) -> None:
    async with deployed(tmp_path, Script(stop_code=stop_code)) as virtual:
        await settled(virtual)
        virtual.faults.deploy("shop", "v2", bad=True, restart=restart)
        began = virtual.clock.now()
        assert await virtual.until(lambda: virtual.world.version("shop") == "v1", 7.0), "not rolled back"
        assert await virtual.until(virtual.well, 20.0)
        assert virtual.facts(CauseFound, "shop")[-1].best.name == "bad_deploy"
        assert [act.fix for act in virtual.facts(FixStarted, "shop")].count("rollback_release") == 1
        assert virtual.facts(IncidentClosed)[-1].outcome == "healed"
        assert virtual.clock.now() - began < 15.0


@pytest.mark.parametrize("restart", [TERM, KILL])
async def test_a_restart_for_a_good_release_is_a_crash_and_the_release_stays(
    tmp_path: Path, restart: int
) -> None:
    async with deployed(tmp_path, Script(stop_code=0)) as virtual:
        await settled(virtual)
        virtual.faults.deploy("shop", "v2", restart=restart)
        await asyncio.sleep(CALM_S)
        assert virtual.well()
        assert [act.fix for act in virtual.facts(FixStarted)] == ["respawn"]
        assert virtual.world.version("shop") == "v2"


@pytest.mark.parametrize("warming", [500, 503])
async def test_who_always_warms_up_with_errors_may_do_so_under_a_new_release(
    tmp_path: Path, warming: int
) -> None:
    async with deployed(tmp_path, Script(warms_up_s=8.0, warming=warming)) as virtual:
        await settled(virtual)
        virtual.faults.deploy("shop", "v2", restart=TERM)
        await asyncio.sleep(CALM_S)
        assert virtual.well()
        assert rollbacks(virtual) == []
        [first, *_] = virtual.facts(HealthChanged, "shop")
        assert first.health == "starting"


async def test_a_release_that_needs_longer_than_ever_to_open_its_port_may_do_so(tmp_path: Path) -> None:
    async with deployed(tmp_path) as virtual:
        await settled(virtual)
        virtual.world.scripts["shop"] = Script(start_s=15.0, warms_up_s=2.0)
        virtual.faults.deploy("shop", "v2", restart=TERM)
        await asyncio.sleep(CALM_S)
        assert virtual.well()
        assert rollbacks(virtual) == []


async def test_a_release_that_was_good_before_may_boot_with_errors_for_as_long_as_is_declared(
    tmp_path: Path,
) -> None:
    async with deployed(tmp_path) as virtual:
        await settled(virtual)
        virtual.world.scripts["shop"] = Script(warms_up_s=12.0, warming=500)
        virtual.faults.kill("shop")
        await asyncio.sleep(CALM_S)
        assert virtual.well()
        assert [act.fix for act in virtual.facts(FixStarted, "shop")] == ["respawn"]


async def test_the_first_release_of_all_may_take_its_time_since_there_is_nothing_to_go_back_to(
    tmp_path: Path,
) -> None:
    async with deployed(tmp_path, Script(warms_up_s=18.0, warming=500)) as virtual:
        await asyncio.sleep(CALM_S)
        assert virtual.well()
        assert virtual.facts(IncidentOpened) == []


async def test_what_is_known_of_warming_up_outlives_the_daemon(tmp_path: Path) -> None:
    async with deployed(tmp_path, Script(warms_up_s=8.0, warming=500)) as virtual:
        await settled(virtual)
        virtual.kill()
        await virtual.start()
        await settled(virtual)
        virtual.faults.deploy("shop", "v2", restart=TERM)
        await asyncio.sleep(CALM_S)
        assert virtual.well()
        assert rollbacks(virtual) == []


def warm_up(random: Random, base: Script) -> Script:
    """A good boot is seldom like the last one: up to four times as long a start, and at first an error or two."""
    errors_s = random.uniform(0.0, 2.5)
    start_s = base.start_s * random.uniform(0.5, 4.0)
    return replace(base, start_s=start_s, warms_up_s=errors_s, warming=random.choice((500, 503)), stop_code=0)


@pytest.mark.unmeasured
@pytest.mark.parametrize(("good", "bad"), [(40, 20), pytest.param(200, 100, marks=pytest.mark.soak)])
async def test_good_and_bad_deployments_are_told_apart(tmp_path: Path, good: int, bad: int) -> None:
    random = Random(good)
    deployments = [True] * good + [False] * bad
    random.shuffle(deployments)
    wrong, named = [], 0
    async with deployed(tmp_path, Script(start_s=0.8)) as virtual:
        await settled(virtual)
        for n, is_good in enumerate(deployments):
            await asyncio.sleep(random.uniform(5.0, 90.0))
            heard = len(virtual.said)
            virtual.world.scripts["shop"] = warm_up(random, Script(start_s=0.8))
            virtual.faults.deploy(
                "shop", f"r{n:03d}", bad=not is_good, restart=random.choice((TERM, TERM, KILL))
            )
            await asyncio.sleep(CALM_S)
            assert await virtual.until(virtual.well, 60.0)
            causes = {fact.best.name for fact in virtual.said[heard:] if isinstance(fact, CauseFound)}
            if is_good and (causes != {"crash"} or virtual.world.version("shop") != f"r{n:03d}"):
                wrong.append((n, causes))
            named += not is_good and "bad_deploy" in causes
    assert len(wrong) <= good / 100, wrong
    assert named >= 0.95 * bad
