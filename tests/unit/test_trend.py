"""The robust trend: slope, interval, monotony, and where a slowing rise ends."""

from math import exp, inf
from random import Random

from analysis.trend import fit


def test_one_wild_value_does_not_bend_the_slope() -> None:
    points = [(float(t), 10.0 + 0.5 * t) for t in range(30)]
    points[17] = (17.0, 900.0)
    trend = fit(points)
    assert trend is not None
    assert abs(trend.slope - 0.5) < 0.01
    assert trend.low <= 0.5 <= trend.high


def test_the_interval_holds_the_true_slope_nearly_always() -> None:
    held = 0
    for seed in range(200):
        noise = Random(seed)
        trend = fit([(float(t), 0.3 * t + noise.gauss(0, 2)) for t in range(40)])
        assert trend is not None
        held += trend.low <= 0.3 <= trend.high
    assert held >= 194


def test_noise_without_a_slope_has_an_interval_around_zero() -> None:
    noise = Random(7)
    trend = fit([(float(t), noise.gauss(100, 5)) for t in range(40)])
    assert trend is not None
    assert trend.low < 0 < trend.high
    assert abs(trend.tau) < 0.3


def test_time_to_a_limit_is_infinite_for_a_falling_series_and_zero_beyond_it() -> None:
    falling = fit([(float(t), 100.0 - t) for t in range(10)])
    assert falling is not None
    assert falling.time_to(200, 91) == inf
    assert falling.time_to(80, 91) == 0


def test_a_rise_that_levels_off_has_a_ceiling_near_its_true_end() -> None:
    trend = fit([(float(t), 200 * (1 - exp(-t / 20))) for t in range(60)])
    assert trend is not None
    assert 180 < trend.ceiling(200 * (1 - exp(-59 / 20))) < 230


def test_a_steady_rise_has_no_ceiling() -> None:
    trend = fit([(float(t), 3.0 * t) for t in range(20)])
    assert trend is not None
    assert trend.ceiling(57.0) == inf


def test_few_points_or_no_time_give_no_trend() -> None:
    assert fit([(float(t), 1.0) for t in range(5)]) is None
    assert fit([(3.0, float(t)) for t in range(9)]) is None


def test_confidence_falls_with_the_slope_that_is_needed() -> None:
    noise = Random(3)
    trend = fit([(float(t), t + noise.gauss(0, 3)) for t in range(30)])
    assert trend is not None
    assert trend.confidence(0.2) > 0.95 > trend.confidence(trend.slope) > 0.05 > trend.confidence(3.0)
