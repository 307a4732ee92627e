"""The tests behind a drift verdict hold their level at any number of rows, and see what they have to see."""

import math
from pathlib import Path

import numpy as np
import pytest

from mlops.drift import categories, ordered
from mlops.drift.arrays import Column
from mlops.drift.columns import Limits
from mlops.drift.decide import decide
from mlops.drift.freezing import freeze
from mlops.drift.reference import Reference, load_reference
from mlops.drift.special import fisher_two_sided
from mlops.drift.verdict import ColumnVerdict, Verdict

LEVEL = 0.1 / 720  # an hourly look
TWENTY = [f"f{n}" for n in range(20)]


def frozen(
    tmp_path: Path, features: dict[str, Column], outputs: dict[str, Column] | None = None
) -> Reference:
    path = tmp_path / "m.npz"
    freeze(path, features, outputs or {}, model="m", source="test", created_at="2026-11-20T00:00:00Z")
    return load_reference(path)


def words(cells: list[str | None]) -> Column:
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def only(verdict: Verdict) -> ColumnVerdict:
    [column] = verdict.features
    return column


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


# --- each test keeps its level ---


@pytest.mark.parametrize(("m", "n", "step"), [(60, 30, 0.0), (300, 300, 0.0), (200, 50, 0.5)])
def test_both_tests_of_numbers_reject_no_more_often_than_they_say(m: int, n: int, step: float) -> None:
    rng = np.random.default_rng(1)
    levels = np.array([0.3, 0.1, 0.02])
    hits = np.zeros((2, 3))
    for _ in range(400):
        reference, window = rng.standard_normal(m), rng.standard_normal(n)
        if step:
            reference, window = np.round(reference / step), np.round(window / step)
        edges = ordered.cut(np.sort(reference), 32)
        counts = ordered.tally(np.sort(reference), edges), ordered.tally(np.sort(window), edges)
        hits += np.array([ordered.place(*counts)[0] <= levels, ordered.shape(*counts)[0] <= levels])
    assert (hits / 400 <= levels + 3 * np.sqrt(levels / 400)).all()


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.6, 0.3, 0.1], [0.3, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02]])
def test_the_test_of_categories_rejects_no_more_often_than_it_says(shares: list[float]) -> None:
    rng = np.random.default_rng(2)
    names = [str(n) for n in range(len(shares))]
    p = []
    for _ in range(300):
        counts = [dict(zip(names, rng.multinomial(rows, shares).tolist(), strict=True)) for rows in (400, 90)]
        p.append(categories.p_value(categories.lumped(counts[0], counts[1]))[0])
    assert np.mean(np.array(p) <= 0.1) <= 0.1 + 3 * math.sqrt(0.1 / 300)


def test_new_identifiers_are_no_drift_where_every_value_is_new(tmp_path: Path) -> None:
    reference = frozen(tmp_path, {"id": words([f"a{n}" for n in range(3000)])})
    assert only(decide(reference, {"id": words([f"b{n}" for n in range(1000)])}, LEVEL)).verdict != "drift"


def test_what_is_rare_is_decided_by_both_samples_together() -> None:
    before = {"a": 900, **{f"x{n}": 1 for n in range(100)}}
    now = {"a": 90, **{f"y{n}": 1 for n in range(10)}}
    assert categories.lumped(before, now) == [("a", 900, 90), (categories.REST, 100, 10)]
    assert categories.lumped({"a": 970}, {"new": 30}) == [("a", 970, 0), ("new", 0, 30)]


def test_every_test_and_every_part_of_a_window_is_paid_for(tmp_path: Path, rng: np.random.Generator) -> None:
    values, window = rng.standard_normal(2000), rng.standard_normal(600) + 0.2
    reference = frozen(tmp_path, {"x": values})
    edges = ordered.cut(np.sort(values))
    before = ordered.tally(np.sort(values), edges)
    smallest = min(
        float(test(before, ordered.tally(np.sort(window[-size:]), edges))[0])
        for test in (ordered.place, ordered.shape)
        for size in (600, 512, 256)
    )
    assert only(decide(reference, {"x": window}, LEVEL)).p_value == pytest.approx(2 * 3 * smallest)


