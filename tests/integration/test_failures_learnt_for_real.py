"""Signs of failures are learnt in a real worker process and told from then on; where there are none, nothing is kept."""

from pathlib import Path

import numpy as np
import pytest

from agents.predicting.learning import DEADLINE_S, MODEL, Outcome, kept_and_learnt, past_file, recalled
from agents.predicting.past import Past, recorded
from analysis.prediction.learnt import learn
from analysis.prediction.record import time_to_failure
from analysis.prediction.scorer import scorer
from tests.fixtures.failing_fleets import wearing
from tests.fixtures.failing_services import write_pasts
from utils.array_files import read_array
from utils.workers import ProcessWorkers

ROUNDS = 30


async def _learnt(folder: Path, names: list[str]) -> Outcome:
    return await ProcessWorkers().run(kept_and_learnt, DEADLINE_S, folder, tuple(names), 1.7e9, ROUNDS)


async def test_failures_with_signs_are_told_on_services_and_days_never_seen(tmp_path: Path) -> None:
    outcome = await _learnt(tmp_path, write_pasts(tmp_path, signs=True))
    assert outcome.card.used
    assert outcome.card.until == "2023-11-20T22:13:20+00:00"
    assert outcome.card.forward is not None
    assert outcome.card.forward.told >= 0.8 * outcome.card.forward.failures
    assert outcome.scorer is not None
    [fresh] = write_pasts(tmp_path / "fresh", signs=True, services=1, days=3, seed=9)
    names, rows = read_array(past_file(tmp_path / "fresh", fresh)) or ((), np.empty(0))
    ahead = time_to_failure(recorded([(names, rows)], outcome.scorer.names))
    for near, wanted in ((np.flatnonzero((ahead > 1200) & (ahead < 1600))[-1], True), (20, False)):
        past = Past()
        past.put(names, rows[: int(near) + 1])
        seen = past.record(outcome.scorer.names)
        assert (outcome.scorer.chance(seen) >= outcome.scorer.threshold) == wanted
        assert any("queue" in reason for reason in outcome.scorer.reasons(seen)) or not wanted


async def test_a_model_is_recalled_as_it_was_and_noise_takes_its_place_by_nothing(tmp_path: Path) -> None:
    names = write_pasts(tmp_path, signs=True, services=2)
    outcome = await _learnt(tmp_path, names)
    again = recalled(tmp_path)
    assert outcome.scorer is not None
    assert again is not None
    assert again.scorer is not None
    assert again.card == outcome.card
    kept = read_array(past_file(tmp_path, names[0]))
    assert kept is not None
    samples = recorded([kept], again.scorer.names)
    assert again.scorer.chance(samples) == outcome.scorer.chance(samples)
    whole = (tmp_path / MODEL).read_bytes()
    (tmp_path / MODEL).write_bytes(whole.replace(b'"lead":', b'"lead":1', 1))
    assert recalled(tmp_path) is None
    outcome = await _learnt(tmp_path, write_pasts(tmp_path, signs=False, services=4))
    assert (outcome.scorer, outcome.card.used, outcome.card.why != "") == (None, False, True)
    assert not (tmp_path / MODEL).exists()


def test_flat_trees_score_as_the_library_does_also_where_values_are_missing() -> None:
    model = learn(wearing(12, seed=3).record(), (0.0, 8.0), 0.05, rounds=15)
    assert model is not None
    flat = scorer(model)
    unit = wearing(1, seed=4)
    for row in range(0, len(unit.values), 5):
        unit.values[row][0] = float("nan")
    for rows in (1, 10, 40, len(unit.values)):
        samples = unit.record(rows)
        wanted = float(model.score(samples, np.array([rows - 1]))[0])
        assert flat.chance(samples) == pytest.approx(wanted, abs=1e-5)
