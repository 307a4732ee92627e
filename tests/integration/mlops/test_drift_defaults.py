"""Our figures beside scipy's and Evidently's own."""

import importlib
import os
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from mlops.drift.defaults import of_counts, of_numbers
from mlops.drift.distance import wasserstein
from mlops.drift.kolmogorov import ks_p_value
from mlops.drift.special import chi_square_tail, fisher_two_sided

SAMPLES = [(4, 4), (4, 9), (50, 77), (300, 1000), (1000, 1000), (20, 12_000), (300, 15_000), (1000, 30_000)]
SHIFTS = (0.0, 0.06, 0.2, 3.0)


@pytest.mark.parametrize(("m", "n"), SAMPLES)
def test_kolmogorov_smirnov_is_scipys(m: int, n: int) -> None:
    rng = np.random.default_rng(m + n)
    for shift in SHIFTS:
        a, b = rng.standard_normal(m), rng.standard_normal(n) + shift
        wanted = stats.ks_2samp(a, b)
        assert ks_p_value(float(wanted.statistic), m, n) == pytest.approx(wanted.pvalue, abs=1e-9)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 3), (70_000, 70_000), (70_000, 900), (900, 140_000)])
def test_wasserstein_is_scipys(m: int, n: int) -> None:
    rng = np.random.default_rng(0)
    a, b = np.sort(rng.standard_normal(m)), np.sort(np.round(rng.standard_normal(n) * 1.3, 1))
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-12)


def test_chi_square_and_fisher_are_scipys() -> None:
    for degrees in (1, 2, 7, 40):
        for x in (0.01, 1.0, 8.0, 60.0):
            assert chi_square_tail(x, degrees) == pytest.approx(stats.chi2.sf(x, degrees), rel=1e-10)
    law = stats.hypergeom(1100, 110, 100)
    assert fisher_two_sided(22, 100, 88, 1000) == pytest.approx(2 * law.sf(21), rel=1e-9)
    assert fisher_two_sided(2, 100, 108, 1000) == pytest.approx(2 * law.cdf(2), rel=1e-9)


def test_jensen_shannon_is_scipys() -> None:
    found = of_counts({"a": 700, "b": 500, "c": 3}, {"a": 10, "b": 30, "new": 5})
    wanted = jensenshannon([700 / 1203, 500 / 1203, 3 / 1203, 0], [10 / 45, 30 / 45, 0, 5 / 45])
    assert found is not None and found.value == pytest.approx(wanted, abs=1e-12)


# --- Evidently itself ---


@pytest.fixture(scope="module")
def column_drift() -> Any:
    """Evidently's own function for one column."""
    os.environ["DO_NOT_TRACK"] = "1"
    try:
        registry = importlib.import_module("evidently.legacy.calculations.stattests.registry")
    except ImportError:
        if os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES"):
            pytest.fail("evidently must be installed here")
        pytest.skip("needs the extra mlops: make setup-mlops")
    core = importlib.import_module("evidently.legacy.core")
    pandas = importlib.import_module("pandas")

    def both(before: Any, now: Any, kind: str) -> tuple[str, float, bool]:
        a, b = pandas.Series(before), pandas.Series(now)
        test = registry.get_stattest(a, b, core.ColumnType(kind), None)
        found = test(a, b, core.ColumnType(kind), None)
        return test.name, float(found.drift_score), bool(found.drifted)

    return both


@pytest.mark.parametrize("rows", [60, 1000, 1001, 5000])
@pytest.mark.parametrize("values", ["normal", "rounded", "four", "two", "constant"])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_numbers_get_evidentlys_default(column_drift: Any, rows: int, values: str, shift: float) -> None:
    rng = np.random.default_rng(rows)
    before, now = rng.standard_normal(rows), rng.standard_normal(700) + shift
    shape = {
        "normal": lambda x: x,
        "rounded": lambda x: np.round(x, 1),
        "four": lambda x: np.clip(np.round(x), -1, 2),
        "two": lambda x: (x > 0.2).astype(float),
        "constant": lambda x: np.full(len(x), 3.0 if x is before else 3.0 + shift),
    }[values]
    a, b = shape(before), shape(now)
    found = of_numbers(np.sort(a), np.sort(b))
    name, value, drifted = column_drift(a, b, "num")
    assert found is not None
    assert found.value == pytest.approx(value, abs=1e-9)
    assert (found.drifted, _known(found.name)) == (drifted, _known(name))


@pytest.mark.parametrize("rows", [200, 4000])
@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c"], [f"c{n}" for n in range(40)]])
def test_categories_get_evidentlys_default(column_drift: Any, rows: int, names: list[str]) -> None:
    rng = np.random.default_rng(rows)
    before = rng.choice(names, rows).tolist() + names
    now = rng.choice(names[: max(2, len(names) - 1)], 300).tolist() + names[:2]
    counts = [{name: side.count(name) for name in names if name in side} for side in (before, now)]
    found = of_counts(counts[0], counts[1])
    name, value, drifted = column_drift(before, now, "cat")
    assert found is not None
    assert (found.value, found.drifted) == (pytest.approx(value, abs=1e-9), drifted)
    assert _known(found.name) == _known(name)


def _known(name: str) -> str:
    return name.removesuffix("_stat_test").replace("-", "")
