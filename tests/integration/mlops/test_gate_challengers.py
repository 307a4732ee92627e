"""Real models, good and bad, before the gate: a few in the normal run, a hundred of each kind in the soak."""

import pytest

from benchmarks.gate_challengers import BAD, good, verdicts

FEW, MANY = 3, 100
COUNTS = [FEW, pytest.param(MANY, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_challenger_is_never_promoted(kind: str, count: int) -> None:
    seeds = (
        range(0, 2 * FEW, 2) if count == FEW else range(count)
    )  # the even ones are linear models, the quicker ones
    said = {seed: list(verdicts(BAD[kind](seed)))[-1] for seed in seeds}
    assert {seed: verdict.sentence() for seed, verdict in said.items() if verdict.decision == "promote"} == {}


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_good_challengers_are_promoted_at_the_size_that_the_gate_asks_for() -> None:
    said = [list(verdicts(good(seed)))[-1] for seed in range(MANY)]
    assert sum(verdict.decision == "promote" for verdict in said) >= 95


def test_a_good_challenger_is_promoted_at_the_size_that_the_gate_asks_for() -> None:
    *earlier, last = verdicts(good(0))
    assert last.decision == "promote"
    assert all(verdict.decision == "not_enough_data" for verdict in earlier)
