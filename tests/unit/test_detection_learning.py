"""The anomaly detector learns a service in a worker, keeps its history in a file, and finds what statistics do not see."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.anomaly_detector import AnomalyDetector
from agents.detecting.learning import kept_and_learnt
from agents.detecting.watch import Watch
from agents.events import AnomalyDetected, ServiceSampled
from analysis.detection.service import LEAST_ROWS
from tests.fixtures.chain import world_of
from tests.fixtures.virtual_workers import VirtualWorkers
from utils.array_files import read_array, write_array

NAMES = ("load", "queue")


def _told(agent: AnomalyDetector, minute: int, load: float, queue: float) -> list[Any]:
    sample = ServiceSampled(
        service="shop", names=NAMES, values=(load, queue), incarnation="a", at=60.0 * minute
    )
    return list(agent.handle(sample))


async def test_what_moves_together_is_learnt_and_its_end_is_told(tmp_path: Path) -> None:
    world = world_of({"name": "shop"})
    world.state_dir = tmp_path
    workers = VirtualWorkers()
    agent = AnomalyDetector(world, workers)
    runs = asyncio.create_task(agent.run(None))  # type: ignore[arg-type] # it says nothing outside of handle
    random = np.random.default_rng(1)
    loads = 50 + 20 * np.sin(np.arange(700) / 30) + random.standard_normal(700)
    queues = loads / 2 + 0.3 * random.standard_normal(700)
    for minute in range(LEAST_ROWS + 1):
        assert _told(agent, minute, loads[minute], queues[minute]) == []
    await asyncio.sleep(120)
    assert workers.started == ["recalled", "kept_and_learnt"]
    found = []
    for minute in range(LEAST_ROWS + 1, 600):
        broken = minute >= 590  # a value as usual as any, but not at this load
        found += _told(agent, minute, loads[minute], 60.0 - queues[minute] if broken else queues[minute])
    runs.cancel()
    assert {type(each) for each in found} == {AnomalyDetected}
    assert found[0].metric == "queue"
    names, rows = read_array(tmp_path / "models" / "shop.history") or ((), np.empty(0))
    assert names == NAMES
    assert len(rows) == LEAST_ROWS


def test_a_damaged_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "models" / "shop.history"
    assert read_array(path) is None
    write_array(path, ("a", "b"), np.arange(8, dtype=np.float32).reshape(4, 2))
    found = read_array(path)
    assert found is not None
    assert found[1][3].tolist() == [6.0, 7.0]
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert read_array(path) is None
    path.write_bytes(whole[:-4])
    assert read_array(path) is None


@pytest.mark.parametrize("rows", [LEAST_ROWS - 1, LEAST_ROWS])
def test_nothing_is_learnt_from_less_than_six_hours(rows: int) -> None:
    watch = Watch(("a",), (False,))
    watch.history.put(np.zeros((rows, 1), dtype=np.float32))
    assert watch.due() == (rows == LEAST_ROWS)
    watch.asking()
    assert not watch.due()


async def test_a_worker_that_fails_is_asked_again_in_an_hour_and_statistics_go_on(tmp_path: Path) -> None:
    world = world_of({"name": "shop"})
    world.state_dir = tmp_path
    workers = VirtualWorkers(deadly=frozenset({kept_and_learnt}))
    agent = AnomalyDetector(world, workers)
    runs = asyncio.create_task(agent.run(None))  # type: ignore[arg-type] # it says nothing outside of handle
    for minute in range(LEAST_ROWS + 1):
        _told(agent, minute, 5.0, 5.0)
    await asyncio.sleep(600)
    assert workers.started.count("kept_and_learnt") == 1
    for minute in range(LEAST_ROWS + 1, LEAST_ROWS + 62):
        _told(agent, minute, 5.0, 5.0)
    await asyncio.sleep(120)
    assert workers.started.count("kept_and_learnt") == 2
    assert not runs.done()
    runs.cancel()


async def test_after_a_restart_of_ours_the_kept_history_is_learnt_at_once(tmp_path: Path) -> None:
    world = world_of({"name": "shop"})
    world.state_dir = tmp_path
    kept = np.random.default_rng(1).standard_normal((LEAST_ROWS, 2)).astype(np.float32)
    write_array(tmp_path / "models" / "shop.history", NAMES, kept)
    workers = VirtualWorkers()
    agent = AnomalyDetector(world, workers)
    runs = asyncio.create_task(agent.run(None))  # type: ignore[arg-type] # it says nothing outside of handle
    for minute in range(3):
        _told(agent, minute, 5.0, 5.0)
    await asyncio.sleep(90)
    runs.cancel()
    assert workers.started == ["recalled", "kept_and_learnt"]


def test_series_that_come_with_a_later_scrape_are_watched_too() -> None:
    agent = AnomalyDetector(world_of({"name": "shop"}), VirtualWorkers())
    agent.handle(ServiceSampled(service="shop", names=("queue",), values=(1.0,), incarnation="a", at=0.0))
    for minute in range(1, 4):
        _told(agent, minute, 1.0, 2.0)
    assert agent._watches["shop"].history.names == NAMES
