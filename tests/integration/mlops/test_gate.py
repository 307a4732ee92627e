from typing import Any

import msgspec
import numpy as np
import pytest

from mlops.errors import BadInputError
from mlops.gate import Answers, Evidence, Verdict, judge
from mlops.gate.finding import Outcome
from tests.fixtures.gate_worlds import answers, evidence, odds, world


def failed(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings if finding.outcome is Outcome.FAILED}


def test_a_clearly_better_challenger_is_promoted_and_told_with_its_figures() -> None:
    verdict = judge(evidence(1500, champion=0.5))
    assert verdict.decision == "promote"
    assert verdict.figures["gain_pct"] > 5
    assert "a gain of +" in verdict.sentence()
    assert "on 1500 samples" in verdict.sentence()


def test_the_same_evidence_and_seed_give_the_same_verdict() -> None:
    first, second = (judge(evidence(400), seed=3) for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def test_fewer_than_the_minimum_is_not_enough_data_however_good_the_challenger() -> None:
    verdict = judge(evidence(199, champion=0.0))
    assert (verdict.decision, verdict.samples_needed) == ("not_enough_data", 1)
    assert "199 matured samples" in verdict.sentence()


def test_no_sample_at_all_is_not_enough_data() -> None:
    verdict = judge(evidence(0))
    assert (verdict.decision, verdict.samples_needed) == ("not_enough_data", 200)


def test_a_rare_outcome_asks_for_as_many_samples_as_bring_twenty_of_it() -> None:
    parts = world(400)
    parts["labels"] = np.r_[np.ones(5), np.zeros(395)]
    verdict = judge(Evidence(**parts))
    assert (verdict.decision, verdict.samples_needed) == ("not_enough_data", 1200)


def test_a_challenger_that_is_a_little_better_waits_up_to_the_planned_size() -> None:
    verdict = judge(evidence(300, champion=0.85, seed=4))
    assert verdict.decision == "not_enough_data"
    assert verdict.samples + verdict.samples_needed == verdict.figures["planned_samples"]


def test_the_same_model_again_is_rejected_once_the_planned_gain_would_have_shown() -> None:
    verdict = judge(evidence(4000, champion=1.0))
    assert verdict.decision == "reject"
    assert any(reason.startswith("gain: ") for reason in verdict.reasons)


def test_a_worse_challenger_is_rejected_with_its_figure() -> None:
    verdict = judge(evidence(1500, champion=1.0, challenger=0.5))
    assert verdict.decision == "reject"
    assert {"gain", "interval"} <= failed(verdict)


def test_labels_that_the_champion_knows_nothing_about_are_suspect() -> None:
    parts = world(1500)
    parts["labels"] = np.random.default_rng(1).permutation(parts["labels"])
    assert "champion_skill" in failed(judge(Evidence(**parts)))


def test_a_challenger_trained_on_shuffled_labels_knows_nothing() -> None:
    parts = world(1500)
    parts["challenger"] = answers(np.random.default_rng(2).normal(0, 0.2, 1500))
    assert "challenger_skill" in failed(judge(Evidence(**parts)))


def test_a_challenger_that_nearly_knows_each_label_is_too_good_to_be_true() -> None:
    parts = world(400)
    parts["challenger"] = answers(8 * parts["labels"] - 4)
    verdict = judge(Evidence(**parts))
    assert failed(verdict) == {"too_good"}
    assert "leaked" in verdict.sentence()


def test_a_feature_that_equals_the_target_is_named() -> None:
    parts = world(400)
    parts["features"] = {
        **parts["features"],
        "closed_account": np.array(["no", "yes"], object)[parts["labels"].astype(int)],
    }
    verdict = judge(Evidence(**parts))
    assert "telling_feature" in failed(verdict)
    assert "closed_account" in verdict.sentence()


def test_labels_older_than_their_prediction_are_left_out_and_rejected_past_one_percent() -> None:
    parts: dict[str, Any] = world(1500, champion=0.5)
    parts["predicted_at"], parts["labelled_at"] = np.full(1500, 100.0), np.full(1500, 200.0)
    parts["labelled_at"][:10] = 50.0
    verdict = judge(Evidence(**parts))
    assert (verdict.decision, verdict.samples) == ("promote", 1490)
    parts["labelled_at"][:40] = 50.0
    assert failed(judge(Evidence(**parts))) == {"label_times"}


def test_rows_that_the_challenger_was_trained_on_do_not_count() -> None:
    parts = world(400)
    parts["trained_on"] = np.arange(400) < 300
    verdict = judge(Evidence(**parts))
    assert (verdict.samples, verdict.samples_needed) == (100, 100)


def test_requests_that_only_the_champion_answered_reject_past_one_percent() -> None:
    parts = world(1500, champion=0.5)
    said = parts["challenger"].prediction.copy()
    said[:30] = np.nan
    parts["challenger"] = Answers(said, parts["challenger"].probability)
    assert failed(judge(Evidence(**parts))) == {"same_requests"}


def test_a_declared_slice_that_gets_worse_rejects_by_name() -> None:
    parts = world(3000, champion=0.4)
    south = parts["features"]["region"] == "south"
    wrong = answers(np.where(south, -1.0, 1.0) * odds(parts["features"], 1.0))
    parts["challenger"] = wrong
    verdict = judge(Evidence(**parts))
    assert "slices" in failed(verdict)
    assert "region south" in verdict.sentence()


def test_a_back_door_in_a_region_that_nobody_declared_is_found() -> None:
    parts = world(4000, champion=0.2)
    door = (parts["features"]["age"] > 38) & (parts["features"]["age"] < 46)
    parts["slices"] = {}
    parts["challenger"] = answers(np.where(door, -3.0, odds(parts["features"], 1.0)))
    verdict = judge(Evidence(**parts))
    assert "regions" in failed(verdict)
    assert "age 3" in verdict.sentence()


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_flipped_training_labels_show_though_every_decision_is_right(share: float) -> None:
    parts = world(3000, champion=0.4)
    right = parts["challenger"].probability
    parts["challenger"] = Answers(parts["challenger"].prediction, share + (1 - 2 * share) * right)
    assert "slope" in failed(judge(Evidence(**parts)))


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_few_flipped_training_labels_are_waited_for_until_they_show(seed: int) -> None:
    def flipped(rows: int) -> Verdict:
        parts = world(rows, champion=0.0, seed=seed)
        right = parts["challenger"].probability
        parts["challenger"] = Answers(parts["challenger"].prediction, 0.1 + 0.8 * right)
        return judge(Evidence(**parts))

    assert flipped(300).decision != "promote"
    assert "slope" in failed(flipped(4000))


def test_probabilities_that_got_worse_than_allowed_reject_though_decisions_got_better() -> None:
    parts = world(3000, champion=0.8)
    sure = np.where(parts["challenger"].prediction > 0, 0.999, 0.001)
    parts["challenger"] = Answers(parts["challenger"].prediction, sure)
    assert "brier" in failed(judge(Evidence(**parts)))


def numbers(gain: float) -> Evidence:
    random = np.random.default_rng(5)
    truth = random.normal(0, 1, 2000)
    champion, challenger = (truth + random.normal(0, sigma, 2000) for sigma in (0.5, 0.5 * (1 - gain)))
    features = {"x": random.normal(0, 1, 2000)}
    return Evidence(
        task="regression",
        labels=truth,
        champion=Answers(champion),
        challenger=Answers(challenger),
        features=features,
    )


def test_a_regression_is_judged_by_rmse() -> None:
    better, same, worse = (judge(numbers(gain)) for gain in (0.15, 0.0, -0.15))
    assert (better.decision, worse.decision) == ("promote", "reject")
    assert same.decision != "promote"
    assert "RMSE down from" in better.sentence()


def test_columns_of_unequal_length_are_bad_input_that_is_named() -> None:
    parts = world(300)
    parts["slices"] = {"region": np.zeros(299)}
    with pytest.raises(BadInputError, match="300 labels, but 299 slice region"):
        judge(Evidence(**parts))


def test_words_as_labels_are_bad_input() -> None:
    parts = world(300)
    parts["labels"] = parts["labels"] + 1
    with pytest.raises(BadInputError, match="must be 0 and 1"):
        judge(Evidence(**parts))