def test_fishers_exact_test_needs_no_many_rows() -> None:
    assert fisher_two_sided(3, 10, 0, 90) == pytest.approx(2 * 120 / 161700)  # C(10,3) / C(100,3)


# --- three verdicts ---


@pytest.mark.parametrize(
    ("rows", "verdict"), [(20, "not_enough_data"), (100, "not_enough_data"), (1500, "no_drift")]
)
def test_without_drift_few_rows_are_not_enough_and_many_are_quiet(
    tmp_path: Path, rng: np.random.Generator, rows: int, verdict: str
) -> None:
    reference = frozen(tmp_path, {name: rng.standard_normal(4000) for name in TWENTY})
    said = decide(reference, {name: rng.standard_normal(rows) for name in TWENTY}, LEVEL)
    assert (said.verdict, said.drift_score) == (verdict, 0.0)
    assert (said.needed or 0) > 0 if verdict == "not_enough_data" else said.needed == 0


def test_what_is_still_needed_is_enough(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {name: rng.standard_normal(4000) for name in TWENTY})
    few = decide(reference, {name: rng.standard_normal(100) for name in TWENTY}, LEVEL)
    assert few.needed is not None and 100 + few.needed <= 300
    enough = {name: rng.standard_normal(100 + few.needed) for name in TWENTY}
    assert decide(reference, enough, LEVEL).verdict == "no_drift"
    one_less = {name: values[1:] for name, values in enough.items()}
    assert decide(reference, one_less, LEVEL).needed == 1


def test_half_a_sigma_is_found_in_three_hundred_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    reference = frozen(tmp_path, {name: rng.standard_normal(10_000) for name in TWENTY})
    found = 0
    for _ in range(30):
        window = {"f7": rng.standard_normal(300) + 0.5}
        found += "f7" in decide(reference, {**dict.fromkeys(TWENTY, np.zeros(0)), **window}, LEVEL).drifted
    assert found >= 27


def test_a_shift_is_found_behind_a_long_window_of_old_rows(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(10_000)})
    stream = np.concatenate([rng.standard_normal(24_000), rng.standard_normal(300) + 0.7])
    column = only(decide(reference, {"x": stream}, LEVEL / 20))
    assert (column.verdict, "newest 256 rows" in column.reason) == ("drift", True)


def test_a_shift_too_small_to_matter_stays_quiet_however_sure(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(100_000)})
    column = only(decide(reference, {"x": rng.standard_normal(100_000) + 0.03}, LEVEL))
    assert column.p_value < column.level / 10  # a test alone would alarm
    assert column.verdict == "no_drift"
    assert column.effect == pytest.approx(0.03, abs=0.02)
    told = decide(
        reference, {"x": rng.standard_normal(100_000) + 0.03}, LEVEL, Limits(min_effect_sigmas=0.01)
    )
    assert told.verdict == "drift"


def test_the_score_is_the_share_of_drifted_features(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {name: rng.standard_normal(4000) for name in TWENTY[:4]})
    window = {name: rng.standard_normal(1000) + (n == 2) for n, name in enumerate(TWENTY[:4])}
    said = decide(reference, window, LEVEL)
    assert (said.verdict, said.drift_score, said.drifted) == ("drift", 0.25, ("f2",))


def test_a_reference_too_short_for_any_window_says_so(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(60)})
    said = decide(reference, {"x": rng.standard_normal(5000)}, LEVEL)
    assert (said.verdict, said.needed) == ("not_enough_data", None)


# --- shapes, outliers, constants, missing cells ---


def test_a_wider_spread_is_found_though_the_mean_stays(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(4000)})
    column = only(decide(reference, {"x": rng.standard_normal(2000) * 2}, LEVEL))
    assert (column.verdict, "another shape" in column.reason) == ("drift", True)


