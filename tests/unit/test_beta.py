"""The Beta distribution against closed forms."""

from itertools import product
from random import Random

import pytest

from analysis.beta import cumulative, quantile

SHAPES = (0.5, 1.0, 2.0, 10.0, 500.0)
CHANCES = (0.001, 0.1, 0.5, 0.999)


def drawn(count: int) -> list[tuple[float, float, float]]:
    """(a, b, p): every edge with every other, and as many more at random."""
    random = Random(1)
    shapes = [(10 ** random.uniform(-0.3, 2.7), random.uniform(0.5, 500.0)) for _ in range(count)]
    return [*product(SHAPES, SHAPES, CHANCES), *((a, b, random.uniform(0.001, 0.999)) for a, b in shapes)]


@pytest.mark.parametrize(("a", "p"), [(1.0, 0.1), (4.0, 0.1), (11.0, 0.9), (200.0, 0.5)])
def test_with_no_failure_the_quantile_is_a_root(a: float, p: float) -> None:
    assert quantile(p, a, 1.0) == pytest.approx(p ** (1.0 / a), abs=1e-9)


@pytest.mark.parametrize("x", [0.01, 0.3, 0.77, 0.99])
def test_the_cumulative_of_small_whole_shapes_is_a_binomial_tail(x: float) -> None:
    tail = 10 * x**3 * (1 - x) ** 2 + 5 * x**4 * (1 - x) + x**5
    assert cumulative(x, 3.0, 3.0) == pytest.approx(tail, abs=1e-12)


def test_the_quantile_undoes_the_cumulative() -> None:
    for a, b, p in drawn(30):
        assert abs(cumulative(quantile(p, a, b), a, b) - p) <= 1e-6, (a, b, p)


def test_mirrored_shapes_give_mirrored_quantiles() -> None:
    for a, b, p in drawn(30):
        assert abs(quantile(p, a, b) - (1.0 - quantile(1.0 - p, b, a))) <= 1e-6, (a, b, p)


def test_ten_successes_in_a_row_earn_trust_and_nine_do_not() -> None:
    assert quantile(0.1, 11.0, 1.0) > 0.8 > quantile(0.1, 10.0, 1.0)


def test_nonsense_is_an_error() -> None:
    with pytest.raises(ValueError, match="no Beta quantile"):
        quantile(0.1, 0.0, 1.0)
