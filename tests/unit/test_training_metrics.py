"""Metrics by hand, and their bootstrap intervals."""

import numpy as np
import pytest

from mlops.training import metrics
from mlops.training.metrics import interval, measure

OUTCOME = np.array([1.0, 0, 1, 0, 1, 0])
SCORE = np.array([0.9, 0.6, 0.5, 0.2, 0.2, 0.1])


def test_metrics_of_a_classifier() -> None:
    found = {name: metric.value for name, metric in measure("classification", OUTCOME, SCORE).items()}
    assert found == {
        "accuracy": pytest.approx(4 / 6),
        "f1": pytest.approx(2 * 2 / (3 + 3)),
        "brier": pytest.approx((0.01 + 0.36 + 0.25 + 0.04 + 0.64 + 0.01) / 6),
        "roc_auc": pytest.approx((3 + 2 + 1.5) / 9),
    }


def test_metrics_of_a_regression() -> None:
    found = {
        name: metric.value
        for name, metric in measure("regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 5])).items()
    }
    assert found == {
        "accuracy": 0.0,
        "r2": -1.0,
        "rmse": pytest.approx((4 / 3) ** 0.5),
        "mae": pytest.approx(2 / 3),
    }
    assert measure("regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 4]))["accuracy"].value == 0.5


def test_what_is_not_defined_is_left_out() -> None:
    assert "roc_auc" not in measure("classification", np.ones(4), SCORE[:4])
    assert set(measure("regression", np.ones(4), SCORE[:4])) == {"rmse", "mae"}


def test_equal_scores_count_half() -> None:
    assert measure("classification", np.array([0.0, 1, 0, 1]), np.full(4, 0.7))["roc_auc"].value == 0.5


def test_the_same_seed_gives_the_same_intervals_and_another_one_others() -> None:
    first, again, other = (measure("classification", OUTCOME, SCORE, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first["brier"] != other["brier"]


def test_intervals_cover_the_truth_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 95 % intervals for a share of 0.7 most hold it; too narrow ones would not."""
    monkeypatch.setattr(metrics, "SAMPLES", 200)
    monkeypatch.setattr(metrics, "MEASURES", {"classification": {"accuracy": metrics.accuracy}})
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(40):
        right = rng.random(200) < 0.7
        found = measure("classification", right.astype(float), np.full(200, 0.9), seed=seed)["accuracy"]
        held += found.low <= 0.7 <= found.high
    assert held >= 35


def test_more_rows_give_narrower_intervals() -> None:
    few = measure("classification", np.tile(OUTCOME, 5), np.tile(SCORE, 5))["accuracy"]
    many = measure("classification", np.tile(OUTCOME, 500), np.tile(SCORE, 500))["accuracy"]
    assert many.high - many.low < (few.high - few.low) / 5


def test_a_value_lies_in_its_own_interval() -> None:
    assert interval(np.array([0.2, 0.3]), 0.9) == (pytest.approx(0.2025), 0.9)
    assert interval(np.array([np.nan]), 0.5) == (0.5, 0.5)
