"""A detector that is learnt in a real worker process arrives whole and goes on scoring here."""

from pathlib import Path

import numpy as np

from agents.detecting.learning import DEADLINE_S, kept_and_learnt, recalled
from analysis.detection.service import LEAST_ROWS, Guard
from utils.workers import ProcessWorkers


async def test_what_a_worker_learnt_judges_here(tmp_path: Path) -> None:
    load = np.random.default_rng(1).standard_normal(LEAST_ROWS + 20)
    rows = np.column_stack([load, load]).astype(np.float32)
    path = tmp_path / "models" / "shop.history"
    workers = ProcessWorkers()
    learnt = await workers.run(kept_and_learnt, DEADLINE_S, path, ("a", "b"), rows[:LEAST_ROWS], 1.0)
    guard = Guard(learnt)
    assert not any(guard.judge(row.astype(float)) for row in rows[LEAST_ROWS:])
    assert guard.judge(np.array([9.0, -9.0]))
    kept = await workers.run(recalled, DEADLINE_S, path)
    assert kept is not None
    assert np.array_equal(kept[1], rows[:LEAST_ROWS])
