"""Whether the labels can be believed: in time, not seen before, and not shuffled."""

import numpy as np

from mlops.gate.evidence import Floats, Sample
from mlops.gate.finding import Finding, outcome
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


def skill_findings(sample: Sample, limits: GateLimits, seed: int) -> list[Finding]:
    """Permutation tests of both models' ranks against the labels.

    Labels that neither model knows anything about are shuffled, or those of other requests. A champion that ranks them
    the wrong way round: somebody turned them over, or the world did; a person has to look. A champion that lost its
    skill to a challenger that has it is what drift looks like.
    """
    champion, challenger = (
        _Skill(sample, score(each), limits, seed + place)
        for place, each in enumerate((sample.champion, sample.challenger))
    )
    says, broken = champion.told("champion"), champion.turned
    if broken:
        says += ": the labels may be turned over"
    elif not champion.shown and not challenger.shown:
        says += ": labels may be shuffled or of other requests"
    lost = not champion.shown and not challenger.shown
    return [
        Finding.of(
            "champion_skill",
            outcome(failed=broken or (lost and champion.hopeless), undecided=lost),
            says,
            champion.p,
            limits.skill_alpha,
        ),
        Finding.of(
            "challenger_skill",
            outcome(failed=challenger.hopeless, undecided=not challenger.shown),
            challenger.told("challenger")
            + ("" if challenger.shown else ": its training labels may have been shuffled"),
            challenger.p,
            limits.skill_alpha,
        ),
    ]


class _Skill:
    def __init__(self, sample: Sample, scores: Floats, limits: GateLimits, seed: int) -> None:
        self.skill, chance = association(sample.labels, scores, classifies=sample.classifies)
        drawn = chance(np.random.default_rng(seed))
        self.p = float((1 + (drawn >= self.skill).sum()) / (1 + len(drawn)))
        below = float((1 + (drawn <= self.skill).sum()) / (1 + len(drawn)))
        self.shown, self.turned = self.p <= limits.skill_alpha, below <= limits.skill_alpha
        self.hopeless = not self.shown and self.skill + 2 * float(np.std(drawn)) < limits.no_skill_auc

    def told(self, who: str) -> str:
        return f"the {who}'s score ranks requests by label with {self.skill:.3f} (0.5 is chance), p = {self.p:.4f}"


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
