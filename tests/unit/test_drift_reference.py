"""A reference is frozen whole, and damage to it is found before it decides anything."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from mlops.drift.budget import MONTH_S, Budget, spend
from mlops.drift.freezing import freeze
from mlops.drift.reference import Card, load_reference
from mlops.errors import BadInputError

HOUR = 3600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    words = np.array(["a", "b", None] * 40, dtype=object)
    values = rng.standard_normal(120)
    values[3] = np.nan
    where = tmp_path / "reference" / "m.npz"
    freeze(where, {"x/y": values, "c": words}, {}, model="m", source="t", created_at="2026-01-01T00:00:00Z")
    return where


def test_what_was_frozen_comes_back_sorted_and_counted(path: Path) -> None:
    reference = load_reference(path)
    number, category = reference.features
    ordered = reference.ordered(number)
    assert (number.name, number.rows, number.missing, ordered.flags.aligned) == ("x/y", 119, 1, True)
    assert (np.diff(ordered) >= 0).all() and len(ordered) == 119
    assert (category.counts, category.missing) == ({"a": 40, "b": 40}, 40)


def test_numpy_reads_the_same_npz(path: Path) -> None:
    with np.load(path) as archive:
        assert (
            archive["c0"].tolist() == load_reference(path).ordered(load_reference(path).features[0]).tolist()
        )


def test_no_reference_says_how_to_freeze_one(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"bootstrap_reference"):
        load_reference(tmp_path / "m.npz")


def test_a_changed_document_does_not_fit_its_fingerprint(path: Path) -> None:
    beside = path.with_suffix(".json")
    card = msgspec.json.decode(beside.read_bytes(), type=Card)
    beside.write_bytes(msgspec.json.encode(msgspec.structs.replace(card, rows=card.rows + 1)))
    with pytest.raises(BadInputError, match="fingerprint"):
        load_reference(path)


def test_a_flipped_bit_among_the_numbers_is_found_when_they_are_read(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[400] ^= 1
    path.write_bytes(data)
    reference = load_reference(path)
    with pytest.raises(BadInputError, match="'x/y' of the reference is damaged"):
        reference.ordered(reference.features[0])


@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_a_file_that_is_no_npz_is_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="cannot be read"):
        load_reference(path)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="3 rows are too few"):
        freeze(tmp_path / "m.npz", {"x": np.arange(3.0)}, {}, model="m", source="t", created_at="")
    assert list(tmp_path.iterdir()) == []


# --- the budget ---


def looked(budget: Budget, now: float, window: str) -> tuple[Budget, float]:
    return spend(budget, now=now, window=window, per_month=0.1, first_s=HOUR, most_s=24 * HOUR)


@pytest.mark.parametrize("every_s", [60.0, 300.0, HOUR, 6 * HOUR, 24 * HOUR])
def test_a_month_of_looks_spends_the_months_budget_however_often_one_looks(every_s: float) -> None:
    budget, now = Budget(), 0.0
    while now < MONTH_S:
        now += every_s
        budget, _ = looked(budget, now, str(now))
    assert 0.1 * (1 - every_s / MONTH_S) <= budget.spent <= 0.1 * (1 + 1 / 720)


def test_the_same_window_again_costs_nothing() -> None:
    budget, level = looked(Budget(), 0.0, "a")
    for second in range(100):
        budget, again = looked(budget, float(second), "a")
        assert again == level
    assert (budget.spent, budget.looks) == (level, 101)


def test_a_long_pause_saves_up_a_day_at_most() -> None:
    budget, _ = looked(Budget(), 0.0, "a")
    _, level = looked(budget, MONTH_S, "b")
    assert level == pytest.approx(0.1 / 30)


def test_a_clock_that_was_set_back_earns_nothing_twice() -> None:
    budget, _ = looked(Budget(), 10 * HOUR, "a")
    for n in range(50):
        budget, _ = looked(budget, (n % 2) * 10 * HOUR, f"b{n}")
    assert budget.spent < 0.1 / 720 * 1.02
