"""Faults on real processes and real files, and the way back from each."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.model import ProcessPlatform, Release, Service, WatchedFile
from platforms.chaos.fault import FaultRefused, Ground, Plan
from platforms.chaos.registry import Faults
from platforms.process import ProcessPlatform as Processes
from platforms.processes.table import process_table

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def shop(tmp_path: Path) -> Service:
    (tmp_path / "releases" / "v1").mkdir(parents=True)
    (tmp_path / "releases" / "v1" / "app.py").write_text("print('fine')")
    (tmp_path / "releases" / "current").symlink_to("v1")
    (tmp_path / "shop.json").write_text(json.dumps({"sold": list(range(50))}))
    return Service(
        name="shop",
        platform=ProcessPlatform(command=SLEEPER, cwd=str(tmp_path)),
        depends_on=("model",),
        release=Release(),
        files=(WatchedFile(path="shop.json"),),
    )


@pytest.fixture
async def processes(shop: Service, tmp_path: Path) -> AsyncIterator[Processes]:
    model = Service(name="model", platform=ProcessPlatform(command=SLEEPER, cwd=str(tmp_path)))
    platform = Processes(tmp_path / "state", [shop, model])
    await platform.start("shop", "m1")
    await platform.start("model", "m2")
    yield platform
    for name in ("shop", "model"):
        await platform.stop(name, signal="KILL", grace_s=0)
    await platform.close()


@pytest.fixture
def faults(processes: Processes, tmp_path: Path) -> Faults:
    (tmp_path / "chaos").mkdir()
    return Faults(Ground(processes, tmp_path / "chaos"))


def over_disk(plan: Plan) -> Any:
    """As another process reads it."""
    return Faults(Ground(None, Path())).decode(msgspec.json.encode(plan))  # type: ignore[arg-type]  # it only reads


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (a test looks from outside)
            await asyncio.sleep(0.01)


def state(pid: int) -> str:
    process = process_table().read(pid)
    return process.state if process else ""


async def test_a_frozen_process_runs_again(faults: Faults, processes: Processes, shop: Service) -> None:
    life = processes.current("shop")
    assert life is not None
    plan = await faults.plan("freeze", shop, "p1")
    assert "SIGSTOP" in await faults.inject(plan)
    await until(lambda: state(life.pid) == "T")
    assert "SIGCONT" in await faults.undo(over_disk(plan))
    await until(lambda: state(life.pid) in {"S", "R"})


async def test_a_process_that_took_the_place_of_a_frozen_one_is_not_signalled(
    faults: Faults, processes: Processes, shop: Service
) -> None:
    plan = await faults.plan("freeze", shop, "p1")
    await faults.inject(plan)
    later = msgspec.structs.replace(plan, started_at=plan.started_at - 1)  # type: ignore[union-attr]
    assert await faults.undo(over_disk(later)) == "the frozen process is gone already"
    await processes.stop("shop", signal="KILL", grace_s=0)
    assert await faults.undo(over_disk(plan)) == "the frozen process is gone already"


async def test_a_killed_process_ends_by_signal_9(faults: Faults, processes: Processes, shop: Service) -> None:
    ends: list[Any] = []
    processes.on_exit(ends.append)
    await faults.inject(await faults.plan("kill", shop, "p1"))
    await until(lambda: ends)
    assert (ends[0].signal, ends[0].wanted) == (9, False)


async def test_a_damaged_file_is_put_back(faults: Faults, shop: Service, tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    before = path.read_bytes()
    plan = await faults.plan("corrupt_file", shop, "p1")
    assert path.read_bytes() == before
    await faults.inject(plan)
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(path.read_text())
    assert (await faults.undo(over_disk(plan))).endswith("put back")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path / "chaos") == []  # noqa: PTH208


async def test_a_damaged_file_that_was_healed_meanwhile_is_left_alone(
    faults: Faults, shop: Service, tmp_path: Path
) -> None:
    path = tmp_path / "shop.json"
    plan = await faults.plan("corrupt_file", shop, "p1")
    await faults.inject(plan)
    path.write_text("{}")
    assert "somebody healed it" in await faults.undo(over_disk(plan))
    assert path.read_text() == "{}"


async def test_a_bad_release_is_broken_in_use_and_gone_afterwards(
    faults: Faults, processes: Processes, shop: Service, tmp_path: Path
) -> None:
    link = tmp_path / "releases" / "current"
    plan = await faults.plan("bad_release", shop, "abcdefghij")
    await faults.inject(plan)
    assert link.readlink().name == "v1-chaos-abcdefgh"
    assert (link / "app.py").read_text() != "print('fine')"
    await until(lambda: processes.current("shop") is None)
    assert await faults.undo(over_disk(plan)) == "release pointed back to v1"
    assert (link / "app.py").read_text() == "print('fine')"
    assert sorted(p.name for p in (tmp_path / "releases").iterdir()) == ["current", "v1"]


async def test_a_stopped_dependency_is_started_again_unless_it_runs(
    faults: Faults, processes: Processes, shop: Service
) -> None:
    plan = await faults.plan("stop_dependency", shop, "p1")
    await faults.inject(plan)
    assert processes.current("model") is None
    assert await faults.undo(over_disk(plan)) == "model started"
    assert processes.current("model") is not None
    assert await faults.undo(over_disk(plan)) == "model runs again already"


async def test_what_is_not_there_cannot_be_broken(
    faults: Faults, processes: Processes, tmp_path: Path
) -> None:
    bare = Service(name="shop", platform=ProcessPlatform(command=SLEEPER, cwd=str(tmp_path)))
    for fault, why in (
        ("corrupt_file", "declares no file"),
        ("bad_release", "declares no release"),
        ("stop_dependency", "declares no dependency"),
    ):
        with pytest.raises(FaultRefused, match=why):
            await faults.plan(fault, bare, "p1")
    await processes.stop("shop", signal="KILL", grace_s=0)
    with pytest.raises(FaultRefused, match="shop does not run"):
        await faults.plan("freeze", bare, "p1")
