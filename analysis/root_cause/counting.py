"""What counts say: errors never seen before or more of them, and broken ratios between things of one service that always
happened together (a method that ends early logs its first line and not its last one)."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from analysis.root_cause.window import Counts, Floats, Numbers, quantiles, strongest
from analysis.words import TROUBLE

USUAL_SHARE = 0.6  # of the past windows in which a thing happened: else its ratio to others tells nothing
RARE = 3.0  # how many times rarer than in every window a line has to be to be news
MOST_OF_ONE = 60  # things of one service that are paired
SEVERAL = 3  # ratios of one service, as one alone may be broken by chance


class Broken(Struct, frozen=True):
    """The evidence in counts, one value per service."""

    new_errors: Floats
    more_errors: Floats
    ratio: Floats  # the most broken one
    ratios: Floats  # several are as broken as this


def broken(every: Sequence[Counts], services: dict[str, int]) -> Broken:
    size = len(services)
    nothing = np.zeros(size)
    if not every:
        return Broken(nothing, nothing, nothing, nothing)
    rows = min(len(counts.past) for counts in every)
    now = np.concatenate([counts.now for counts in every])
    past = np.hstack([counts.past[:rows] for counts in every])
    owners = np.array([services.get(name, -1) for counts in every for name in counts.services], dtype=np.intp)
    trouble = np.array(
        [counts.spoken and bool(TROUBLE.search(name)) for counts in every for name in counts.names],
        dtype=bool,
    )
    happened = (past > 0).sum(axis=0)
    rarity = np.maximum(np.log((rows + 1) / (happened + 0.5)) - np.log(RARE), 0)
    news = np.log1p(np.log1p(now) * rarity)
    often = quantiles(past, (0.9,))[0] if rows else np.zeros(len(now))
    more = np.maximum(np.log((now + 1) / (often + 1)), 0)
    chosen = np.where(trouble, owners, -1)
    usual = (happened > USUAL_SHARE * rows) & (owners >= 0)
    ratio, ratios = _ratios(now, past, np.where(usual, owners, -1), size)
    return Broken(strongest(news, chosen, size), strongest(more, chosen, size), ratio, ratios)


def _ratios(now: Floats, past: Floats, owners: Numbers, size: int) -> tuple[Floats, Floats]:
    left, right = _pairs(now, past, owners)
    worst, several = np.zeros(size), np.zeros(size)
    if not len(left):
        return worst, several
    logs = np.log(past + 0.5)
    rare, quarter, centre, three, high = quantiles(
        logs[:, left] - logs[:, right], (0.1, 0.25, 0.5, 0.75, 0.9)
    )
    spread = np.maximum((three - quarter) / 1.35, (high - rare) / 2.56)
    least = np.maximum(now, quantiles(past, (0.5,))[0]) + 0.5
    chance = 0.5 / least[left] + 0.5 / least[right]  # of counts this small
    ratio = np.log(now + 0.5)
    off = np.abs(ratio[left] - ratio[right] - centre) / np.sqrt(spread**2 + chance)
    off, of = np.log1p(off), owners[left]
    order = np.lexsort((-off, of))
    of, off = of[order], off[order]
    first = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    size_of = np.diff(np.r_[first, len(of)])
    worst[of[first]] = off[first]
    several[of[first]] = off[first + np.minimum(size_of, SEVERAL) - 1]
    return worst, several


def _pairs(now: Floats, past: Floats, owners: Numbers) -> tuple[Numbers, Numbers]:
    """Each two things of one service, those that happen most often first."""
    mean = past.mean(axis=0) if len(past) else now
    left, right = [], []
    for owner in np.unique(owners[owners >= 0]):
        members = np.flatnonzero(owners == owner)
        members = members[np.argsort(-mean[members], kind="stable")][:MOST_OF_ONE]
        one, other = np.triu_indices(len(members), 1)
        left.append(members[one])
        right.append(members[other])
    if not left:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    return np.concatenate(left), np.concatenate(right)
