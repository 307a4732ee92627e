"""Targets and encoders: what can be learnt from a table, and what is told where nothing can."""

from typing import Any

import numpy as np
import pytest

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.tables.table import Table, make_table
from mlops.training.encoding import learn_encoder
from mlops.training.target import check_spread, classes_of, leaks, outcomes


def table(**values: list[Any]) -> Table:
    return make_table({
        name: np.array(each, dtype=object if any(isinstance(one, str) for one in each) else np.float64)
        for name, each in values.items()
    })  # fmt: skip


def spec(task: Any = "classification", **more: Any) -> ModelSpec:
    return ModelSpec(name="m", task=task, data="m.csv", target="y", **more)


def test_classes_stand_as_the_table_has_them() -> None:
    assert classes_of(table(y=[0, 1, 1]), spec()) == (0, 1)
    assert classes_of(table(y=[1, 2.5]), spec()) == (2.5, 1)
    assert classes_of(table(y=["no", "yes", None]), spec(positive="yes")) == ("no", "yes")
    assert classes_of(table(y=[1.0, 2, 3]), spec("regression")) is None


@pytest.mark.parametrize(
    ("values", "task", "told"),
    [
        ([1, 1], "classification", "column 'y': only one class, '1'"),
        ([1, 2, 3], "classification", "3 classes: '1', '2', '3'"),
        ([0, 2], "classification", "no row has the positive class '1'; the classes are '0' and '2'"),
        (["a", "b"], "regression", "a regression needs a target of numbers"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_told(values: list[Any], task: str, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        classes_of(table(y=values), spec(task))


def test_outcomes_are_one_zero_or_unknown() -> None:
    words = table(y=["no", "yes", None, "perhaps"])
    assert np.array_equal(outcomes(words, "y", ("no", "yes")), [0, 1, np.nan, np.nan], equal_nan=True)
    assert outcomes(table(y=[2.0, 3]), "y", None).tolist() == [2, 3]


def test_a_constant_target_is_told() -> None:
    with pytest.raises(BadInputError, match="every row to learn from has the same value, 3"):
        check_spread(np.full(5, 3.0), table(y=[3.0]), "y")


ROWS = 200
RNG = np.random.default_rng(0)
OUTCOME = (RNG.random(ROWS) < 0.4).astype(float)


@pytest.mark.parametrize(
    "copy", [OUTCOME, 1 - OUTCOME, OUTCOME * 7 + 3, np.where(OUTCOME == 1, "bad", "good").astype(object)]
)
def test_a_feature_that_is_the_target_in_other_words_is_refused(copy: Any) -> None:
    with pytest.raises(BadInputError, match="column 'copy': is the target 'y' in other words"):
        leaks(make_table({"copy": copy, "y": OUTCOME}), ("copy",), spec(), OUTCOME)


def test_a_feature_that_is_a_multiple_of_a_number_to_predict_is_refused() -> None:
    target = RNG.normal(size=ROWS)
    with pytest.raises(BadInputError, match="is the target"):
        leaks(make_table({"x": target * -2.54 + 3}), ("x",), spec("regression"), target)


def test_a_feature_that_tells_the_target_alone_is_a_note() -> None:
    score = OUTCOME + RNG.random(ROWS) * 0.5
    words = np.where(OUTCOME == 1, RNG.choice(["a", "b"], ROWS), "c").astype(object)
    notes = leaks(make_table({"score": score, "words": words}), ("score", "words"), spec(), OUTCOME)
    assert [note.split(" alone")[0] for note in notes] == ["column 'score'", "column 'words'"]
    target = RNG.normal(size=ROWS)
    near = make_table({"near": target + RNG.normal(size=ROWS) * 0.01})
    assert len(leaks(near, ("near",), spec("regression"), target)) == 1


def test_honest_features_are_no_leak() -> None:
    honest = make_table({
        "number": OUTCOME + RNG.normal(size=ROWS), "flat": np.ones(ROWS), "holes": np.where(OUTCOME == 1, 5.0, np.nan),
        "word": RNG.choice(["a", "b"], ROWS).astype(object),
        "id": np.array([f"row {n}" for n in range(ROWS)], dtype=object),
    })  # fmt: skip
    assert leaks(honest, honest.names, spec(), OUTCOME) == []


def test_an_encoder_learns_medians_categories_and_what_may_be_missing() -> None:
    found = learn_encoder(table(a=[1, 2, 10, np.nan], c=["x", "y", "x", "y"]), ("a", "c"), fill=True)
    assert (found.numbers[0].fill, found.numbers[0].nullable) == (2, True)
    assert (found.categories[0].values, found.categories[0].nullable) == (("x", "y"), False)
    assert learn_encoder(table(a=[1.0, 2]), ("a",), fill=False).numbers[0].fill is None


def test_a_column_without_a_value_and_one_of_names_are_told() -> None:
    with pytest.raises(BadInputError, match="column 'a': no row to learn from has a value"):
        learn_encoder(table(a=[np.nan, np.nan]), ("a",), fill=True)
    with pytest.raises(BadInputError, match="holds 100 different texts in 100 rows: names, no categories"):
        learn_encoder(table(id=[f"n{n}" for n in range(100)]), ("id",), fill=True)


def test_rare_values_of_a_category_count_as_none_of_the_known() -> None:
    values = [f"v{n % 60:02}" for n in range(600)] + ["v00"]
    assert len(learn_encoder(table(c=values), ("c",), fill=True).categories[0].values) == 50
