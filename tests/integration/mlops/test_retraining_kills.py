import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mlops.retraining import resume, retrain
from mlops.retraining.log import read_log
from mlops.retraining.record import read_run
from tests.fixtures.retraining_world import SPEC, World
from utils.disk import OsDisk


class MortalDisk(OsDisk):
    """Dies by SIGKILL just before or just after the n-th file is replaced."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left, self.after = at, after

    def rename(self, source: Path, target: Path) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        super().rename(source, target)
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(work: Any) -> bool:
    """Whether it was killed on its way."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def events(world: World) -> list[str]:
    return [event["event"] for event in read_log(OsDisk(), world.places)["events"]]


def mortal(root: Path, at: int, *, after: bool, clock_s: float) -> World:
    world = World(root, disk=MortalDisk(at, after=after))
    world.clock.at += clock_s
    return world


STRIDES = [
    3,
    pytest.param(1, marks=pytest.mark.soak),
]  # in the normal run one file of three, before or after it


def lives(ready: Path, folder: Path, stride: int, work: Callable[[Any], Any]) -> Iterator[World]:
    """A world for each file at whose replacement the work was killed, until it comes through."""
    for at in count(1, stride):
        for after in (False, True) if stride == 1 else (bool(at // stride % 2),):
            root = folder / f"{at}{after}"
            shutil.copytree(ready, root)
            if not in_a_child(lambda: work(mortal(root, at, after=after, clock_s=2000).desk)):  # noqa: B023 - it runs at once
                return
            healed = World(root)
            healed.clock.at += 2001
            yield healed


@pytest.mark.parametrize("stride", STRIDES)
def test_a_retraining_killed_at_any_step_goes_on_and_leaves_no_trace_of_the_kill(
    tmp_path: Path, stride: int
) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    World(ready).begin()
    kills = 0
    for healed in lives(ready, tmp_path, stride, lambda desk: retrain(SPEC, 0.85, desk)):
        kills += 1
        assert healed.registry.champion() in {1, 2}
        assert retrain(SPEC, 0.85, healed.desk).status == "watching"
        assert (healed.registry.champion(), healed.registry.versions()) == (2, (1, 2))
        assert events(healed) == ["requested", "trained", "promoted"]
        run = read_run(OsDisk(), healed.places, "credit")
        assert run is not None
        assert (run.step, run.challenger) == ("watching", 2)
    assert kills >= 12 / stride


@pytest.mark.parametrize("stride", STRIDES)
def test_a_rollback_by_the_watch_killed_at_any_step_is_made_once(tmp_path: Path, stride: int) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    world = World(ready)
    world.begin(rows=4000)
    retrain(SPEC, 0.85, world.desk)
    world.serve(800, 6, concept=4.0)
    kills = 0
    for healed in lives(ready, tmp_path, stride, lambda desk: resume(SPEC, desk)):
        kills += 1
        resume(SPEC, healed.desk)
        assert healed.registry.champion() == 1
        assert events(healed).count("rolled_back") == 1
        assert [each.kind for each in healed.registry.history()].count("rolled_back") == 1
    assert kills >= 4 / stride


def test_a_killed_process_gives_its_lock_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.begin()
    began = time.monotonic()
    assert in_a_child(lambda: retrain(SPEC, 0.85, mortal(tmp_path, 2, after=False, clock_s=1).desk))
    assert retrain(SPEC, 0.85, world.desk).status == "watching"
    assert time.monotonic() - began < 20
