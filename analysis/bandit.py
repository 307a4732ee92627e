"""Beta-Bernoulli record of how often a fix healed a cause, pooled from all services over those of one kind to one.

>>> record = learn(Outcomes(), "shop", healed=False)
>>> round(probability(record, (8, 2), "shop", alike=("shop", "worker")), 2)
0.69
>>> round(probability(record, (8, 2), "worker", alike=("shop", "worker")), 2)
0.73
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

# How many outcomes of its own make a service weigh as much as what is known about its kind.
POOL_STRENGTH = 6.0


class Tally(Struct, frozen=True):
    successes: float = 0.0
    failures: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.successes + other.successes, self.failures + other.failures)


class Outcomes(Struct, frozen=True):
    """What one fix achieved against one cause, by service."""

    by_service: dict[str, Tally] = {}


def learn(outcomes: Outcomes, service: str, *, healed: bool, weight: float = 1.0) -> Outcomes:
    before = outcomes.by_service.get(service, Tally())
    seen = Tally(weight, 0.0) if healed else Tally(0.0, weight)
    return Outcomes({**outcomes.by_service, service: before + seen})


def probability(
    outcomes: Outcomes, prior: tuple[float, float], service: str, *, alike: Collection[str]
) -> float:
    """Posterior mean that the fix heals the cause at this service; `alike` are the services of its kind.

    What is further away comes first and is the prior of what is nearer; no outcome speaks twice.
    """
    record = outcomes.by_service
    others = _sum(tally for name, tally in record.items() if name not in alike and name != service)
    kin = _sum(tally for name, tally in record.items() if name in alike and name != service)
    total = prior[0] + prior[1]
    mean = prior[0] / total
    for tally, strength in ((others, total), (kin, total), (record.get(service, Tally()), POOL_STRENGTH)):
        mean = (strength * mean + tally.successes) / (strength + tally.successes + tally.failures)
    return mean


def _sum(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
