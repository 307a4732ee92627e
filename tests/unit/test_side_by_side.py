"""How the two halves of the suite become one result, and what coverage's tracer is kept out of."""

import sys
from pathlib import Path

import pytest

from tests.side_by_side import HALVES, VIRTUAL, exit_code, total

FIRST = b"....\n1 failed, 3 passed in 1.0s\n1700 passed, 2 skipped, 1 warning in 72.31s (0:01:12)\n"
SECOND = b"tests/x.py:1: 9 passed in a row\n3 failed, 40 passed, 5 skipped, 2 errors in 9.99s\n"


def test_the_summaries_of_both_halves_are_added() -> None:
    assert total([FIRST, SECOND]) == "1740 passed, 7 skipped, 1 warning, 3 failed, 2 error"
    assert total([b"\nno tests ran in 0.01s\n", b"12 passed in 0.1s"]) == "12 passed"
    assert total([b"killed"]) == "no tests ran"


@pytest.mark.parametrize(
    ("codes", "code"), [((0, 0), 0), ((0, 1), 1), ((2, 0), 2), ((0, 5), 0), ((5, 5), 5), ((5, -9), -9)]
)
def test_the_whole_is_well_where_each_half_is(codes: tuple[int, int], code: int) -> None:
    assert exit_code(codes) == code


def test_no_test_is_in_both_halves_nor_in_none() -> None:
    assert all(Path(path).exists() for path in VIRTUAL)
    first, second = HALVES
    assert {f"--ignore={path}" for path in first} == {word for word in second if word.startswith("--ignore")}


@pytest.mark.unmeasured
def test_what_is_not_to_be_measured_is_not_traced() -> None:
    assert sys.gettrace() is None


def test_what_comes_after_it_is_traced_where_coverage_runs() -> None:
    assert (sys.gettrace() is not None) == ("coverage" in sys.modules and _is_measuring())


def _is_measuring() -> bool:
    from coverage import Coverage

    return Coverage.current() is not None
