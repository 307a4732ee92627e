"""The daemon dies at ten instants of each of many healing runs, and nothing is lost, doubled or left undone."""

import pytest

from tests.fixtures.breakages import BREAKAGES
from tests.fixtures.crash_sweep import sweep

RUNS_AT_ONCE = 20  # of ten deaths each
SOAK_RUNS = 2000
PATIENCE_RUNS = 60  # within so many, each breakage has to be noticed; most are within three


def broken_runs(seeds: range) -> dict[int, list[str]]:
    return {seed: found for seed in seeds if (found := sweep(seed))}


def test_the_daemon_dies_at_two_hundred_instants_and_everything_is_healed_once() -> None:
    assert broken_runs(range(RUNS_AT_ONCE)) == {}


@pytest.mark.soak
@pytest.mark.parametrize("first", range(RUNS_AT_ONCE, SOAK_RUNS, 90))
def test_the_daemon_dies_at_many_thousand_instants_and_everything_is_healed_once(first: int) -> None:
    assert broken_runs(range(first, min(first + 90, SOAK_RUNS))) == {}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_the_sweep_notices(breakage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BREAKAGES[breakage](monkeypatch)
    assert any(sweep(seed, quiet_s=300.0) for seed in range(PATIENCE_RUNS))
