"""True performance is the offline figure to the last digit, however labels come."""

import random
from pathlib import Path

import numpy as np
import pytest

from config.monitoring import ModelSpec
from mlops.monitoring.performance import figures, measure
from mlops.monitoring.result import Figures
from mlops.predictions.records import Prediction
from tests.fixtures.monitored import CREDIT, DAY, HOUSING, NOW, label, labels_of, log, reference


def offline(spec: ModelSpec, made: list[Prediction], labels: list[int | float]) -> Figures:
    """The same rows in another order, as somebody has them who waited for all labels."""
    order = random.Random(5).sample(range(len(made)), len(made))
    return figures(
        spec,
        [labels[n] for n in order],
        [made[n].prediction for n in order],
        [np.nan if made[n].probability is None else made[n].probability for n in order],
    )


@pytest.mark.parametrize("spec", [CREDIT, HOUSING], ids=lambda spec: spec.name)
@pytest.mark.parametrize("seed", range(3))
def test_late_unordered_and_doubled_labels_give_the_offline_figure_exactly(
    tmp_path: Path, spec: ModelSpec, seed: int
) -> None:
    places, rng = reference(tmp_path, spec), random.Random(seed)
    made = log(places, 400, spec=spec, until=NOW - 30 * DAY, seed=seed)
    truth = labels_of(made, seed)
    come = [(each, value, NOW - rng.uniform(0, 30) * DAY) for each, value in zip(made, truth, strict=True)]
    come += rng.sample(come, 100)
    rng.shuffle(come)
    label(places, *(list(part) for part in zip(*come, strict=True)))
    told, _ = measure(spec, places, NOW, 32 * DAY)
    assert told.figures == offline(spec, made, truth)
    assert (told.figures.samples, told.unlabelled, told.unmatched) == (400, 0, 0)


def test_while_labels_are_on_their_way_the_figure_is_that_of_those_that_came(tmp_path: Path) -> None:
    places = reference(tmp_path)
    made = log(places, 300)
    truth = labels_of(made)
    label(places, made[:120], truth[:120], [NOW] * 120)
    told, _ = measure(CREDIT, places, NOW, 31 * DAY)
    assert told.figures == offline(CREDIT, made[:120], truth[:120])
    assert told.unlabelled == 180


def test_a_corrected_label_counts_as_corrected_and_is_told(tmp_path: Path) -> None:
    places = reference(tmp_path)
    made = log(places, 50)
    truth = labels_of(made)
    label(places, made, [1 - value for value in truth], [NOW - DAY] * 50)
    label(places, made, truth, [NOW] * 50)
    told, _ = measure(CREDIT, places, NOW, 31 * DAY)
    assert told.figures == offline(CREDIT, made, truth)
    assert told.conflicting == 50


def test_versions_are_told_apart(tmp_path: Path) -> None:
    places = reference(tmp_path)
    made = log(places, 300, version=lambda n: 1 if n < 200 else 2)
    truth = labels_of(made)
    label(places, made, truth, [NOW] * 300)
    told, _ = measure(CREDIT, places, NOW, 31 * DAY)
    assert told.by_version == {
        "1": offline(CREDIT, made[:200], truth[:200]), "2": offline(CREDIT, made[200:], truth[200:]),
    }  # fmt: skip


def test_figures_are_those_of_the_textbook() -> None:
    found = figures(CREDIT, ["1", "1", "0", "0", "1"], [1.0, 0.0, 1.0, 0.0, 1.0], [0.9, 0.4, 0.6, 0.1, 0.8])
    assert found.accuracy == 0.6
    assert found.f1 == pytest.approx(2 / 3)
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.36 + 0.01 + 0.04) / 5)
    line = figures(HOUSING, [1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [np.nan] * 3)
    assert (line.r2, line.mae, line.accuracy) == (0.5, pytest.approx(1 / 3), 0.5)


@pytest.mark.parametrize("spec", [CREDIT, HOUSING], ids=lambda spec: spec.name)
def test_no_labels_are_no_figures(spec: ModelSpec) -> None:
    assert figures(spec, [], [], []) == Figures(samples=0)
