from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from config.monitoring import ModelSpec, MonitoringConfig
from mlops.errors import BadInputError
from mlops.generators import Damage, Drift, credit_risk, damage, ensure_data, housing
from mlops.generators.credit import SIGMAS as CREDIT_SIGMAS
from mlops.generators.housing import ROWS
from mlops.generators.housing import SIGMAS as HOUSING_SIGMAS
from mlops.places import Places
from mlops.tables import Table, fingerprint, read_table

MAKERS = (housing, credit_risk)
HOUSING = ModelSpec(name="h", task="regression", data="data/raw/housing.csv", target="MedHouseVal")


def explained(table: Table, target: str, rule_of: Table) -> float:
    """R² of a plain least squares fit on the second table, judged on the first."""

    def matrix(of: Table) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.column_stack([*(v for n, v in of.columns.items() if n != target), np.ones(of.rows)])

    weights = np.linalg.lstsq(matrix(rule_of), rule_of.columns[target], rcond=None)[0]
    wrong = table.columns[target] - matrix(table) @ weights
    return float(1 - wrong.var() / table.columns[target].var())


def test_the_columns_are_those_that_users_know() -> None:
    assert housing(10).names == (
        "MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude", "MedHouseVal",
    )  # fmt: skip
    assert credit_risk(10).names == ("age", "income", "credit_score", "employment_years", "default")


@pytest.mark.parametrize("maker", MAKERS)
def test_the_same_seed_makes_the_same_table_and_another_one_another(maker: Callable[..., Table]) -> None:
    assert fingerprint(maker(500, 3)) == fingerprint(maker(500, 3))
    assert fingerprint(maker(500, 3)).content != fingerprint(maker(500, 4)).content


@pytest.mark.parametrize(("maker", "sigmas"), [(housing, HOUSING_SIGMAS), (credit_risk, CREDIT_SIGMAS)])
def test_a_shift_moves_its_columns_by_so_many_of_their_real_deviations(
    maker: Callable[..., Table], sigmas: dict[str, float]
) -> None:
    plain = maker(20_000, 1)
    moved = maker(20_000, 1, Drift(shifts=dict.fromkeys(sigmas, 0.5)))
    for name in sigmas:
        deviation = plain.columns[name].std()
        assert deviation == pytest.approx(sigmas[name], rel=0.04)
        by = (moved.columns[name] - plain.columns[name]).mean() / deviation
        assert by == pytest.approx(0.5, rel=0.04)


def test_targets_can_be_learnt_and_a_concept_drift_changes_the_rule_but_no_feature() -> None:
    plain, other = housing(5000, 1), housing(5000, 2)
    drifted = housing(5000, 2, Drift(concept=1.0))
    assert explained(other, "MedHouseVal", plain) > 0.6
    assert explained(drifted, "MedHouseVal", plain) < 0
    assert explained(drifted, "MedHouseVal", drifted) > 0.3
    assert all((drifted.columns[name] == other.columns[name]).all() for name in other.names[:-1])


def test_few_loans_are_not_paid_back() -> None:
    table = credit_risk(20_000)
    assert 0.13 < table.columns["default"].mean() < 0.2
    assert set(table.texts("default")) == {"0", "1"}


def test_values_lie_where_such_values_lie() -> None:
    table = housing(20_000)
    low, high = np.array([(v.min(), v.max()) for v in table.columns.values()]).T
    assert (low >= (0.4, 1, 1, 0.5, 3, 1, 32.5, -124.4, 0.1)).all()
    assert (high <= (15.1, 52, 20, 2, 16_000, 12, 42, -114.3, 5.1)).all()


@pytest.mark.parametrize(
    ("drift", "what"),
    [
        (Drift(shifts={"MedInk": 1.0}), r"column 'MedInk' cannot be shifted; did you mean \"MedInc\"\?"),
        (Drift(concept=1.5), "concept drift goes from 0 to 1, not 1.5"),
    ],
)
def test_a_drift_that_cannot_be_is_told(drift: Drift, what: str) -> None:
    with pytest.raises(BadInputError, match=what):
        housing(10, drift=drift)


# --- damage ----------------------------------------------------------------------------------------------------------

EVERY = Damage(missing=0.03, outliers=0.02, types=0.01, duplicates=0.05, spared=("MedHouseVal",))


def test_the_ledger_tells_each_damaged_cell_and_no_other_differs(tmp_path: Path) -> None:
    table = housing(400, 1)
    damaged = damage(table, EVERY, 2)
    damaged.write(tmp_path / "damaged.csv")
    lines = [line.split(",") for line in (tmp_path / "damaged.csv").read_text().splitlines()]
    assert len(lines) == 1 + 420
    copies = [mark for mark in damaged.ledger if mark.kind == "duplicate"]
    for mark in copies:
        assert lines[mark.line - 1] == lines[int(mark.before) - 1]
        assert int(mark.before) < mark.line
    for mark in (mark for mark in damaged.ledger if mark.kind != "duplicate"):
        cell = lines[mark.line - 1]
        assert cell[table.names.index(mark.column)] == mark.after
        cell[table.names.index(mark.column)] = mark.before
    kept = [line for number, line in enumerate(lines, 1) if number not in {mark.line for mark in copies}]
    (tmp_path / "mended.csv").write_text("\n".join(map(",".join, kept)) + "\n")
    assert fingerprint(read_table(tmp_path / "mended.csv")) == fingerprint(table)


def test_the_shares_of_damage_are_those_asked_for() -> None:
    counts = Counter(mark.kind for mark in damage(housing(400, 1), EVERY).ledger)
    assert counts == {"missing": 8 * 12, "outlier": 8 * 8, "type": 8 * 4, "duplicate": 20}
    assert not any(mark.column == "MedHouseVal" for mark in damage(housing(400, 1), EVERY).ledger)


def test_outliers_lie_where_no_value_of_the_column_does() -> None:
    table = credit_risk(2000, 1)
    for mark in damage(table, Damage(outliers=0.05)).ledger:
        values = table.columns[mark.column]
        assert not values.min() <= float(mark.after) <= values.max()


def test_damage_that_cannot_be_is_told() -> None:
    for wanted in (Damage(missing=0.6, types=0.6), Damage(outliers=-0.1), Damage(duplicates=2)):
        with pytest.raises(BadInputError, match="shares of damage lie between 0 and 1"):
            damage(housing(10), wanted)


# --- where a table is absent -----------------------------------------------------------------------------------------


def test_a_shipped_table_is_made_once_and_never_over_what_is_there(tmp_path: Path) -> None:
    places, config = Places(tmp_path), MonitoringConfig(models=(HOUSING,), data=("data/raw/mine.csv",))
    assert ensure_data(places, config) == ("data/raw/housing.csv",)
    assert read_table(tmp_path / "data/raw/housing.csv", target="MedHouseVal").rows == ROWS
    assert ensure_data(places, config) == ()
    (tmp_path / "data/raw/housing.csv").write_text("mine\n")
    assert ensure_data(places, config) == ()
    assert (tmp_path / "data/raw/housing.csv").read_text() == "mine\n"
    assert [path.name for path in (tmp_path / "data/raw").iterdir()] == ["housing.csv"]


def test_no_table_of_ours_is_made_for_a_target_of_somebody_else(tmp_path: Path) -> None:
    spec = ModelSpec(name="h", task="regression", data="data/raw/housing.csv", target="median_house_value")
    assert ensure_data(Places(tmp_path), MonitoringConfig(models=(spec,))) == ()
    assert list(tmp_path.iterdir()) == []
