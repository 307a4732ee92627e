"""Hundreds of series of each kind that rises and is no leak, or peaks and is no anomaly: none is told."""

import pytest

from tests.unit.test_anomaly_detector import reported_of_peaks_and_noise
from tests.unit.test_exhaustion import KINDS, told_every_second, told_of

pytestmark = pytest.mark.unmeasured


@pytest.mark.parametrize("seeds", [range(15, 300), pytest.param(range(300, 1000), marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_leak_is_never_told(kind: str, seeds: range) -> None:
    assert told_of(kind, seeds) == []


@pytest.mark.parametrize("kind", [*KINDS, "bursts"])
def test_nor_where_samples_come_every_second(kind: str) -> None:
    assert told_every_second(kind, range(8, 120)) == []


def test_neither_noise_nor_a_load_peak_is_an_anomaly() -> None:
    assert [seed for seed in range(4, 80) if reported_of_peaks_and_noise(seed)] == []
