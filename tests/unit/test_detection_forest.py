"""The forest in flat arrays scores as scikit-learn's does, and its own trees isolate what is alone."""

import numpy as np
import pytest

from analysis.detection.forest import flattened, grown


def test_it_scores_as_scikit_learn_does() -> None:
    ensemble = pytest.importorskip(
        "sklearn.ensemble", reason="scikit-learn is not installed: make setup-mlops"
    )
    rows = np.random.default_rng(3).standard_normal((400, 5)).astype(np.float32)
    peer = ensemble.IsolationForest(n_estimators=20, max_samples=128, random_state=1).fit(rows)
    ours = flattened([each.tree_ for each in peer.estimators_], peer.estimators_features_, peer._max_samples)
    assert np.abs(ours.score(rows) + peer.score_samples(rows)).max() < 1e-9
    assert abs(ours.score(rows[:1])[0] + peer.score_samples(rows[:1])[0]) < 1e-9


def test_a_row_scores_the_same_alone_and_among_others() -> None:
    rows = np.random.default_rng(4).standard_normal((300, 4))
    forest = grown(rows, trees=30)
    assert np.allclose(
        forest.score(rows[:5]), np.concatenate([forest.score(rows[i : i + 1]) for i in range(5)])
    )


def test_what_is_alone_is_isolated_first_and_a_constant_isolates_nothing() -> None:
    rows = np.random.default_rng(5).standard_normal((500, 3))
    forest = grown(rows)
    alone, amid = forest.score(np.array([[6.0, 6.0, -6.0], [0.0, 0.0, 0.0]]))
    assert alone > 0.7
    assert amid < 0.45
    assert len(set(grown(np.ones((50, 2))).score(np.zeros((2, 2))).tolist())) == 1
