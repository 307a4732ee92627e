"""An onset is rare in noise of any size, sharp where something begins; a detector is fitted anew as it grows older."""

import numpy as np
import pytest

from analysis.detection import detector as detector_module
from analysis.detection.detector import MOST_ROWS, Detector
from analysis.detection.onset import BLOCK, Onset


@pytest.mark.parametrize("louder", [1.0, 5.0])
def test_noise_begins_nothing_also_when_it_is_louder_for_good(louder: float) -> None:
    errors = np.random.default_rng(1).standard_normal((6000, 5))
    onset = Onset(errors[:2000])
    found = onset.of(errors[2000:] * louder)
    assert (found[1000:] > 0).mean() < 0.01


def test_a_jump_of_one_metric_begins_something_at_once_and_blocks_do_not_matter() -> None:
    errors = np.random.default_rng(2).standard_normal((3000, 5))
    errors[2500, 3] = 40.0
    whole = Onset(errors[:2000]).of(errors[2000:])
    assert int(np.argmax(whole)) == 500
    in_parts = Onset(errors[:2000])
    parts = [in_parts.of(part) for part in np.array_split(errors[2000:], 1000 // (BLOCK - 3))]
    assert np.allclose(np.concatenate(parts), whole)


def test_it_is_fitted_anew_at_four_times_its_rows_on_a_bounded_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[int] = []

    class Counted:
        def __init__(self, rows: np.ndarray) -> None:  # type: ignore[type-arg] # any number of columns
            fitted.append(len(rows))

        def score(self, rows: np.ndarray) -> np.ndarray:  # type: ignore[type-arg] # as above
            return np.zeros(len(rows))

    monkeypatch.setattr(detector_module, "Ensemble", Counted)
    rows = np.zeros((100_000, 2))
    assert len(Detector(rows[:2000]).score(rows[2000:])) == 98_000
    assert fitted == [2000, 8000, MOST_ROWS, MOST_ROWS]
