"""Ranks fixes: expected success over all causes that are still possible, minus what the fix costs and risks.

The order of a fix's `cures` says how well it suits them: the first is what it is for.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

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


def prior_of(fixes: Mapping[str, Fix], key: str) -> tuple[float, float]:
    """Of CAUSE/FIX, also where the catalogue does not know the pair any more."""
    cause, _, name = key.rpartition("/")
    fix = fixes.get(name)
    return prior(fix, cause) if fix and cause in fix.cures else (1.0, 1.0)


def rank(
    fixes: Iterable[Fix],
    causes: Iterable[tuple[str, float]],
    learnt: Callable[[Fix, str], float],
    hoped: Callable[[Fix, str], float] | None = None,
) -> list[Option]:
    """Best first. `causes` are (name, confidence); `learnt` gives the probability that a fix heals a cause.

    `hoped` is what it may turn out to be: it orders the fixes, and stands in none of their figures.
    """
    beliefs = list(causes)
    options = []
    for fix in fixes:
        shares = {cause: sure * learnt(fix, cause) for cause, sure in beliefs if cause in fix.cures}
        probability = sum(shares.values())
        if probability >= LEAST_PROBABILITY:
            costs = min(COST_PER_S * fix.cost_s, COST_AT_MOST) + RISK[fix.risk]
            hope = (
                sum(sure * hoped(fix, cause) for cause, sure in beliefs if cause in shares)
                if hoped
                else probability
            )
            option = Option(
                fix, max(shares, key=lambda cause: shares[cause]), probability, probability - costs
            )
            options.append((hope - costs, option))
    options.sort(key=lambda item: (-round(item[0], 9), item[1].fix.name))
    return [option for _, option in options]


def led(ranked: Sequence[Option], order: Sequence[str]) -> list[Option]:
    """What was learnt says who comes first, never who may come at all."""
    by_fix = {option.fix.name: option for option in ranked}
    return [by_fix[name] for name in led_by(order, tuple(by_fix))]
