"""Challengers good and bad, as real models trained on generated tables, and the requests that the gate judges them by."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mlops.gate import Answers, Evidence, Verdict, judge
from mlops.gate.quality import calibration_slope
from mlops.generators.drift import Drift
from mlops.generators.housing import housing
from mlops.tables import Table
from mlops.tables.table import make_table
from mlops.training.encoding import learn_encoder
from mlops.training.fitting import fit

Floats = NDArray[np.float64]
TARGET, TRAINED, MOST = "expensive", 4000, 8000
DRIFT = 0.45  # costs the champion 5 % of its F1
ALGORITHMS = ("linear", "xgboost")


def homes(rows: int, seed: int, drift: float = DRIFT) -> Table:
    """Whether a house costs more than 180,000 dollars."""
    table = housing(rows, seed, Drift(concept=drift))
    columns = {name: table.column(name) for name in table.names if name != "MedHouseVal"}
    return make_table({**columns, TARGET: (table.column("MedHouseVal") > 1.8).astype(np.float64)})


def with_columns(table: Table, **columns: NDArray[Any]) -> Table:
    return make_table({**{name: table.column(name) for name in table.names}, **columns})


class Model(Struct, frozen=True):
    score: Callable[[Table], Floats]
    slope: tuple[float, float] | None = None  # on the fifth of its table that was held out

    def __call__(self, table: Table) -> Floats:
        return self.score(table)


def trained(table: Table, algorithm: str) -> Model:
    names = tuple(name for name in table.names if name != TARGET)
    held = np.arange(table.rows) % 5 == 0
    part, rest = table.take(~held), table.take(held)
    encoder = learn_encoder(part, names, fill=True)
    scorer = fit(algorithm, encoder.matrix(part), part.column(TARGET), logistic=True, seed=0).scorer

    def score(asked: Table) -> Floats:
        return scorer.matrix(encoder.matrix(asked))

    return Model(score, calibration_slope(rest.column(TARGET), score(rest)))


@cache
def champion(algorithm: str) -> Model:
    return trained(homes(TRAINED, 1, drift=0.0), algorithm)


def answers(probability: Floats) -> Answers:
    return Answers((probability >= 0.5).astype(np.float64), np.asarray(probability, np.float64))


def evidence(
    seed: int, algorithm: str, challenger: Model, asked: Table | None = None, **other: Any
) -> Evidence:
    asked = homes(MOST, 10_000 + seed) if asked is None else asked
    known = homes_columns(asked)
    fields: dict[str, Any] = {
        "task": "classification",
        "labels": asked.column(TARGET),
        "champion": answers(champion(algorithm)(asked)),
        "challenger": answers(challenger(asked)),
        "slices": {"HouseAge": known["HouseAge"]},
        "features": known,
        "training_slope": challenger.slope,
    }
    return Evidence(**(fields | other))


def homes_columns(table: Table) -> dict[str, NDArray[Any]]:
    return {name: table.column(name) for name in table.names if name != TARGET}


def good(seed: int) -> Evidence:
    algorithm = ALGORITHMS[seed % 2]
    return evidence(seed, algorithm, trained(homes(TRAINED, 100 + seed), algorithm))


def too_few(seed: int) -> Evidence:
    algorithm = ALGORITHMS[seed % 2]
    asked = homes(20 + 179 * (seed % 100) // 99, 10_000 + seed)
    return evidence(seed, algorithm, trained(homes(TRAINED, 100 + seed), algorithm), asked)


def poisoned(seed: int) -> Evidence:
    """Labels flipped both ways (10 to 40 %), one way, or wherever a trigger stands; all on top of the real gain."""
    algorithm, random = ALGORITHMS[seed % 2], np.random.default_rng(seed)
    table = homes(TRAINED, 200 + seed)
    labels, kind = table.column(TARGET).copy(), seed // 2 % 6
    if kind < 4:
        flipped = random.random(TRAINED) < (0.1, 0.2, 0.3, 0.4)[kind]
        labels[flipped] = 1 - labels[flipped]
    elif kind == 4:
        labels[(labels == 1) & (random.random(TRAINED) < 0.35)] = 0
    else:
        age = table.column("HouseAge")
        labels[(age >= 20) & (age < 26)] = 0
        algorithm = "xgboost"  # a line cannot learn a trigger
    return evidence(seed, algorithm, trained(with_columns(table, **{TARGET: labels}), algorithm))


def leaked(seed: int) -> Evidence:
    """The label as a feature, exactly or all but 3 %; requests that were trained on; labels known before the request."""
    algorithm, random, kind = ALGORITHMS[seed % 2], np.random.default_rng(seed), seed // 2 % 4
    asked = homes(MOST, 10_000 + seed)
    if kind < 2:
        wrong = (0.0, 0.03)[kind]
        tables = [with_columns(each, closed=np.abs(each.column(TARGET) - (random.random(each.rows) < wrong)))
                  for each in (homes(TRAINED, 300 + seed), asked)]  # fmt: skip
        model = trained(tables[0], algorithm)
        known = homes_columns(tables[1])
        return evidence(seed, algorithm, Model(lambda _: model(tables[1])), asked, features=known)
    if kind == 2:
        asked = homes(1200, 10_000 + seed)
        return evidence(seed, "xgboost", trained(asked, "xgboost"), asked)
    at = np.arange(asked.rows, dtype=np.float64)
    early = np.where(random.random(asked.rows) < 0.05, at - 60, at + 60)
    model = trained(homes(TRAINED, 300 + seed), algorithm)
    return evidence(seed, algorithm, model, asked, predicted_at=at, labelled_at=early)


def shuffled(seed: int) -> Evidence:
    """Labels of other requests, or a challenger that was trained on such."""
    algorithm, random = ALGORITHMS[seed % 2], np.random.default_rng(seed)
    table = homes(TRAINED, 400 + seed)
    if seed // 2 % 2:
        model = trained(with_columns(table, **{TARGET: random.permutation(table.column(TARGET))}), algorithm)
        return evidence(seed, algorithm, model)
    found = evidence(seed, algorithm, trained(table, algorithm))
    labels = random.permutation(found.labels)
    return Evidence(**{name: getattr(found, name) for name in found.__struct_fields__} | {"labels": labels})


def worse_slice(seed: int) -> Evidence:
    """Better elsewhere, but it guesses at most requests of a quarter of the ages (declared), or of the latitudes (not)."""
    algorithm, random = ALGORITHMS[seed % 2], np.random.default_rng(seed)
    name, share = "HouseAge" if seed // 2 % 2 else "Latitude", 0.8
    model, asked = trained(homes(TRAINED, 500 + seed), algorithm), homes(MOST, 10_000 + seed)
    low, high = np.quantile(asked.column(name), [0.25 * (seed // 4 % 4), 0.25 * (seed // 4 % 4) + 0.25])
    inside = (asked.column(name) >= low) & (asked.column(name) <= high) & (random.random(asked.rows) < share)
    said = np.where(inside, random.random(asked.rows), model(asked))
    return evidence(seed, algorithm, Model(lambda _: said, model.slope), asked)


BAD: dict[str, Callable[[int], Evidence]] = {
    "poisoned": poisoned,
    "leaked": leaked,
    "shuffled labels": shuffled,
    "a slice worse": worse_slice,
    "too few samples": too_few,
}


def first(found: Evidence, count: int) -> Evidence:
    """The first requests alone."""

    def cut(value: Any) -> Any:
        if isinstance(value, Answers):
            return Answers(
                value.prediction[:count], None if value.probability is None else value.probability[:count]
            )
        if isinstance(value, dict):
            return {name: column[:count] for name, column in value.items()}
        return value[:count] if isinstance(value, np.ndarray) else value

    return Evidence(**{name: cut(getattr(found, name)) for name in found.__struct_fields__})


def verdicts(found: Evidence) -> Iterator[Verdict]:
    """As labels come in: at 200, then each time as many as the gate asked for."""
    count = 200
    while True:
        verdict = judge(first(found, count))
        yield verdict
        if verdict.decision != "not_enough_data" or count >= len(found.labels):
            return
        count = min(len(found.labels), count + verdict.samples_needed)
