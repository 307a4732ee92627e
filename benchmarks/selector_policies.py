"""Who chooses fixes in the simulated world: ours, and those it is compared with. All weigh chances against costs alike."""

from collections import defaultdict
from random import Random
from typing import Protocol

from analysis import ledger
from analysis.bandit import Outcomes, believe, together
from analysis.choice import COST_AT_MOST, COST_PER_S
from analysis.ledger import by_itself, entered, seen
from benchmarks.selector_world import CLASSES, FIXES, SERVICES, WAIT, WAIT_S, Incident, World

PRIOR = (1.0, 1.0)


class Policy(Protocol):
    def choose(self, incident: Incident, tried: frozenset[int]) -> int: ...
    def learn(self, incident: Incident, fix: int, *, healed: bool, seconds: float) -> None: ...


class Simple:
    """Knows the world's costs, and chooses by a score."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(f"policy {seed}")
        self.costs = [min(COST_PER_S * cost_s, COST_AT_MOST) for cost_s in world.disruption_s]

    def choose(self, incident: Incident, tried: frozenset[int]) -> int:
        left = [fix for fix in range(FIXES + 1) if fix not in tried]
        return max(left, key=lambda fix: self.score(incident, fix) - self.costs[fix])

    def score(self, incident: Incident, fix: int) -> float:
        raise NotImplementedError

    def learn(self, incident: Incident, fix: int, *, healed: bool, seconds: float) -> None:
        pass


class Oracle(Simple):
    """Knows the cause, every probability and what comes after a failure."""

    def choose(self, incident: Incident, tried: frozenset[int]) -> int:
        changed = incident.number >= self.world.changes_at
        return self.world.best_from(changed, incident.cause, incident.service, tried)[1]


class Blind(Simple):
    def choose(self, incident: Incident, tried: frozenset[int]) -> int:
        return self.random.choice([fix for fix in range(FIXES + 1) if fix not in tried])


class FixedOrder(Simple):
    """The cheapest first, as people write it down once."""

    def score(self, incident: Incident, fix: int) -> float:
        return 0.0


class Counting(Simple):
    def __init__(self, world: World, seed: int, fading: float = 1.0) -> None:
        super().__init__(world, seed)
        self.fading = fading
        self.record: defaultdict[tuple[int, ...], list[float]] = defaultdict(lambda: list(PRIOR))

    def key(self, incident: Incident, fix: int) -> tuple[int, ...]:
        return incident.shown, fix

    def learn(self, incident: Incident, fix: int, *, healed: bool, seconds: float) -> None:
        entry = self.record[self.key(incident, fix)]
        for n in (0, 1):
            entry[n] = PRIOR[n] + self.fading * (entry[n] - PRIOR[n])
        entry[not healed] += 1.0


class Greedy(Counting):
    def score(self, incident: Incident, fix: int) -> float:
        successes, failures = self.record[self.key(incident, fix)]
        return successes / (successes + failures)


class Thompson(Counting):
    def score(self, incident: Incident, fix: int) -> float:
        return self.random.betavariate(*self.record[self.key(incident, fix)])


class ThompsonByClass(Thompson):
    def key(self, incident: Incident, fix: int) -> tuple[int, ...]:
        return incident.shown, incident.service % CLASSES, fix


class Ours(Simple):
    """The very book and beliefs of the fix selector."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.rates: dict[str, Outcomes] = {}
        self.kinds = [
            frozenset(str(other) for other in range(SERVICES) if other % CLASSES == kind)
            for kind in range(CLASSES)
        ]

    def score(self, incident: Incident, fix: int) -> float:
        cause, service = str(incident.shown), str(incident.service)
        alike = self.kinds[incident.service % CLASSES]
        record = self.rates.get(f"{cause}/{self._name(fix)}", Outcomes())
        hoped = believe(record, PRIOR, service, alike=alike).hoped(seen(self.rates, cause))
        if fix == WAIT:
            return hoped
        lasts = self.world.seconds[fix] / WAIT_S
        return together(hoped, by_itself(self.rates, cause, service, alike=alike, lasts=lasts))

    def learn(self, incident: Incident, fix: int, *, healed: bool, seconds: float) -> None:
        lasts = self.world.seconds[fix] / WAIT_S
        self.rates = entered(
            self.rates,
            str(incident.shown),
            self._name(fix),
            str(incident.service),
            healed=healed,
            lasts=lasts,
        )

    def _name(self, fix: int) -> str:
        return ledger.WAIT if fix == WAIT else str(fix)
