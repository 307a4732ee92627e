"""Rows and tables as vectors: what a bad one is told, and that both ways give the same score."""

from math import exp, inf, nan
from typing import Any

import numpy as np
import pytest

from mlops.errors import BadInputError
from mlops.models.encoder import NumberField
from mlops.models.rows import BadRowError
from tests.fixtures.small_models import columns, small_model

ROW = {"age": 30, "income": 2000.0, "home": "rent"}


def test_a_row_gives_the_prediction_in_the_words_of_the_target_and_its_probability() -> None:
    prediction, probability = small_model(classes=("good", "bad")).score_row(ROW)
    assert probability == pytest.approx(1 / (1 + exp(-(3 - 2 + 0.5))), abs=1e-15)
    assert prediction == "bad"
    assert small_model(intercept=-5, classes=("good", "bad")).score_row(ROW)[0] == "good"


def test_a_regression_has_no_probability() -> None:
    assert small_model(classes=None).score_row(ROW) == (1.5, None)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("age", "30", "should be a number, it is '30'"),
        ("age", True, "should be a number, it is True"),
        ("age", [1], "should be a number"),
        ("age", nan, "should be a finite number, it is nan"),
        ("income", -inf, "should be a finite number, it is -inf"),
        ("income", 10**400, "should be a number"),
        ("income", None, "is null; it never was in the training"),
        ("home", 3, "should be a text, it is 3"),
        ("home", None, "is null; it never was in the training"),
    ],
)
def test_a_bad_value_is_told_with_its_field(field: str, value: Any, told: str) -> None:
    with pytest.raises(BadRowError) as raised:
        small_model().score_row({**ROW, field: value})
    assert raised.value.field == field
    assert raised.value.problem.startswith(told)


@pytest.mark.parametrize("field", ROW)
def test_an_absent_field_is_told(field: str) -> None:
    with pytest.raises(BadRowError, match=f"{field}: is missing"):
        small_model().score_row({name: value for name, value in ROW.items() if name != field})


def test_null_is_a_missing_value_where_the_training_had_missing_values() -> None:
    model = small_model(classes=None, nullable=True)
    assert model.score_row({"age": None, "income": 1000, "home": None}) == (40 * 0.1 - 1, None)


def test_a_category_that_was_never_seen_stands_for_none_of_the_known() -> None:
    assert small_model(classes=None).score_row({**ROW, "home": "tent"}) == (1.0, None)


def test_fields_that_no_model_asked_for_are_left_alone() -> None:
    assert small_model().score_row({**ROW, "comment": object()}) == small_model().score_row(ROW)


def test_numbers_of_numpy_are_numbers() -> None:
    row = {**ROW, "age": np.int64(30), "income": np.float32(2000)}
    assert small_model().score_row(row) == small_model().score_row(ROW)


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadRowError, match="too large"):
        small_model(1.79e308, classes=None).score_row({**ROW, "age": 1.79e308})


def test_a_table_scores_as_its_rows_do() -> None:
    model = small_model(nullable=True)
    table = columns(
        {"age": [30, nan, 50], "income": [2000, 100, nan], "home": ["rent", None, "tent"], "x": [1, 2, 3]}
    )
    predictions, probabilities = model.score_table(table)
    rows = [{name: table.columns[name][n] for name in ROW} for n in range(3)]
    rows = [
        {name: None if value is None or value != value else value for name, value in row.items()}
        for row in rows
    ]
    scored = [model.score_row(row) for row in rows]
    assert probabilities is not None
    assert np.allclose(probabilities, [p for _, p in scored], rtol=0, atol=1e-15)
    assert predictions.tolist() == [p for p, _ in scored]


def test_a_table_that_does_not_fit_is_told_with_its_column() -> None:
    model = small_model()
    with pytest.raises(BadInputError, match=r"table.csv: has no column 'home'"):
        model.score_table(columns({"age": [1.0], "income": [1.0]}))
    with pytest.raises(BadInputError, match="column 'age' should hold numbers, it holds 'old'"):
        model.score_table(columns({"age": ["old"], "income": [1.0], "home": ["own"]}))
    with pytest.raises(BadInputError, match="column 'home' should hold words, it holds numbers"):
        model.score_table(columns({"age": [1], "income": [1.0], "home": [1.0]}))
    with pytest.raises(BadInputError, match="column 'income' holds an infinite number"):
        model.score_table(columns({"age": [1], "income": [inf], "home": ["own"]}))


def test_an_empty_column_is_one_of_missing_values_whatever_its_kind() -> None:
    model = small_model(classes=None)
    assert model.score_table(columns({"age": [30], "income": [2000], "home": [nan]}))[0].tolist() == [1.0]


def test_places_of_the_vector_have_names() -> None:
    assert small_model().encoder.places == ("age", "income", "home=own", "home=rent")
    assert NumberField("a", None, nullable=True).fill is None


@pytest.mark.parametrize(
    ("label", "outcome"),
    [(1, 1.0), ("1", 1.0), ("1.0", 1.0), (0.0, 0.0), (2, None), (None, None), ("yes", None)],
)
def test_a_label_is_told_as_an_outcome(label: Any, outcome: float | None) -> None:
    assert small_model(classes=(0, 1)).card.outcome(label) == outcome
    words = small_model(classes=("no", "yes")).card
    assert (words.outcome("yes"), words.outcome("no"), words.outcome(1)) == (1.0, 0.0, None)
    assert (small_model(classes=None).card.outcome("2.5"), small_model(classes=None).card.outcome(nan)) == (
        2.5,
        None,
    )
