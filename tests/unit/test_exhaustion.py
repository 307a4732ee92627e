"""Resource exhaustion: leaks are told with a sound lead time, everything else that rises is not told."""

from collections.abc import Callable
from math import exp
from random import Random

import pytest

from analysis.exhaustion import ACT, EARLY, REACHED, Outlook, Series

LIMIT = 256.0


def outlooks(
    value: Callable[[float], float], until_s: float, step_s: float = 5.0
) -> list[tuple[float, Outlook]]:
    series = Series("one life")
    found = []
    for step in range(int(until_s / step_s)):
        at = step * step_s
        outlook = series.add(at, value(at), LIMIT, horizon_s=900, warmup_s=60)
        if outlook:
            found.append((at, outlook))
    return found


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("begins_at", [0.0, 900.0])
def test_a_leak_is_told_before_the_limit_with_a_lead_time_within_a_tenth(
    rate: float, begins_at: float
) -> None:
    noise = Random(1)
    end = begins_at + (LIMIT - 60) / rate
    told = outlooks(lambda at: 60 + rate * max(0.0, at - begins_at) + noise.gauss(0, 1), end - 1)
    at, outlook = told[0]
    assert at >= begins_at + 60
    assert outlook.lead_time_s == pytest.approx(end - at, rel=0.12, abs=10)


def test_urgency_rises_from_early_to_act_to_reached() -> None:
    noise = Random(2)
    told = outlooks(lambda at: 60 + 0.05 * at + noise.gauss(0, 1), 4200)
    levels = [outlook.level for _, outlook in told]
    assert levels == sorted(levels)
    assert set(levels) == {EARLY, ACT, REACHED}
    assert all((outlook.level == ACT) == (0 < outlook.lead_time_s <= 900) for _, outlook in told)


def test_one_value_above_the_ceiling_is_not_yet_exhaustion() -> None:
    assert outlooks(lambda at: 300.0 if at % 50 < 10 else 100.0, 600) == []
    [(at, outlook), *_] = outlooks(lambda _at: 300.0, 600)
    assert (at, outlook.level, outlook.lead_time_s) == (10.0, REACHED, 0.0)


def wandering(random: Random) -> Callable[[float], float]:
    level = [100.0]

    def value(_at: float) -> float:
        level[0] += 0.05 * (100 - level[0]) + random.gauss(0, 2)
        return level[0]

    return value


def harmless(kind: str, random: Random) -> Callable[[float], float]:
    level, spread = random.uniform(20, 220), random.uniform(0.5, 8)
    period, height = random.uniform(10, 60), random.uniform(10, 120)
    return {
        "noise": lambda _at: level + random.gauss(0, spread),
        "saw-tooth": lambda at: 100 + height * (at % period) / period + random.gauss(0, 1),
        "warm-up": lambda at: 40 + 1.2 * height * (1 - exp(-at / period)) + random.gauss(0, 1),
        "load peak": lambda at: 60 + height * max(0.0, 1 - abs(at - 120) / period) + random.gauss(0, 2),
        "wandering": wandering(random),
    }[kind]


KINDS = ("noise", "saw-tooth", "warm-up", "load peak", "wandering")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_leak_is_never_told(kind: str) -> None:
    assert told_of(kind, range(15)) == []  # many more in tests/integration/sweeps


def told_of(kind: str, seeds: range) -> list[int]:
    return [seed for seed in seeds if outlooks(harmless(kind, Random(seed)), 400)]


@pytest.mark.parametrize("kind", [*KINDS, "bursts"])
def test_what_is_no_leak_is_not_told_where_samples_come_every_second(kind: str) -> None:
    assert told_every_second(kind, range(8)) == []


def told_every_second(kind: str, seeds: range) -> list[int]:
    def value_of(random: Random) -> Callable[[float], float]:
        return (lambda _at: random.choice((40.0, 240.0))) if kind == "bursts" else harmless(kind, random)

    return [seed for seed in seeds if outlooks(value_of(Random(seed)), 300, step_s=1.0)]


@pytest.mark.parametrize("rate", [4.0, 10.0, 15.0])
@pytest.mark.parametrize("begins_at", [60.0, 600.0])
def test_a_leak_that_takes_seconds_is_told_before_the_limit_too(rate: float, begins_at: float) -> None:
    noise = Random(4)
    end = begins_at + (LIMIT - 40) / rate
    told = outlooks(
        lambda at: 40 + rate * max(0.0, at - begins_at) + noise.gauss(0, 0.5), end - 1, step_s=1.0
    )
    at, outlook = told[0]
    assert outlook.level == ACT
    assert 2 <= end - at <= 40
    assert outlook.lead_time_s == pytest.approx(end - at, rel=0.3, abs=3)


@pytest.mark.parametrize("lasts_s", [3.0, 8.0, 15.0, 30.0])
def test_a_start_that_takes_much_memory_is_no_leak(lasts_s: float) -> None:
    noise = Random(5)
    assert outlooks(lambda at: 40 + 190 * min(1.0, at / lasts_s) + noise.gauss(0, 0.5), 300, step_s=1.0) == []


@pytest.mark.parametrize("top", [120.0, 150.0, 180.0])
@pytest.mark.parametrize("rise_s", [2.0, 4.0, 10.0, 20.0])
def test_a_peak_that_ends_well_below_the_ceiling_is_no_leak(top: float, rise_s: float) -> None:
    noise = Random(6)

    def value(at: float) -> float:
        share = min(max(0.0, (at - 100) / rise_s), 1.0)
        return 60 + (top - 60) * share + noise.gauss(0, 1)

    assert outlooks(value, 300, step_s=1.0) == []


@pytest.mark.parametrize("tau_s", [5.0, 8.0, 12.0])
def test_a_cache_that_fills_up_below_the_ceiling_is_no_leak(tau_s: float) -> None:
    noise = Random(7)

    def value(at: float) -> float:
        return 60 + 170 * (1 - exp(-max(0.0, at - 100) / tau_s)) + noise.gauss(0, 0.5)

    assert outlooks(value, 300, step_s=1.0) == []


@pytest.mark.parametrize("period_s", [4, 10, 20])
def test_a_saw_of_garbage_collections_is_no_leak(period_s: int) -> None:
    assert outlooks(lambda at: 100 + 60 * (at % period_s) / period_s, 900, step_s=1.0) == []


def test_ground_from_which_it_fell_back_is_not_told_again() -> None:
    def slow_tooth(at: float) -> float:
        return 100 + 0.18 * (at % 800)

    first_fall = 800
    told = [at for at, _ in outlooks(slow_tooth, 4 * 800) if at >= first_fall]
    assert told == []


def test_a_leak_above_known_ground_is_told() -> None:
    told = outlooks(lambda at: 150.0 - at * 0.1 if at < 300 else 120 + 0.1 * (at - 300), 1500)
    assert told
    assert told[0][0] > 600


def test_values_that_are_no_numbers_are_skipped() -> None:
    assert Series("x").add(0, float("nan"), LIMIT, horizon_s=900, warmup_s=60) is None
