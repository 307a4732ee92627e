"""How soon whoever chooses finds a fix that is better by far, and finds the other one once the world has changed."""

from collections.abc import Callable
from random import Random

from benchmarks.selector_policies import Policy
from benchmarks.selector_world import FIXES, Incident, World

CANDIDATES = 4  # as many as the catalogue offers for a cause, or more
BETTER_BY = 0.4
CHANGES_AT, INCIDENTS = 100, 200
STREAK, AT_LEAST = 10, 9  # it is found once so many of the next first choices are the best one

Make = Callable[[World, int], Policy]


class OneCause(World):
    """One cause that never passes by itself, one fix that is better by far; later another one is."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, incidents=0)
        random = Random(f"one cause {seed}")
        best = random.uniform(BETTER_BY + 0.3, 0.98)
        self.chances = [random.uniform(0.0, best - BETTER_BY) for _ in range(CANDIDATES)]
        self.first, self.later = random.sample(range(CANDIDATES), 2)
        self.chances[self.first] = best
        self.disruption_s = [0.0] * (FIXES + 1)
        self.random = random

    def heals_now(self, number: int) -> list[float]:
        chances = list(self.chances)
        if number >= CHANGES_AT:
            chances[self.first], chances[self.later] = chances[self.later], chances[self.first]
        return chances


def found_after(make: Make, seed: int) -> tuple[int, int]:
    """(acts until the best fix is found, incidents until the new best one is after the change)."""
    world = OneCause(seed)
    policy = make(world, seed)
    beyond = frozenset(range(CANDIDATES, FIXES + 1))
    firsts, acts = [], [0]
    for number in range(INCIDENTS):
        incident = Incident(
            number, 0, 0, world.random.randrange(4) * 3, (), float("inf")
        )  # services of one class
        tried = beyond
        chances = world.heals_now(number)
        while len(tried) < FIXES + 1:
            fix = policy.choose(incident, tried)
            if tried is beyond:
                firsts.append(fix)
            healed = world.random.random() < chances[fix]
            policy.learn(incident, fix, healed=healed, seconds=1.0)
            tried |= {fix}
            acts[-1] += 1
            if healed:
                break
        acts.append(acts[-1])
    found = _settled(firsts[:CHANGES_AT], world.first)
    return acts[found], _settled(firsts[CHANGES_AT:], world.later)


def _settled(firsts: list[int], best: int) -> int:
    """The first incident from which on nearly all of the next begin with the best fix."""
    for n in range(len(firsts) - STREAK):
        if firsts[n] == best and firsts[n : n + STREAK].count(best) >= AT_LEAST:
            return n
    return len(firsts)
