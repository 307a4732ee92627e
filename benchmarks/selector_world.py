"""A world of incidents for whoever chooses fixes: all of it drawn from a seed, none of it taken from our agents.

Each incident has a true cause and a service of some class. A fix heals it with a probability of (cause, fix, class, service),
or it heals by itself meanwhile, at the rate of its cause; nobody is told which of both it was. Draws are the same for all
who choose, so that they meet the same luck.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import exp, log
from random import Random

from msgspec import Struct

CAUSES, FIXES, CLASSES, SERVICES = 6, 6, 3, 12
WAIT = FIXES  # the last choice: do nothing for a while
WAIT_S = 30.0
MOST_ATTEMPTS = 4
PERSON_S = 300.0  # how much longer it takes where nothing helped
MISTAKEN = 0.1  # how often the cause that is shown is not the true one
TRAPS = 2  # causes that mostly pass by themselves, against which fixes do little


class Incident(Struct, frozen=True):
    number: int
    cause: int
    shown: int
    service: int
    luck: tuple[float, ...]  # below the probability of a fix: it would help
    heals_after_s: float


class World:
    """`changes_at`: from this incident on, the best fix of each cause is another one."""

    def __init__(self, seed: int, incidents: int = 1000, changes_at: int | None = None) -> None:
        random = Random(seed)
        self.changes_at = incidents + 1 if changes_at is None else changes_at
        self.seconds = [random.uniform(4.0, 12.0) for _ in range(FIXES)] + [WAIT_S]
        self.disruption_s = [random.uniform(0.0, 10.0) for _ in range(FIXES)] + [0.0]
        self.rates = [0.0] * CAUSES  # of healing by itself, per second
        for cause in random.sample(range(CAUSES), TRAPS):
            self.rates[cause] = -log(1 - random.uniform(0.7, 0.97)) / WAIT_S
        self.ages = [self._heals(random), self._heals(random)]
        weights = [random.uniform(0.3, 1.0) for _ in range(CAUSES)]
        self.incidents = [self._incident(random, number, weights) for number in range(incidents)]

    def _heals(self, random: Random) -> list[list[list[float]]]:
        """By cause, service and fix."""
        return [self._cause(random, trap=rate > 0) for rate in self.rates]

    def _cause(self, random: Random, *, trap: bool) -> list[list[float]]:
        usual = [random.gauss(-1.5, 0.7) for _ in range(FIXES)]
        best = random.randrange(FIXES)
        if not trap:
            usual[best] = random.gauss(2.0, 0.5)
        by_class = []
        for _ in range(CLASSES):
            own = [logit + random.gauss(0.0, 0.5) for logit in usual]
            if not trap and random.random() < 0.25:  # this class wants another fix
                other = random.randrange(FIXES)
                own[best], own[other] = own[other], own[best]
            by_class.append(own)
        return [
            [1 / (1 + exp(-logit - random.gauss(0.0, 0.3))) for logit in by_class[service % CLASSES]]
            for service in range(SERVICES)
        ]

    def _incident(self, random: Random, number: int, weights: list[float]) -> Incident:
        cause = random.choices(range(CAUSES), weights)[0]
        shown = random.randrange(CAUSES) if random.random() < MISTAKEN else cause
        luck = tuple(random.random() for _ in range(FIXES))
        heals_after_s = random.expovariate(self.rates[cause]) if self.rates[cause] else float("inf")
        return Incident(number, cause, shown, random.randrange(SERVICES), luck, heals_after_s)

    def heals(self, number: int, cause: int, service: int) -> list[float]:
        return self.ages[number >= self.changes_at][cause][service]

    def attempt(self, incident: Incident, fix: int, since_s: float) -> tuple[bool, float]:
        """(whether it is well then, how long that took), begun so long after the incident did."""
        lasts_s = self.seconds[fix]
        if incident.heals_after_s <= since_s + lasts_s:
            return True, max(0.0, incident.heals_after_s - since_s)
        helped = (
            fix != WAIT
            and incident.luck[fix] < self.heals(incident.number, incident.cause, incident.service)[fix]
        )
        return helped, lasts_s

    @lru_cache(maxsize=100_000)  # noqa: B019 - a world lives as long as its benchmark
    def best_from(self, changed: bool, cause: int, service: int, tried: frozenset[int]) -> tuple[float, int]:
        """(expected seconds from here on, first fix of the best plan), for who knows all of this."""
        if len(tried) == MOST_ATTEMPTS:
            return PERSON_S, WAIT
        heals, rate = self.ages[changed][cause][service], self.rates[cause]
        plans = []
        for fix in set(range(FIXES + 1)) - tried:
            lasts_s = self.seconds[fix]
            stays = exp(-rate * lasts_s)
            spent_s = (1 - stays) / rate if rate else lasts_s
            fails = stays * (1 - (heals[fix] if fix != WAIT else 0.0))
            later_s, _ = self.best_from(changed, cause, service, tried | {fix}) if fails > 0 else (0.0, 0)
            plans.append((spent_s + self.disruption_s[fix] + fails * later_s, fix))
        return min(plans)


def worlds(seeds: range, incidents: int, *, changing: bool) -> Iterator[World]:
    for seed in seeds:
        at = (
            Random(f"change {seed}").randrange(incidents * 3 // 10, incidents * 7 // 10) if changing else None
        )
        yield World(seed, incidents, at)
