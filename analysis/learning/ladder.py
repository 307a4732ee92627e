"""Which fix first: the order that ends a trouble soonest, learnt from how often each fix helped and how long it took.

Of fixes that are tried one after the other until one helps, the order with the least expected time is by seconds spent
for each success: the time of one try over the probability that it helps. What is written in the catalogue stays in its
order until outcomes speak clearly against it.

>>> seen = rung(rung(Rung(), helped=True, seconds=4.0), helped=True, seconds=6.0)
>>> known = belief(Guess("restart", 0.5, 10.0), seen, Rung())
>>> round(known.share, 2), round(known.took_s, 1)
(0.78, 6.7)
"""

from collections.abc import Mapping, Sequence
from math import log, sqrt

from msgspec import Struct
from msgspec.structs import replace

KEEP = 0.97  # of the weight of earlier outcomes, at each new one of the same fix: some thirty count
GUESS = 1.5  # outcomes that the catalogue's guess is worth
POOL = 6.0  # outcomes that the record of other services is worth, at most
SURE = 0.5  # standard deviations by which a fix has to be better before it goes ahead of another
LEAST = 1.0  # outcomes, here or elsewhere, before a fix may go ahead
SPARED = 0.5  # outcomes that one counts which was not tried, as another had helped,
WOULD_HELP = 0.15  # and how often it would have
TURNED = 2.0  # of the logarithm of odds that it helps half as often as it did
MOST_SURE = 0.85  # that a fix helps, so that one failure alone overturns nothing
AFTER_TURN = 0.03  # of its record is left when that is so


class Rung(Struct, frozen=True, omit_defaults=True, gc=False):
    """The record of one fix against one cause at one service; what is older counts less."""

    helped: float = 0.0
    failed: float = 0.0
    took_s: float = 0.0  # mean of those that helped
    lost_s: float = 0.0  # mean of those that did not
    doubt: float = 0.0  # that it helps as often as it did

    @property
    def outcomes(self) -> float:
        return self.helped + self.failed


class Guess(Struct, frozen=True, gc=False):
    """What is thought of a fix before any record of it."""

    fix: str
    share: float
    seconds: float


class Belief(Struct, frozen=True, gc=False):
    fix: str
    share: float  # that it helps
    spread: float  # standard deviation of that
    took_s: float
    lost_s: float
    outcomes: float  # here and elsewhere, as far as they count
    here: float = 0.0

    def seconds_for_success(self, deviations: float = 0.0) -> float:
        share = min(max(self.share + deviations * self.spread, 0.02), 0.98)
        return (share * self.took_s + (1.0 - share) * self.lost_s) / share


def rung(known: Rung, *, helped: bool, seconds: float) -> Rung:
    """After one more outcome. A fix that turned bad loses its record at once, not outcome by outcome."""
    doubt = _doubt(known, helped=helped)
    if doubt >= TURNED:
        known = replace(known, helped=known.helped * AFTER_TURN, failed=known.failed * AFTER_TURN)
        doubt = 0.0
    good, bad = known.helped * KEEP, known.failed * KEEP
    if helped:
        took_s = _after(known.took_s, good, seconds)
        return replace(known, helped=good + 1.0, failed=bad, took_s=took_s, doubt=doubt)
    lost_s = _after(known.lost_s, bad, seconds)
    return replace(known, helped=good, failed=bad + 1.0, lost_s=lost_s, doubt=doubt)


def spared(known: Rung) -> Rung:
    """Another fix helped before it had its turn. Fixes that are tried last meet only what others could not cure, and would
    look better than they are: so it counts a little, mostly as one that would not have helped."""
    helped, failed = known.helped + SPARED * WOULD_HELP, known.failed + SPARED * (1.0 - WOULD_HELP)
    kept = 1.0 - SPARED * (1.0 - KEEP)
    return replace(known, helped=helped * kept, failed=failed * kept)


def taken_back(known: Rung, seconds: float) -> Rung:
    """Its last success was none: the trouble came back."""
    good = max(known.helped - 1.0, 0.0)
    return rung(replace(known, helped=good), helped=False, seconds=seconds)


