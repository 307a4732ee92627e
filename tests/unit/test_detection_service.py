"""A service's own detector: rows by the minute, an alarm whose level keeps its promise, lives that begin elsewhere."""

import numpy as np
import pytest

from analysis.detection.rows import Floats
from analysis.detection.service import (
    LEAST_ROWS,
    MOST_ROWS,
    PROMISE,
    SETTLING_ROWS,
    Guard,
    History,
    learn,
    level_of,
)


def _rows(count: int, seed: int = 2) -> Floats:
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(count) / 60.0) + 0.1 * rng.standard_normal(count)
    return np.column_stack([load, 2 * load, 60.0 + 0.0 * load]) + 0.05 * rng.standard_normal((count, 3))


@pytest.fixture(scope="module")
def guarded() -> tuple[Guard, Floats]:
    rows = _rows(1500)
    return Guard(learn(rows[:1000].astype(np.float32))), rows[1000:]


def test_an_anomaly_is_alarmed_with_the_metric_that_shows_it_and_what_was_forecast() -> None:
    rows = _rows(1200)
    guard = Guard(learn(rows[:1000].astype(np.float32)))
    assert not any(guard.judge(row) for row in rows[1000:1100])
    broken = rows[1100].copy()
    broken[1] += 3.0
    [first, *_] = guard.judge(broken)
    assert first.metric == 1
    assert first.value == broken[1]
    assert first.expected == pytest.approx(rows[1100, 1], abs=0.6)
    assert first.sigmas > 5


def test_memory_that_begins_a_new_life_elsewhere_alarms_nothing_and_is_guarded_again() -> None:
    rows = _rows(1300)
    rows[1100:, 2] += 25.0
    guard = Guard(learn(rows[:1000].astype(np.float32)))
    for row in rows[1000:1100]:
        guard.judge(row)
    guard.new_life([False, False, True])
    assert not any(guard.judge(row) for row in rows[1100:1250])
    rows[1250, 2] += 5.0
    assert guard.judge(rows[1250])[0].metric == 2


def test_without_a_new_life_the_same_step_alarms() -> None:
    rows = _rows(1200)
    rows[1100:, 2] += 25.0
    guard = Guard(learn(rows[:1000].astype(np.float32)))
    assert any([guard.judge(row) for row in rows[1000:1200]][100 : 100 + SETTLING_ROWS])


def test_what_goes_on_for_ever_is_alarmed_less_and_less() -> None:
    rows = _rows(4000)
    rows[1000:] += np.random.default_rng(5).standard_normal((3000, 3))  # noisier for good
    guard = Guard(learn(rows[:1000].astype(np.float32)))
    alarms = [bool(guard.judge(row)) for row in rows[1000:]]
    assert sum(alarms[-1000:]) <= 10 * PROMISE * 1000


def test_the_level_is_the_promised_quantile_and_lies_beyond_the_highest_of_few() -> None:
    many = np.arange(10_000.0)
    assert level_of(many) == pytest.approx(9_990, abs=2)
    assert level_of(many[:100]) > 99


def test_history_is_means_by_the_minute_without_what_is_no_number() -> None:
    history = History(["a", "b"])
    for second in range(0, 180, 5):
        history.take(1000.0 + second, np.array([float(second), np.nan]))
    assert len(history) == 2
    first, second_row = history.rows()
    assert first[0] == pytest.approx(27.5)
    assert second_row[0] == pytest.approx(87.5)
    assert np.isnan(first[1])


def test_a_gap_ends_no_minute_and_history_is_bounded() -> None:
    history = History(["a"])
    history.take(0.0, np.array([1.0]))
    assert history.take(1000.0, np.array([1.0])) is None
    for minute in range(MOST_ROWS + 2 * LEAST_ROWS):
        history.take(2000.0 + 60.0 * minute, np.array([float(minute)]))
    assert MOST_ROWS - LEAST_ROWS < len(history) <= MOST_ROWS
    assert history.rows()[-1, 0] == MOST_ROWS + 2 * LEAST_ROWS - 2
