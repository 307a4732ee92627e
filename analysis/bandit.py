"""How often a fix heals a cause: pooled from all services over those of one kind to one, without what heals by itself.

A fix that is followed by recovery has either helped, or was there when it passed. How much of the credit is its own depends
on how often such faults pass while nobody does anything; the rest counts as if it had not helped. When a fix does
otherwise than it used to, what was known of it before is let go.

>>> record = learn(Outcomes(), "shop", healed=False)
>>> round(probability(record, (8, 2), "shop", alike=("shop", "worker")), 2)
0.69
>>> round(probability(record, (8, 2), "worker", alike=("shop", "worker")), 2)
0.73
"""

from collections.abc import Collection, Iterable
from math import log, log1p, sqrt

from msgspec import Struct

# How many outcomes of its own make a service weigh as much as what is known about its kind.
POOL_STRENGTH = 6.0
CURIOSITY = 0.6  # how much a fix is hoped to be better than what is known of it, see Belief.hoped
EVEN = (1.0, 1.0)  # of a fix of which nothing is known
MOST_RECENT = 12
LEAST_RECENT = 4
SURPRISE = 3.0  # log-likelihood by which the newest outcomes have to be better explained by themselves
KEPT = 0.05  # what is left of a record that the newest outcomes contradict


class Tally(Struct, frozen=True):
    successes: float = 0.0
    failures: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.successes + other.successes, self.failures + other.failures)

    def scaled(self, factor: float) -> "Tally":
        return Tally(self.successes * factor, self.failures * factor)

    @property
    def times(self) -> float:
        return self.successes + self.failures


class Outcomes(Struct, frozen=True):
    """What one fix achieved against one cause, by service. `by_service` is what it is credited with."""

    by_service: dict[str, Tally] = {}
    counts: dict[str, tuple[int, int]] = {}  # (well afterwards, times), as it was seen
    recent: tuple[tuple[str, bool], ...] = ()  # (service, well afterwards), the newest last

    @property
    def healed(self) -> int:
        return sum(healed for healed, _ in self.counts.values())

    @property
    def times(self) -> int:
        return sum(times for _, times in self.counts.values())


class Belief(Struct, frozen=True):
    """A Beta distribution by its mean and how many outcomes it is worth."""

    mean: float
    strength: float

    def hoped(self, seen: int) -> float:
        """More than the mean the less is known, and the more was `seen` of all fixes for that cause: who never tries
        another never learns that it is better. Before the first outcome the catalogue alone decides."""
        spread = sqrt(self.mean * (1 - self.mean) / (self.strength + 1))
        return min(1.0, self.mean + CURIOSITY * sqrt(log1p(seen)) * spread)


def learn(
    outcomes: Outcomes, service: str, *, healed: bool, weight: float = 1.0, by_itself: float = 0.0
) -> Outcomes:
    """`by_itself` is how probably such a fault passes meanwhile."""
    skill = believe(outcomes, EVEN, service, alike=()).mean
    expected = together(skill, by_itself)
    credit = skill / expected if healed and expected > 0 else 0.0
    recent = (*outcomes.recent, (service, healed))[-MOST_RECENT:]
    record = dict(outcomes.by_service)
    own = record.get(service, Tally())
    here = together((own.successes + 1) / (own.times + 2), by_itself)
    if _contradicts(recent, expected, here):
        recent, record = recent[-1:], {name: tally.scaled(KEPT) for name, tally in record.items()}
    record[service] = record.get(service, Tally()) + Tally(weight * credit, weight * (1 - credit))
    well, times = outcomes.counts.get(service, (0, 0))
    return Outcomes(record, {**outcomes.counts, service: (well + healed, times + 1)}, recent)


def doubted(outcomes: Outcomes, service: str, weight: float) -> Outcomes:
    """Something less than an outcome speaks against it."""
    tally = outcomes.by_service.get(service, Tally()) + Tally(0.0, weight)
    return Outcomes({**outcomes.by_service, service: tally}, outcomes.counts, outcomes.recent)


def believe(
    outcomes: Outcomes, prior: tuple[float, float], service: str, *, alike: Collection[str]
) -> Belief:
    """That the fix itself heals the cause at this service; `alike` are the services of its kind.

    What is further away comes first and is the prior of what is nearer; no outcome speaks twice.
    """
    record = outcomes.by_service
    others = _sum(tally for name, tally in record.items() if name not in alike and name != service)
    kin = _sum(tally for name, tally in record.items() if name in alike and name != service)
    own = record.get(service, Tally())
    total = prior[0] + prior[1]
    mean = prior[0] / total
    for tally, strength in ((others, total), (kin, total), (own, POOL_STRENGTH)):
        mean = (strength * mean + tally.successes) / (strength + tally.times)
    return Belief(mean, min(total + others.times + kin.times, POOL_STRENGTH) + own.times)


def probability(
    outcomes: Outcomes, prior: tuple[float, float], service: str, *, alike: Collection[str]
) -> float:
    return believe(outcomes, prior, service, alike=alike).mean


def together(skill: float, by_itself: float) -> float:
    """Well afterwards, whether by the fix or by itself."""
    return skill + (1 - skill) * by_itself


def _contradicts(recent: tuple[tuple[str, bool], ...], expected: float, here: float) -> bool:
    """Whether some newest outcomes are far better explained by a rate of their own than by the one believed in.

    Where all of them are of one service, what is known `here` is believed: that a fix does worse at one service than
    elsewhere is no change of the world.
    """
    for size in range(LEAST_RECENT, len(recent) + 1):
        newest = recent[-size:]
        own = sum(healed for _, healed in newest) / size
        believed = here if len({service for service, _ in newest}) == 1 else expected
        if size * _divergence(own, min(max(believed, 0.02), 0.98)) > SURPRISE:
            return True
    return False


def _divergence(own: float, believed: float) -> float:
    return sum(p * log(p / q) for p, q in ((own, believed), (1 - own, 1 - believed)) if p > 0)


def _sum(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
