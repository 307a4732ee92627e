"""The matrix of baselines: warm-up, persistence, recovery, and its cost."""

import time

import numpy as np
import pytest

from analysis.robust import IN_A_ROW, WARMUP, Matrix, Scrape
from analysis.series import sources


def fed(values: list[float], name: str = "depth") -> list[list[tuple[int, float]]]:
    """Scores after each sample of one series."""
    matrix = Matrix()
    rows = matrix.rows("shop", sources((name,)))
    found = []
    for value in values:
        matrix.push(rows, np.array([value]))
        found.append(matrix.score())
    return found


def test_a_jump_that_lasts_is_told_from_its_fourth_sample_on() -> None:
    found = fed([10.0, 11.0] * 20 + [90.0] * 6)
    assert [bool(scores) for scores in found[40:]] == [False, False, False, True, True, True]
    assert found[-1][0][1] > 8


def test_single_spikes_are_not_told() -> None:
    assert not any(fed([10.0, 11.0, 10.5] * 20 + [500.0, 10.0, 500.0, 500.0, 11.0] * 10))


def test_nothing_is_told_before_the_usual_is_known() -> None:
    assert not any(fed([10.0] * (WARMUP - 1) + [900.0] * IN_A_ROW)[: WARMUP + IN_A_ROW])


def test_a_level_that_lasts_becomes_usual() -> None:
    found = fed([10.0] * 64 + [100.0] * 64)
    assert any(found[64:])
    assert not any(found[-20:])


def test_a_flat_series_needs_more_than_a_hair() -> None:
    assert not any(fed([0.0] * 40 + [2.0] * 10))
    assert any(fed([0.0] * 40 + [9.0] * 10))


def test_falling_memory_is_good_news() -> None:
    assert not any(fed([400.0] * 40 + [30.0] * 10, "rss_mib"))
    assert any(fed([400.0] * 40 + [4000.0] * 10, "rss_mib"))


def test_what_is_no_number_is_no_sample() -> None:
    assert not any(fed([10.0] * 40 + [float("nan"), float("inf")] * 10))


def test_a_new_life_is_judged_by_nothing_before() -> None:
    matrix = Matrix()
    rows = matrix.rows("shop", sources(("rss_mib",)))
    for _ in range(40):
        matrix.push(rows, np.array([50.0]))
        matrix.score()
    matrix.forget(rows)
    for _ in range(WARMUP + 5):
        matrix.push(rows, np.array([900.0]))
        assert matrix.score() == []


def test_counters_become_rates_and_means_and_a_reset_is_skipped() -> None:
    names = ("hits_total", "wait_seconds_sum", "wait_seconds_count")
    scrape = Scrape(Matrix(), "shop", names, sources(names))
    assert np.isnan(scrape.read(0, (100, 5.0, 10))).all()
    assert scrape.read(10, (150, 6.0, 20)) == pytest.approx([5.0, 1.0, 0.1])
    assert np.isnan(scrape.read(20, (3, 0.1, 1))).all()
    assert np.isnan(scrape.read(30, (3, 0.1, 1))[2])  # no request, no latency


def test_ten_thousand_series_are_scored_within_a_few_milliseconds() -> None:
    random = np.random.default_rng(1)
    matrix = Matrix()
    names = tuple(f"metric_{number}" for number in range(10_000))
    scrape = Scrape(matrix, "shop", names, sources(names))
    costs = []
    for at in range(60):
        values = tuple(random.normal(100, 5, 10_000).tolist())
        began = time.thread_time()
        matrix.push(scrape.rows, scrape.read(float(at), values))
        assert matrix.score() == []
        costs.append(time.thread_time() - began)
    assert sorted(costs)[len(costs) // 2] < 0.008
