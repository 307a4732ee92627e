"""The learnt predictor, fitted by the real library, keeps its promise on units that it never saw."""

from analysis.prediction.learnt import learn
from analysis.prediction.record import time_to_failure
from tests.fixtures.failing_fleets import wearing


def test_wear_is_announced_on_units_never_seen_within_the_promised_false_alarms() -> None:
    model = learn(wearing(16, seed=3).record(), (0.0, 8.0), 0.02, rounds=25)
    assert model is not None
    other = wearing(30, seed=4, first=100).record()
    ahead, alarm = time_to_failure(other), model.score(other) >= model.threshold
    inside = ahead <= 8
    assert alarm[inside].mean() > 0.8
    assert alarm[~inside].mean() < 0.05
    assert model.held.false_low <= model.held.false_rate <= model.held.false_high


def test_two_failures_are_too_few_to_learn_from() -> None:
    assert learn(wearing(2, seed=5).record(), (0.0, 8.0), 0.01) is None