def test_outliers_neither_hide_a_shift_of_the_bulk_nor_make_one(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    values = rng.standard_normal(4000)
    values[:4] = 1e6
    reference = frozen(tmp_path, {"x": values})
    assert decide(reference, {"x": rng.standard_normal(1000) + 1}, LEVEL).verdict == "drift"
    calm = rng.standard_normal(1000)
    calm[0] = 1e300
    assert decide(reference, {"x": calm}, LEVEL).verdict == "no_drift"


def test_a_constant_column_is_quiet_until_it_is_another_constant(tmp_path: Path) -> None:
    reference = frozen(tmp_path, {"x": np.full(2000, 3.0)})
    assert decide(reference, {"x": np.full(500, 3.0)}, LEVEL).verdict == "no_drift"
    assert decide(reference, {"x": np.full(500, 4.0)}, LEVEL).verdict == "drift"


def test_missing_cells_drift_on_their_own(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": np.where(rng.random(4000) < 0.05, np.nan, rng.standard_normal(4000))})
    same = np.where(rng.random(1000) < 0.05, np.nan, rng.standard_normal(1000))
    assert decide(reference, {"x": same}, LEVEL).verdict == "no_drift"
    same[:200] = np.nan
    column = only(decide(reference, {"x": same}, LEVEL))
    assert (column.verdict, column.reason[:7]) == ("drift", "missing")


def test_what_is_not_finite_counts_as_missing(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(4000)})
    window = rng.standard_normal(1000)
    window[::2] = np.inf
    column = only(decide(reference, {"x": window}, LEVEL))
    assert (column.verdict, column.missing, column.rows) == ("drift", 0.5, 500)


def test_a_column_that_is_gone_drifts_and_one_that_is_new_is_named(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(400), "y": rng.standard_normal(400)})
    said = decide(reference, {"x": rng.standard_normal(400), "z": np.ones(400)}, LEVEL)
    assert (said.drifted, said.unknown_columns) == (("y",), ("z",))


def test_an_empty_window_is_not_enough(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(400), "c": words(["a", "b"] * 200)})
    assert decide(reference, {}, LEVEL).verdict == "not_enough_data"


# --- categories ---


def test_a_shifted_category_and_a_new_one_are_found(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"c": words(rng.choice(["a", "b", "d"], 4000, p=[0.5, 0.3, 0.2]).tolist())})
    same = rng.choice(["a", "b", "d"], 1000, p=[0.5, 0.3, 0.2]).tolist()
    assert decide(reference, {"c": words(same)}, LEVEL).verdict == "no_drift"
    assert decide(reference, {"c": words(["a"] * 400 + same[:600])}, LEVEL).verdict == "drift"
    column = only(decide(reference, {"c": words(["new"] * 60 + same[:940])}, LEVEL))
    assert (column.verdict, column.new_categories) == ("drift", ("new",))


def test_one_category_has_one_name_however_it_is_written(tmp_path: Path) -> None:
    reference = frozen(tmp_path, {"c": words(["1", "0"] * 500)})
    assert decide(reference, {"c": np.array([1.0, 0.0] * 500)}, LEVEL).verdict == "no_drift"


# --- outputs share the budget and not the score ---


def test_drifted_answers_are_told_beside_the_score(tmp_path: Path, rng: np.random.Generator) -> None:
    reference = frozen(tmp_path, {"x": rng.standard_normal(2000)}, {"probability": rng.random(2000)})
    window = {"x": rng.standard_normal(800), "probability": rng.random(800) ** 3}
    said = decide(reference, window, LEVEL)
    assert (said.verdict, said.drift_score, said.outputs[0].verdict) == ("no_drift", 0.0, "drift")
    spent = sum(column.level for column in (*said.features, *said.outputs)) + LEVEL * 0.1  # missing cells
    assert spent == pytest.approx(LEVEL)
