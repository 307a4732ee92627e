"""The learnt detector: repeatable in blocks of any size, blind to the future, and it finds what breaks the usual."""

import numpy as np

from analysis.detection.ensemble import LEARN_AFTER, LEARN_EVERY, Ensemble
from analysis.detection.rows import Floats


def _service(rows: int, seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(rows) / 40.0) + 0.1 * rng.standard_normal(rows)
    noise = 0.05 * rng.standard_normal((rows, 3))
    return np.column_stack([load, 2.0 * load, 5.0 - load]) + noise


def test_blocks_of_any_size_come_out_as_one() -> None:
    rows = _service(700 + LEARN_AFTER + 2 * LEARN_EVERY)
    whole = Ensemble(rows[:600]).score(rows[600:])
    detector, parts, start = Ensemble(rows[:600]), [], 600
    for size in (1, 2, 63, 700, 1, 5000):
        parts.append(detector.score(rows[start : start + size]))
        start += size
    assert np.allclose(np.concatenate(parts), whole, rtol=1e-4, atol=1e-6)


def test_a_score_does_not_know_what_comes_later() -> None:
    rows = _service(900)
    whole = Ensemble(rows[:600]).score(rows[600:])
    assert np.allclose(Ensemble(rows[:600]).score(rows[600:700]), whole[:100])


def test_metrics_that_stop_moving_together_score_higher_than_all_before() -> None:
    rows = _service(1200)
    rows[1000:1040, 1] += 1.5
    score = Ensemble(rows[:600]).score(rows[600:])
    assert score[405:440].min() > np.quantile(score[:400], 0.99)


def test_a_metric_alone_is_scored_too_and_what_is_no_number_counts_as_usual() -> None:
    rows = _service(1000)[:, :1]
    rows[700] = np.nan
    rows[900] += 3.0
    score = Ensemble(rows[:600]).score(rows[600:])
    assert np.isfinite(score).all()
    assert int(np.argmax(score)) in range(300, 306)
