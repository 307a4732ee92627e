"""Slow rises: a leak of a day is told in time, a wave and a step are not told, a word that lapsed keeps none back."""

import math

import pytest

from analysis.prediction.slow import SlowSeries

LIMIT, HORIZON_S = 512.0, 900.0
HOUR_S = 3600.0


def first_told(levels: "list[float]", step_s: float = 60.0) -> float | None:
    series = SlowSeries()
    for number, level in enumerate(levels):
        wobble = 0.002 * LIMIT * math.sin(number * 2.399)
        if series.add(number * step_s, level * LIMIT + wobble, LIMIT, HORIZON_S):
            return number * step_s
    return None


@pytest.mark.parametrize("hours", [1.5, 6.0, 24.0])
def test_a_leak_is_told_half_an_hour_ahead_however_slow(hours: float) -> None:
    rows = int(hours * 60)
    told = first_told([0.4 + 0.6 * row / rows for row in range(rows)])
    assert told is not None
    assert hours * HOUR_S - told >= 1800


def test_a_daily_wave_is_not_told() -> None:
    assert first_told([0.6 + 0.2 * math.sin(2 * math.pi * row / 1440) for row in range(2 * 1440)]) is None


def test_a_step_is_not_told() -> None:
    assert first_told([0.5 if row < 100 else 0.8 for row in range(600)]) is None


def test_what_levels_off_below_the_ceiling_is_not_told() -> None:
    assert first_told([0.4 + 0.4 * (1 - math.exp(-row / 120)) for row in range(900)]) is None
