"""The measures of the gate, and each row's part in the difference of two models."""

import numpy as np
from msgspec import Struct

from mlops.gate.evidence import Answers, Floats, Sample


class Contrast(Struct, frozen=True):
    """The main measure of both models and what each row adds to the challenger's gain; above 0 is better."""

    name: str  # F1, RMSE or squared error
    champion: float
    challenger: float
    gains: Floats  # their mean is the gain, to first order; a slice's mean tells who gains by it
    worth: Floats  # a slice's gains over its worth are its relative gain
    spread: float  # of one row's part in the gain, from which sample sizes follow

    @property
    def gain(self) -> float:
        return self.challenger - self.champion if self.name == "F1" else self.champion - self.challenger

    @property
    def gain_pct(self) -> float:
        return 100 * self.gain / self.champion if self.champion > 0 else 0.0


def f1(labels: Floats, decisions: Floats) -> float:
    """
    >>> f1(np.array([1.0, 1, 0, 0]), np.array([1.0, 0, 1, 0]))
    0.5
    """
    total = labels.sum() + decisions.sum()
    return float(2 * (labels * decisions).sum() / total) if total else 0.0


def rmse(labels: Floats, numbers: Floats) -> float:
    return float(np.sqrt(np.mean((numbers - labels) ** 2)))


def brier_rows(sample: Sample) -> Floats | None:
    """Each row's part in the challenger's loss of Brier score; above 0 is worse. None without probabilities."""
    before, after = sample.champion.probability, sample.challenger.probability
    if before is None or after is None:
        return None
    return np.asarray((after - sample.labels) ** 2 - (before - sample.labels) ** 2, float)


def auc(labels: Floats, scores: Floats) -> float:
    """The chance that a positive scores above a negative, ties half; 0.5 where there is one class.

    >>> auc(np.array([0.0, 0, 1, 1]), np.array([1.0, 2, 2, 3]))
    0.875
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    above = float(ranks(scores) @ labels) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def ranks(values: Floats) -> Floats:
    """From 1; ties share their middle.

    >>> ranks(np.array([5.0, 1, 5, 9])).tolist()
    [2.5, 1.0, 2.5, 4.0]
    """
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[group], float)


def contrast(sample: Sample) -> Contrast:
    return _decisions(sample) if sample.classifies else _numbers(sample)


def _decisions(sample: Sample) -> Contrast:
    """A row is worth 2·hit - F·decision, F the champion's F1: the mean is then exactly the gain of F1, scaled."""
    labels, before, after = sample.labels, sample.champion.prediction, sample.challenger.prediction
    champion, challenger = f1(labels, before), f1(labels, after)
    scale = max(float(np.mean(after + labels)), 1e-12)
    gains = ((2 * labels - champion) * (after - before)) / scale
    worth = champion * (after + labels) / scale
    influence = _influence(labels, after, challenger) - _influence(labels, before, champion)
    return Contrast("F1", champion, challenger, gains, worth, float(np.std(influence)))


def _influence(labels: Floats, decisions: Floats, score: float) -> Floats:
    scale = max(float(np.mean(decisions + labels)), 1e-12)
    return np.asarray((2 * labels * decisions - score * (decisions + labels)) / scale, float)


def _numbers(sample: Sample) -> Contrast:
    before = (sample.champion.prediction - sample.labels) ** 2
    after = (sample.challenger.prediction - sample.labels) ** 2
    champion, challenger = float(np.sqrt(before.mean())), float(np.sqrt(after.mean()))
    scale = max(champion + challenger, 1e-12)
    influence = before / max(2 * champion, 1e-12) - after / max(2 * challenger, 1e-12)
    gains, worth = (before - after) / scale, 2 * before / scale
    return Contrast("RMSE", champion, challenger, gains, worth, float(np.std(influence)))


def score(answers: Answers) -> Floats:
    """What ranks requests: the probability where there is one."""
    return answers.probability if answers.probability is not None else answers.prediction
