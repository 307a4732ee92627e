"""A release that was harmless stays, whatever happens to the service after it; one that is not goes back, also if it is bad late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from agents.events import FixStarted
from config.model import Config, Limits, ProcessPlatform, Release, WatchedFile
from tests.fixtures.monitor_kit import service
from tests.fixtures.troubles import TROUBLES, Trouble
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_process import Script

LOADED, TERM, KILL = 0, 15, 9  # how the process comes by a new release


@asynccontextmanager
async def deployed(folder: Path, random: Random) -> AsyncIterator[VirtualDaemon]:
    """A shop that stock stands behind, some time after its release v2, which is good."""
    (folder / "releases/v1").mkdir(parents=True)
    (folder / "releases/current").symlink_to("v1")
    shop = service(
        "shop", platform=ProcessPlatform(command=("serve",), cwd=str(folder)), release=Release(), depends_on=("stock",),
        files=(WatchedFile(path="data.json", check="json"),), caches=("cache",), limits=Limits(memory_mib=256),
    )  # fmt: skip
    script = Script(calls=("stock",), start_s=0.8, stop_code=0, gives_up_s=0.4)
    async with VirtualDaemon(
        Config(services=(shop, service("stock"), service("mail"))), {"shop": script}
    ) as virtual:
        assert await virtual.until(virtual.well, 30.0)
        await asyncio.sleep(random.uniform(20.0, 60.0))
        virtual.faults.deploy("shop", "v2", restart=random.choice((LOADED, TERM, KILL)))
        assert await virtual.until(virtual.well, 60.0)
        yield virtual


def rollbacks(virtual: VirtualDaemon) -> list[str]:
    return [act.fix for act in virtual.facts(FixStarted, "shop") if act.fix == "rollback_release"]


async def struck(folder: Path, trouble: Trouble, random: Random) -> str:
    """What went wrong with how it was treated; empty if nothing."""
    async with deployed(folder, random) as virtual:
        stood_s = random.choice((random.uniform(4.0, 30.0), random.uniform(30.0, 300.0)))
        await asyncio.sleep(stood_s)
        trouble.strike(virtual, random)
        await asyncio.sleep(2.0)
        healed = await virtual.until(virtual.well, 300.0)
        wrong = "" if healed else "not healed"
        return "rolled back" if rollbacks(virtual) or virtual.world.version("shop") != "v2" else wrong


@pytest.mark.unmeasured
@pytest.mark.parametrize("incidents", [12, pytest.param(200, marks=pytest.mark.soak)])
async def test_no_harmless_release_is_rolled_back_for_a_trouble_that_came_after_it(
    tmp_path: Path, incidents: int
) -> None:
    wrong = []
    for n in range(incidents):
        trouble = TROUBLES[n % len(TROUBLES)]
        if problem := await struck(tmp_path / str(n), trouble, Random(n)):
            wrong.append((n, trouble.name, problem))
    assert wrong == []


async def test_a_release_that_turns_bad_after_a_while_and_stays_so_is_rolled_back_in_the_end(
    tmp_path: Path,
) -> None:
    async with deployed(tmp_path, Random(1)) as virtual:
        await asyncio.sleep(40.0)
        virtual.world.bad_versions.add(("shop", "v2"))
        await asyncio.sleep(2.0)
        assert await virtual.until(virtual.well, 120.0)
        assert rollbacks(virtual) == ["rollback_release"]


async def test_a_release_under_which_it_hangs_again_and_again_is_rolled_back(tmp_path: Path) -> None:
    async with deployed(tmp_path, Random(2)) as virtual:
        times = 0
        while times < 4:
            await asyncio.sleep(40.0)
            if rollbacks(virtual):
                break
            virtual.faults.hang("shop")
            await asyncio.sleep(3.0)
            assert await virtual.until(virtual.well, 60.0)
            times += 1
        assert times in (2, 3), "not at the first time, and soon"
