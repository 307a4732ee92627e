"""Whether the labels can be believed: in time, not seen before, and not shuffled."""

import numpy as np

from mlops.gate.evidence import Floats, Sample
from mlops.gate.finding import Finding, outcome
from mlops.gate.intervals import share_above
from mlops.gate.limits import GateLimits
from mlops.gate.measures import auc, ranks, score

SHUFFLES = 1999


def early_labels(sample: Sample, limits: GateLimits) -> Finding:
    """A label older than its prediction was known to whoever asked: the request may carry it."""
    share = sample.early / max(1, sample.offered)
    return Finding.of(
        "label_times",
        outcome(failed=share > limits.max_early_labels),
        f"{sample.early} of {sample.offered} labels are older than their prediction",
        share,
        limits.max_early_labels,
    )


def unanswered(sample: Sample, limits: GateLimits) -> Finding:
    share = sample.unanswered / max(1, sample.offered)
    return Finding.of(
        "same_requests",
        outcome(failed=share > limits.max_unanswered),
        f"the challenger gave no answer to {sample.unanswered} of {sample.offered} requests",
        share,
        limits.max_unanswered,
    )


def champion_skill(sample: Sample, limits: GateLimits, seed: int) -> Finding:
    """Labels that the champion's score says nothing about are shuffled, or those of other requests."""
    return _skill("champion", "labels may be shuffled or of other requests", sample, limits, seed)


def challenger_skill(sample: Sample, limits: GateLimits, seed: int) -> Finding:
    """A challenger that was trained on shuffled labels knows nothing."""
    return _skill("challenger", "its training labels may have been shuffled", sample, limits, seed + 1)


def _skill(who: str, suspicion: str, sample: Sample, limits: GateLimits, seed: int) -> Finding:
    """A permutation test of the score's rank against the labels."""
    scores = score(sample.champion if who == "champion" else sample.challenger)
    skill, chance = association(sample.labels, scores, classifies=sample.classifies)
    p = share_above(skill, chance, seed)
    shown = p <= limits.skill_alpha
    reach = 0.0 if shown else 2 * float(np.std(chance(np.random.default_rng(seed))))
    hopeless = not shown and skill + reach < limits.no_skill_auc
    says = f"the {who}'s score ranks requests by label with {skill:.3f} (0.5 is chance), p = {p:.4f}"
    return Finding.of(
        f"{who}_skill",
        outcome(failed=hopeless, undecided=not shown and not hopeless),
        says if shown else f"{says}: {suspicion}",
        p,
        limits.skill_alpha,
    )


class _Chance:
    """The same statistic with the labels shuffled."""

    def __init__(self, ranked: Floats, labels: Floats, scale: tuple[float, float]) -> None:
        self._ranked, self._labels, self._scale = ranked, labels, scale

    def __call__(self, random: np.random.Generator) -> Floats:
        middle, width = self._scale
        # of many samples the shuffled sum is normal, with these moments exactly (Hoeffding's combinatorial theorem)
        spread = float(np.std(self._ranked) * np.std(self._labels)) * len(self._labels)
        spread /= max(1.0, float(len(self._labels) - 1)) ** 0.5
        if len(self._labels) > 1000:
            return np.asarray(middle + random.standard_normal(SHUFFLES) * spread / width, float)
        drawn = [random.permutation(self._labels) @ self._ranked for _ in range(SHUFFLES)]
        centre = self._ranked.mean() * self._labels.sum()
        return np.asarray(middle + (np.asarray(drawn) - centre) / width, float)


def association(labels: Floats, scores: Floats, *, classifies: bool) -> tuple[float, _Chance]:
    """AUC, or for a regression Spearman's correlation brought to the same scale; and how chance does."""
    ranked = ranks(scores)
    if classifies:
        positives = float(labels.sum())
        width = max(1.0, positives * (len(labels) - positives))
        return auc(labels, scores), _Chance(ranked, labels, (0.5, width))
    others = ranks(labels)
    width = max(1e-12, 2 * float(np.std(ranked) * np.std(others)) * len(labels))
    skill = 0.5 + float((ranked - ranked.mean()) @ (others - others.mean())) / width
    return skill, _Chance(ranked, others, (0.5, width))
