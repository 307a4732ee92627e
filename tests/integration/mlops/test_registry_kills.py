"""SIGKILL at every step of registration, promotion and rollback, under readers that never see anything but one champion."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Self

import pytest

from mlops.errors import BadInputError
from mlops.places import Places
from mlops.registry.locks import writing
from mlops.registry.registry import Registry
from tests.fixtures.registry_audit import audit, readable
from tests.fixtures.registry_victim import ACTS, calls_of
from tests.fixtures.small_models import made
from utils.disk import OsDisk

ROOT = Path(__file__).parents[3]
ROW = {"age": 30, "income": 2000.0, "home": "rent"}
KILLS = 20
SOAK_KILLS = 200


class Readers:
    """Threads that load the champion again and again, as serving does."""

    def __init__(self, places: Places) -> None:
        self.problems: list[str] = []
        self.loads = 0
        self._registry = Registry(places, "credit")
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(2)]

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                model = self._registry.load_champion()
                model.score_row(ROW)
                self.loads += 1
                time.sleep(0.001)
            except BadInputError as error:
                self.problems.append(str(error))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def victim(root: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.fixtures.registry_victim", str(root)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def world(places: Places) -> Registry:
    models = Registry(places, "credit", keep=3)
    for _ in range(3):
        models.promote(models.register(made()), "")
    return models


def kill_all_over(root: Path, kills: int, act: str) -> None:
    places, random = Places(root), Random(act)
    models = world(places)
    calls = {name: calls_of(places, name) for name in ("register", "challenge", "promote", "rollback")}
    killed = 0
    with victim(root) as process, Readers(places) as readers:
        assert process.stdin is not None
        assert process.stdout is not None
        for n in range(kills):
            if act == "rollback" and len(models.pointer().previous) < 2:
                models.promote(models.register(made()), "")
            if act in {"promote", "challenge"} and models.champion() == models.versions()[-1]:
                models.register(made())
            call = 1 + n % calls[act]
            process.stdin.write(f"{act} {call} {random.choice(('before', 'half', 'after'))}\n")
            process.stdin.flush()
            answer = process.stdout.readline().strip()
            assert answer in {"killed", "done 0"}
            killed += answer == "killed"
            assert readable(models) == [], f"{act} killed at call {call}"
            models.reconcile()
            assert audit(models, OsDisk(), places) == [], f"{act} killed at call {call}"
    assert readers.problems == []
    assert readers.loads > kills
    assert killed >= kills * 0.9


@pytest.mark.parametrize("act", ["register", "promote", "rollback"])
def test_a_kill_at_each_step_leaves_one_champion_for_every_reader(act: str, tmp_path: Path) -> None:
    kill_all_over(tmp_path, KILLS, act)


@pytest.mark.soak
@pytest.mark.parametrize("act", ACTS)
def test_two_hundred_kills_of_each_act(act: str, tmp_path: Path) -> None:
    kill_all_over(tmp_path, SOAK_KILLS, act)


def test_two_writers_take_turns(tmp_path: Path) -> None:
    """Threads of two registries as two programs would: no number is given twice, no change is lost."""
    places = Places(tmp_path)

    def write() -> None:
        models = Registry(places, "credit", keep=50)
        for _ in range(6):
            models.register(made())

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    models = Registry(places, "credit")
    assert models.versions() == tuple(range(1, 19))
    assert audit(models, OsDisk(), places) == []


def test_a_lock_that_is_held_for_too_long_is_told(tmp_path: Path) -> None:
    path = tmp_path / "models/credit/lock"
    with (
        writing(path),
        pytest.raises(BadInputError, match="lock: is held by another program"),
        writing(path, patience_s=0.05),
    ):
        pass
