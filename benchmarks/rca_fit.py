"""Fits the weights of the root-cause engine: python -m benchmarks.rca_fit prints them, and how they do on what they never saw.

A conditional logit: of all services of a case, the culprit's share of the soft-max is to be large. The weights are pulled
towards those that were chosen beforehand, may not be negative, and each set of cases counts by the root of its size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.root_cause.deviation import deviations
from analysis.root_cause.fusion import WEIGHTS, evidence
from analysis.root_cause.window import Floats
from benchmarks.rca import window_of
from benchmarks.rca_data import SETS, cases

NAMES = tuple(WEIGHTS)
PRIOR = np.array([0.5 if name in ("less", "rest") else 1.0 for name in NAMES])
PULL = 0.03
STEPS, RATE = 1500, 0.5
FOLDS = 5


class Case(NamedTuple):
    of: str
    parts: Floats  # a row per service, a column per evidence
    culprit: int


def gathered(late: int) -> list[Case]:
    """The evidence on every public case, with the culprit's place in it."""
    found = []
    for name in SETS:
        for truth, case in cases(name, late):
            window = window_of(case)
            if truth["service"] not in window.services:
                continue
            parts = evidence(window, deviations(window))
            nothing = np.zeros(len(window.services))
            table = np.stack([parts.get(each, nothing) for each in NAMES], axis=1)
            found.append(Case(name, table, window.services.index(truth["service"])))
    return found


def fitted(known: Sequence[Case]) -> Floats:
    """Projected gradient descent with momentum, on all cases at once."""
    widest = max(len(case.parts) for case in known)
    table = np.zeros((len(known), widest, len(NAMES)))
    there = np.zeros((len(known), widest), dtype=bool)
    for row, case in enumerate(known):
        table[row, : len(case.parts)] = case.parts
        there[row, : len(case.parts)] = True
    sizes = {name: sum(case.of == name for case in known) for name in SETS}
    importance = np.array([sizes[case.of] ** -0.5 for case in known])
    importance /= importance.sum()
    culprits = table[np.arange(len(known)), [case.culprit for case in known]]
    weights, momentum = PRIOR.copy(), np.zeros(len(NAMES))
    for step in range(STEPS):
        scores = np.where(there, table @ weights, -np.inf)
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        expected = np.einsum("cs,cse->ce", chances, table)
        slope = importance @ (expected - culprits) + PULL * (weights - PRIOR)
        momentum = 0.8 * momentum - RATE / (1 + step / 300) * slope
        weights = np.maximum(weights + momentum, 0.0)
    return weights


def places(known: Sequence[Case], weights: Floats) -> list[tuple[str, int, float]]:
    """(set, place of the culprit, share of the first in the soft-max)"""
    found = []
    for case in known:
        scores = case.parts @ weights
        chances = np.exp(scores - scores.max())
        place = 1 + int((scores > scores[case.culprit]).sum())
        found.append((case.of, place, float(chances.max() / chances.sum())))
    return found


def crossed(on_time: Sequence[Case], late: Sequence[Case], seed: int = 0) -> list[tuple[str, int, float]]:
    """Each case judged by weights that were fitted without it, in five folds."""
    order = np.random.default_rng(seed).permutation(len(on_time)).tolist()
    found: list[tuple[str, int, float]] = []
    for fold in range(FOLDS):
        left_out = set(order[fold::FOLDS])
        known = [case for cases in (on_time, late) for n, case in enumerate(cases) if n not in left_out]
        found += places([on_time[n] for n in sorted(left_out)], fitted(known))
    return found


def without(on_time: Sequence[Case], late: Sequence[Case], name: str) -> list[tuple[str, int, float]]:
    """The cases of one set, judged by weights that were fitted to the others alone."""
    known = [case for case in (*on_time, *late) if case.of != name]
    return places([case for case in on_time if case.of == name], fitted(known))


def platt(judged: Sequence[tuple[str, int, float]]) -> tuple[float, float]:
    """Slope and offset of the confidence, on the scale of log-odds."""
    share = np.clip([share for _, _, share in judged], 1e-6, 1 - 1e-6)
    odds = np.log(share / (1 - share))
    right = np.array([place == 1 for _, place, _ in judged], dtype=float)
    slope, offset = 1.0, 0.0
    for _ in range(20_000):
        wrong = 1 / (1 + np.exp(-(slope * odds + offset))) - right
        slope -= 0.02 * float((wrong * odds).mean())
        offset -= 0.02 * float(wrong.mean())
    return slope, offset


def main() -> None:
    on_time, late = gathered(0), gathered(2)
    weights = fitted([*on_time, *late])
    print({name: round(float(weight), 2) for name, weight in zip(NAMES, weights, strict=True)})
    unseen = [*crossed(on_time, late), *crossed(late, on_time)]
    print("confidence: slope and offset", platt(unseen))
    for name in SETS:
        seen = [place for of, place, _ in crossed(on_time, late) if of == name]
        alone = [place for _, place, _ in without(on_time, late, name)]
        print(name, "crossed", np.mean(np.array(seen) == 1), "without", np.mean(np.array(alone) == 1))


if __name__ == "__main__":
    main()
