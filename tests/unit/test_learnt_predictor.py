"""The learnt predictor: looks at the past alone, announces wear and what comes back, keeps its promise."""

import numpy as np
import pytest

from analysis.prediction.calibration import interval, threshold
from analysis.prediction.features import Features, scales
from analysis.prediction.record import Floats, record
from analysis.prediction.recurrence import period, recurrence
from tests.fixtures.failing_fleets import DAY, nightly, wearing

HORIZON = (2.0, 8.0)


def test_a_feature_depends_on_no_later_row() -> None:
    fleet = nightly()
    whole, cut = fleet.record(), fleet.record(300)
    rows = np.array([0, 7, 120, 299])
    spread = scales(whole)
    before = Features(cut, spread, 8.0).rows(rows)
    np.testing.assert_allclose(Features(whole, spread, 8.0).rows(rows), before, rtol=1e-4, atol=1e-4)


def test_each_column_has_a_name() -> None:
    fleet = wearing(2, seed=1).record()
    features = Features(fleet, scales(fleet), 8.0)
    assert len(set(features.names)) == features.rows(np.array([3])).shape[1]


def test_the_period_is_found_in_the_figures_and_none_in_noise() -> None:
    assert period(nightly().record(), 8.0) == pytest.approx(DAY, abs=1)
    assert period(wearing(3, seed=2).record(), 8.0) is None


def test_what_failed_at_this_hour_every_day_is_expected_again_and_elsewhere_is_not() -> None:
    fleet = nightly()
    samples = fleet.record()
    chance = recurrence(samples, float(DAY), HORIZON)
    ahead = [
        float(c)
        for c, t, e in zip(chance, samples.t, fleet.entity, strict=True)
        if e == 0 and t == 8 * DAY + 45
    ]
    after = [
        float(c)
        for c, t, e in zip(chance, samples.t, fleet.entity, strict=True)
        if e == 0 and t == 8 * DAY + 70
    ]
    elsewhere = [
        c for c, t, e in zip(chance, samples.t, fleet.entity, strict=True) if e == 1 and t == 8 * DAY + 45
    ]
    assert ahead[0] > 0.8
    assert after[0] < 0.2
    assert elsewhere[0] < 0.05


def test_a_failure_is_not_known_before_it_happens() -> None:
    fleet = nightly(days=4)
    known = [*fleet.failures, (1, 3 * DAY + 60.0)]
    told = record(fleet.entity, np.array(fleet.t), np.array(fleet.values), ("wave", "wear"), known)
    before = told.t < 3 * DAY + 60
    np.testing.assert_array_equal(
        recurrence(told, float(DAY), HORIZON)[before], recurrence(fleet.record(), float(DAY), HORIZON)[before]
    )


@pytest.mark.parametrize("budget", [0.01, 0.1, 0.5])
def test_the_threshold_keeps_the_budget_also_where_scores_are_equal(budget: float) -> None:
    scores: Floats = np.round(np.random.default_rng(0).random(500), 1)
    level = threshold(scores, np.ones(500), budget)
    assert (scores >= level).mean() <= budget


def test_the_interval_is_wide_where_one_entity_makes_all_false_alarms() -> None:
    entity = np.repeat(np.arange(20), 50)
    even, uneven = np.tile(np.r_[1.0, np.zeros(49)], 20), np.zeros(1000)
    uneven[:20] = 1.0
    low, high = interval(even, entity, np.ones(1000))
    assert high - low < 1e-9
    low, high = interval(uneven, entity, np.ones(1000))
    assert (low, high > 0.04) == (0.0, True)


def test_rows_that_are_not_sorted_are_refused() -> None:
    with pytest.raises(ValueError, match="lie apart"):
        record([1, 2, 1], np.arange(3.0), np.zeros((3, 1)), ("x",))
    with pytest.raises(ValueError, match="order of time"):
        record([1, 1], np.array([2.0, 1.0]), np.zeros((2, 1)), ("x",))