def aged(known: Rung, kept: float) -> Rung:
    """
    >>> aged(Rung(helped=4.0, took_s=3.0), 0.5).helped
    2.0
    """
    return replace(known, helped=known.helped * kept, failed=known.failed * kept, doubt=0.0)


def pooled(records: Sequence[Rung]) -> Rung:
    """What other services say together."""
    helped, failed = sum(r.helped for r in records), sum(r.failed for r in records)
    took_s = _mean(*((r.helped, r.took_s) for r in records))
    lost_s = _mean(*((r.failed, r.lost_s) for r in records))
    return Rung(helped, failed, took_s, lost_s)


def belief(guess: Guess, here: Rung, elsewhere: Rung) -> Belief:
    """The guess, what others saw, what was seen here: the nearer, the more each outcome counts."""
    weight = min(1.0, POOL / elsewhere.outcomes) if elsewhere.outcomes else 0.0
    good = GUESS * guess.share + weight * elsewhere.helped + here.helped
    total = GUESS + weight * elsewhere.outcomes + here.outcomes
    share = good / total
    took = _mean(
        (1.0, guess.seconds), (weight * elsewhere.helped, elsewhere.took_s), (here.helped, here.took_s)
    )
    lost = _mean(
        (1.0, guess.seconds), (weight * elsewhere.failed, elsewhere.lost_s), (here.failed, here.lost_s)
    )
    spread = sqrt(share * (1.0 - share) / (total + 1.0))
    return Belief(guess.fix, share, spread, took, lost, total - GUESS, here.outcomes)


def arranged(beliefs: Sequence[Belief]) -> tuple[str, ...]:
    """The order to try them in: today's, which is the order given, but for those that are clearly better.

    >>> slow, quick = Belief("a", 0.5, 0.1, 30.0, 30.0, 8.0), Belief("b", 0.9, 0.05, 5.0, 9.0, 8.0)
    >>> arranged([slow, quick])
    ('b', 'a')
    """
    left, order = list(beliefs), []
    while left:
        head, best = left[0], min(left, key=Belief.seconds_for_success)
        firm = best.outcomes >= LEAST and best.seconds_for_success(-SURE) < head.seconds_for_success(SURE)
        order.append(chosen := best if firm else head)
        left.remove(chosen)
    return tuple(known.fix for known in order)


def led_by(order: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The names in the order that was learnt; those of which nothing was learnt keep their place.

    >>> led_by(("c", "a"), ("a", "risky", "c"))
    ('c', 'risky', 'a')
    """
    ordered = iter([name for name in order if name in names])
    return tuple(next(ordered) if name in order else name for name in names)


def expected_s(order: Sequence[str], beliefs: Mapping[str, Belief]) -> float:
    """Until one of them has helped, as far as they go: what an order promises.

    >>> sure = Belief("a", 1.0, 0.0, 5.0, 9.0, 8.0)
    >>> expected_s(["a"], {"a": sure})
    5.0
    """
    reached, seconds = 1.0, 0.0
    for fix in order:
        known = beliefs[fix]
        seconds += reached * (known.share * known.took_s + (1.0 - known.share) * known.lost_s)
        reached *= 1.0 - known.share
    return seconds


def _doubt(known: Rung, *, helped: bool) -> float:
    """Page's test: evidence that it helps only half as often as its record says; luck does not pile up."""
    share = min((known.helped + 0.5) / (known.outcomes + 1.0), MOST_SURE)
    half = share / 2.0
    said = log(half / share) if helped else log((1.0 - half) / (1.0 - share))
    return max(0.0, known.doubt + said)


def _after(mean_s: float, weight: float, seconds: float) -> float:
    return _mean((weight, mean_s), (1.0, seconds))


def _mean(*parts: tuple[float, float]) -> float:
    """Of those that were timed: outcomes that count without having been seen have no time."""
    timed = [(weight, value) for weight, value in parts if value > 0.0]
    weight = sum(part for part, _ in timed)
    return sum(part * value for part, value in timed) / weight if weight else 0.0
