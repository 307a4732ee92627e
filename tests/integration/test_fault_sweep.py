"""A daemon that is killed in the middle of faults leaves none behind, wherever it was killed."""

import asyncio
import contextlib
import os
import random
from functools import partial
from pathlib import Path

import psutil
import pytest

from config.model import ProcessPlatform, Service, WatchedFile
from tests.fixtures.counter_line import CounterLine
from tests.fixtures.fault_sweep import GOOD, sweep
from tests.fixtures.fault_victim import clear_up, die_after, make, start
from tests.fixtures.real_daemon import until


@pytest.mark.unmeasured
@pytest.mark.timeout(120)
def test_no_fault_is_left_behind_at_five_points_of_death(tmp_path: Path) -> None:
    found = sweep(tmp_path, 5, seed=2)
    assert found.left == []
    assert found.noted >= 1, "the kills missed the faults"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_fault_is_left_behind_at_a_thousand_points_of_death(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CounterLine(capsys, "deaths in the middle of faults", 1000)
    found = sweep(tmp_path, 1000, random.randrange(1 << 30), told=line.show)
    assert found.left == []
    assert found.noted >= 300
    assert len(found.made) >= 12


def run(folder: Path, shop: Service, fault: str, for_s: float) -> None:
    asyncio.run(make(folder, shop, fault, for_s))


def broken(process: psutil.Process, shop: Service, folder: Path) -> list[str]:
    """What is wrong in the world, by looking at the things themselves."""
    found = []
    if process.status() == psutil.STATUS_STOPPED:
        found.append("frozen")
    if process.rlimit(psutil.RLIMIT_NOFILE) != psutil.Process().rlimit(psutil.RLIMIT_NOFILE):
        found.append("too few descriptors")
    if (folder / "data.json").read_text() != GOOD:
        found.append("damaged")
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if other.environ().get("CHAOS_FOLDER") == str(folder / "chaos") and other.is_running():
                found.append("a helper runs")
    return found


def die_often(tmp_path: Path, points: int, seed: int) -> tuple[int, set[str]]:
    """At how many points the way back stood on disk, and what was seen to be broken then."""
    (tmp_path / "chaos").mkdir()
    (tmp_path / "data.json").write_text(GOOD)
    shop = Service(
        name="shop",
        platform=ProcessPlatform(command=("sleep", "1000"), cwd=str(tmp_path)),
        files=(WatchedFile(path="data.json"),),
    )
    pid = asyncio.run(start(tmp_path, shop))
    process, chance, noted, seen = psutil.Process(pid), random.Random(seed), 0, set[str]()
    try:
        for point in range(points):
            fault = ("freeze", "corrupt_file", "descriptors", "cpu")[point % 4]
            for_s = chance.choice((0.02, 5.0, 5.0, 5.0))
            noted_now = None if point % 5 == 0 else lambda: any((tmp_path / "chaos").glob("*.json"))
            after_s = chance.choice((0.0, 0.01, 0.1, 0.2)) * chance.random()
            die_after(partial(run, tmp_path, shop, fault, for_s), noted_now, after_s)
            noted += any((tmp_path / "chaos").glob("*.json"))
            seen |= set(broken(process, shop, tmp_path))
            assert asyncio.run(clear_up(tmp_path, shop)) == []
            until("nothing is left", lambda: not broken(process, shop, tmp_path), 5)
    finally:
        process.kill()
        os.waitpid(pid, 0)
    return noted, seen


def test_thirty_deaths_at_any_step_of_a_fault_leave_nothing_behind(tmp_path: Path) -> None:
    """As the sweeps above, of the controller's parts alone: quick enough to die at every step."""
    noted, seen = die_often(tmp_path, 30, seed=5)
    assert noted >= 8, "the kills missed the faults"
    assert len(seen) >= 3, "the faults were not in"


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_thousand_deaths_at_any_step_of_a_fault_leave_nothing_behind(tmp_path: Path) -> None:
    noted, seen = die_often(tmp_path, 1000, seed=random.randrange(1 << 30))
    assert noted >= 500
    assert len(seen) == 4
