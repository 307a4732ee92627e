"""Ranks fixes: expected success over all causes that are still possible, minus what the fix costs and risks.

The order of a fix's `cures` says how well it suits them: the first is what it is for.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from analysis.learning.ladder import led_by
from config.fixes import Fix

RISK = {"safe": 0.0, "risky": 0.1, "destructive": 0.3}
COST_PER_S = 0.02
COST_AT_MOST = 0.2
SUITS_LESS = 0.9  # each place further down in `cures`
LEAST_PROBABILITY = 0.03


class Option(Struct, frozen=True):
    """One fix with its prospects; `cause` is the one that it would most probably cure."""

    fix: Fix
    cause: str
    probability: float
    value: float


def named(parts: Iterable[str], sentences: Iterable[str]) -> bool:
    """Whether one of these declared files or folders stands in what was found.

    >>> named(["cache/"], ["corrupt entry in cache"]), named(["data.json"], ["corrupt entry in cache"])
    (True, False)
    """
    said = " ".join(sentences).lower()
    return any(
        re.search(rf"(?<![\w-]){re.escape(part.rstrip('/').lower())}(?![\w-])", said) for part in parts
    )


def prior(fix: Fix, cause: str) -> tuple[float, float]:
    """The catalogue's pseudo-counts, shifted towards failure for causes that the fix suits less."""
    successes, failures = fix.prior
    total = successes + failures
    kept = successes * SUITS_LESS ** fix.cures.index(cause)
    return kept, total - kept


def rank(
    fixes: Iterable[Fix],
    causes: Iterable[tuple[str, float]],
    learnt: Callable[[Fix, str], float],
) -> list[Option]:
    """Best first. `causes` are (name, confidence); `learnt` gives the probability that a fix heals a cause."""
    beliefs = list(causes)
    options = []
    for fix in fixes:
        shares = {cause: sure * learnt(fix, cause) for cause, sure in beliefs if cause in fix.cures}
        probability = sum(shares.values())
        if probability >= LEAST_PROBABILITY:
            value = probability - min(COST_PER_S * fix.cost_s, COST_AT_MOST) - RISK[fix.risk]
            options.append(Option(fix, max(shares, key=lambda cause: shares[cause]), probability, value))
    options.sort(key=lambda option: (-round(option.value, 9), option.fix.name))
    return options


def led(ranked: Sequence[Option], order: Sequence[str]) -> list[Option]:
    """What was learnt says who comes first, never who may come at all."""
    by_fix = {option.fix.name: option for option in ranked}
    return [by_fix[name] for name in led_by(order, tuple(by_fix))]
