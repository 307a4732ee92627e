import random
from pathlib import Path

import numpy as np
import pytest

from mlops.places import Places
from mlops.predictions.labels import Matured, matured
from mlops.predictions.records import Label, Prediction, Stamps, rfc3339, unix
from mlops.predictions.writing import append_labels, append_predictions

NOON = unix("2026-11-20T12:00:00Z")
DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file holds is the subject here, not what a power cut would leave of it."""
    monkeypatch.setattr("mlops.predictions.daily._sync", lambda descriptor: None)


def world(places: Places, rng: random.Random, count: int = 400) -> list[Prediction]:
    """Predictions of a week."""
    stamps = Stamps(f"{rng.getrandbits(40):010x}")
    made = []
    for _ in range(count):
        number, timestamp = stamps.next(NOON + rng.uniform(0, 7 * DAY_S))
        made.append(
            Prediction(
                prediction_id=number,
                timestamp=timestamp,
                model="credit",
                model_version=1,
                features={"age": float(rng.randrange(18, 90))},
                prediction=rng.randrange(2),
                probability=rng.random(),
            )
        )
    append_predictions(places, "credit", sorted(made, key=lambda row: row.timestamp))
    return made


def told(rng: random.Random, made: list[Prediction]) -> tuple[list[Label], dict[str, int], set[str]]:
    """Labels 0-30 days late, doubled and conflicting, in any order; the truth; who was told different things."""
    labels, truth, conflicting = [], {}, set()
    for row in made:
        if rng.random() < 0.2:
            continue
        at = unix(row.timestamp) + rng.uniform(0, 30 * DAY_S)
        said = rng.randrange(2)
        if rng.random() < 0.1:
            labels.append(Label(row.prediction_id, 1 - said, rfc3339(at - rng.uniform(0.001, 3600))))
            conflicting.add(row.prediction_id)
        labels += [Label(row.prediction_id, said, rfc3339(at))] * rng.choice((1, 1, 1, 2, 3))
        truth[row.prediction_id] = said
    rng.shuffle(labels)
    return labels, truth, conflicting


def offline(
    made: list[Prediction], truth: dict[str, int], since: float, until: float
) -> tuple[float, float, int]:
    """(accuracy, Brier score, rows) computed over the rows as somebody would who has them all at hand."""
    rows = [row for row in made if row.prediction_id in truth and since <= unix(row.timestamp) < until]
    hits = [row.prediction == truth[row.prediction_id] for row in rows]
    errors = [
        (row.probability - truth[row.prediction_id]) ** 2 for row in rows if row.probability is not None
    ]
    return sum(hits) / len(hits), float(np.sum(np.sort(errors))) / len(errors), len(rows)


def online(found: Matured) -> tuple[float, float, int]:
    errors = np.sort((found.probability - found.labels) ** 2)
    return float((found.prediction == found.labels).mean()), float(np.sum(errors)) / len(errors), found.count


@pytest.mark.parametrize("seed", range(12))
def test_the_true_performance_equals_the_offline_figure_exactly(tmp_path: Path, seed: int) -> None:
    rng, places = random.Random(seed), Places(tmp_path)
    made = world(places, rng)
    labels, truth, conflicting = told(rng, made)
    for part in (labels[:200], labels[200:]):  # as they come; each lands in the file of its own day
        append_labels(places, "credit", part)

    everything = matured(places, "credit")
    assert online(everything) == offline(made, truth, 0, 1e12)
    assert everything.unlabelled == len(made) - len(truth)
    assert set(everything.tally.conflicting) == conflicting
    assert everything.tally.doubled == len(labels) - len(truth) - _changes(labels)
    assert everything.tally.unmatched == 0

    since, until = NOON + 2 * DAY_S, NOON + 4.5 * DAY_S
    assert online(matured(places, "credit", since, until)) == offline(made, truth, since, until)


def _changes(labels: list[Label]) -> int:
    """How often a label was told that differs from the one that counted so far, in the order the files are read."""
    counted: dict[str, Label] = {}
    changes = 0
    for label in sorted(labels, key=lambda each: each.timestamp[:10]):
        known = counted.get(label.prediction_id)
        changes += known is not None and known.label != label.label
        if known is None or label.timestamp >= known.timestamp:
            counted[label.prediction_id] = label
    return changes


def test_labels_of_predictions_that_are_unknown_here_are_counted_and_wait(tmp_path: Path) -> None:
    places, stamps = Places(tmp_path), Stamps()
    inside, outside = stamps.next(NOON)[0], stamps.next(NOON - 5 * DAY_S)[0]
    append_labels(places, "credit", [Label(inside, 1, rfc3339(NOON)), Label(outside, 1, rfc3339(NOON))])
    found = matured(places, "credit", NOON - 1, NOON + 1)
    assert (found.count, found.tally.unmatched) == (0, 1)
    assert matured(places, "credit").tally.unmatched == 2


def test_a_truth_counts_as_told_when_its_first_label_came(tmp_path: Path) -> None:
    places = Places(tmp_path)
    [made] = world(places, random.Random(1), count=1)
    name = made.prediction_id
    for label, at in ((1, NOON + 90), (0, NOON + 30), (1, NOON + 60)):
        append_labels(places, "credit", [Label(name, label, rfc3339(at))])
    found = matured(places, "credit")
    assert (found.labels.tolist(), found.told_at.tolist()) == ([1], [NOON + 30])


def test_a_label_whose_clock_is_behind_stands_in_the_file_of_an_earlier_day_and_is_found(
    tmp_path: Path,
) -> None:
    places, midnight = Places(tmp_path), unix("2026-11-20T00:00:00Z")
    number, timestamp = Stamps().next(midnight + 1)
    row = Prediction(
        prediction_id=number, timestamp=timestamp, model="credit", model_version=1, features={}, prediction=1
    )
    append_predictions(places, "credit", [row])
    append_labels(places, "credit", [Label(number, 1, rfc3339(midnight - 5))])
    assert matured(places, "credit", midnight).count == 1


def test_one_class_by_different_spellings_is_no_conflict(tmp_path: Path) -> None:
    places = Places(tmp_path)
    [row] = world(places, random.Random(1), 1)
    append_labels(
        places, "credit", [Label(row.prediction_id, said, rfc3339(NOON + 1)) for said in (1, True, 1.0)]
    )
    found = matured(places, "credit")
    assert (found.labels.tolist(), found.tally.conflicting, found.tally.doubled) == ([1.0], [], 2)


def test_of_conflicting_labels_with_one_time_the_later_line_counts(tmp_path: Path) -> None:
    places = Places(tmp_path)
    [row] = world(places, random.Random(1), 1)
    append_labels(places, "credit", [Label(row.prediction_id, said, rfc3339(NOON)) for said in (1, 0)])
    found = matured(places, "credit")
    assert found.labels.tolist() == [0.0]
    assert found.tally.conflicting == [row.prediction_id]


def test_classes_that_are_words_stay_words(tmp_path: Path) -> None:
    places = Places(tmp_path)
    [row] = world(places, random.Random(1), 1)
    append_labels(places, "credit", [Label(row.prediction_id, "late", rfc3339(NOON))])
    assert matured(places, "credit").labels.tolist() == ["late"]
