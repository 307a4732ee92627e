"""Beta-Bernoulli record of how often each fix healed each cause, pooled from all services down to one.

>>> record = fold({}, "hang", "kill_restart", "process", "shop", healed=False)
>>> round(probability(record, (8, 2), "hang", "kill_restart", "process", "shop"), 2)
0.69
>>> round(probability(record, (8, 2), "hang", "kill_restart", "process", "worker"), 2)
0.73
"""

from collections.abc import Mapping

from msgspec import Struct

# How many outcomes of its own make a service weigh as much as what is known about its kind.
POOL_STRENGTH = 6.0


class Tally(Struct, frozen=True):
    """Outcomes of one fix against one cause, at one level."""

    successes: float = 0.0
    failures: float = 0.0

    def plus(self, *, healed: bool) -> "Tally":
        return Tally(self.successes + healed, self.failures + (not healed))

    def minus(self, other: "Tally") -> "Tally":
        return Tally(self.successes - other.successes, self.failures - other.failures)


def levels(cause: str, fix: str, kind: str, service: str) -> tuple[str, str, str]:
    """Keys of the record, from all services over the kind of platform to the one service."""
    return f"{cause}/{fix}", f"{cause}/{fix}/{kind}", f"{cause}/{fix}/{kind}/{service}"


def fold(
    record: Mapping[str, Tally], cause: str, fix: str, kind: str, service: str, *, healed: bool
) -> dict[str, Tally]:
    """The entries that one more outcome changes."""
    return {key: record.get(key, Tally()).plus(healed=healed) for key in levels(cause, fix, kind, service)}


def probability(
    record: Mapping[str, Tally], prior: tuple[float, float], cause: str, fix: str, kind: str, service: str
) -> float:
    """Posterior mean that the fix heals this cause at this service.

    Each level takes the mean of the level above as its prior; what a level counts is taken out of the one above,
    so that no outcome speaks twice.
    """
    everywhere, same_kind, own = (record.get(key, Tally()) for key in levels(cause, fix, kind, service))
    total = prior[0] + prior[1]
    mean = prior[0] / total
    for tally, strength in (
        (everywhere.minus(same_kind), total),
        (same_kind.minus(own), total),
        (own, POOL_STRENGTH),
    ):
        mean = (strength * mean + tally.successes) / (strength + tally.successes + tally.failures)
    return mean
