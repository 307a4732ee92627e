"""How often the decision is wrong over whole months, and how soon it is right. Soak runs the whole number."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.drift_months import alarms, found_within, months
from mlops.drift.decide import decide
from mlops.drift.freezing import freeze
from mlops.drift.reference import load_reference

SOAK = bool(os.environ.get("NIGHTWARDEN_SOAK"))
LEVEL = 0.1 / 720


def test_months_of_hourly_looks_at_overlapping_windows_stay_quiet() -> None:
    least = months(20, per_hour=50, cells=32)
    assert (
        alarms(least, per_month=0.1).begun <= 6
    )  # 2 are allowed for; more than 6 would be a chance of half a percent
    # with five hundred times the budget there are alarms: else the quiet would prove nothing
    assert 1 <= alarms(least, per_month=50.0).looks <= 20 * 50


@pytest.mark.soak
@pytest.mark.parametrize("per_hour", [50, 1000])
def test_two_hundred_months_keep_the_budget(per_hour: int) -> None:
    least = months(200, per_hour=per_hour)
    for per_month in (0.1, 1.0, 10.0):
        assert alarms(least, per_month=per_month).looks <= 200 * per_month


def test_half_a_sigma_is_found_within_three_hundred_rows_behind_a_day_of_old_ones(tmp_path: Path) -> None:
    trials = 300 if SOAK else 40
    share = found_within(tmp_path, trials, sigmas=0.5, rows=300, per_hour=50, reference_rows=10_000)
    assert share >= 0.9


def test_small_shifts_of_many_rows_stay_quiet(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    freeze(tmp_path / "m.npz", {"x": rng.standard_normal(100_000)}, {}, model="m", source="t", created_at="")
    reference = load_reference(tmp_path / "m.npz")
    for _ in range(50 if SOAK else 5):
        window = {"x": rng.standard_normal(100_000) + 0.03}
        assert decide(reference, window, LEVEL).verdict == "no_drift"
