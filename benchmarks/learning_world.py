"""A world of faults for the benchmark of learning: all its parameters come from a seed, and it imports no agent.

A cause is a name for several troubles: each fault has one fix that ends it for certain, which one it is differs by cause and
kind of service, and other fixes end it too now and then. The catalogue knows the likeliest fix for a given share of causes.
Some faults pass by themselves, some fixes only hide a fault for a while, and some services boot for longer than declared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log
from random import Random

WAIT = "wait"
USUAL_WAIT_S = 30.0
START_TIMEOUT_S = 20.0
VERIFY_S = 3.0
ROUND_S = 300.0  # after the last fix, until all are tried again
WATCHED_S = 900.0  # after a healing: what comes later is another trouble


@dataclass
class Nature:
    """What is really so for one cause at one kind of service."""

    shares: dict[str, float]  # how often each fix is the one that ends it
    overlap: float  # how often another fix ends it as well
    hides: dict[str, float]  # how often a fix that does not end it hides it for a while
    effort_s: dict[str, float]  # of the fix itself, without the boot after it
    lost_s: dict[str, float]  # until it is seen that it did not help
    passes: float  # share of faults that pass by themselves,
    passes_s: float  # and after how long, on average


@dataclass
class Fault:
    cause: str
    service: str
    ends_by: frozenset[str]
    passes_s: float  # infinity: never


@dataclass
class World:
    """`ladders` are the catalogue: (fix, guessed share, guessed seconds) for each cause, in its order."""

    ladders: dict[str, list[tuple[str, float, float]]]
    kinds: dict[str, str]  # of each service
    boots_s: dict[str, float]  # of each service, in the middle
    nature: dict[tuple[str, str], Nature]  # by cause and kind
    weights: dict[str, float]  # how often each cause comes

    def of(self, cause: str, service: str) -> Nature:
        return self.nature[cause, self.kinds[service]]

    def fault(self, random: Random) -> Fault:
        [cause] = random.choices(list(self.weights), list(self.weights.values()))
        service = random.choice(sorted(self.kinds))
        nature = self.of(cause, service)
        [right] = random.choices(list(nature.shares), list(nature.shares.values()))
        ends_by = {right, *(fix for fix in nature.shares if random.random() < nature.overlap)}
        passes = random.random() < nature.passes
        return Fault(
            cause, service, frozenset(ends_by), random.expovariate(1 / nature.passes_s) if passes else inf
        )


def make(seed: int, catalogue_right: float) -> World:
    random = Random(seed)
    kinds = {f"service-{n}": random.choice(("api", "worker", "store")) for n in range(random.randint(2, 6))}
    ladders = {
        cause: _catalogue(random, cause) for cause in (f"cause-{n}" for n in range(random.randint(3, 6)))
    }
    return World(
        ladders=ladders,
        kinds=kinds,
        boots_s={service: random.lognormvariate(log(8.0), 0.7) for service in kinds},
        nature={
            (cause, kind): _nature(random, ladder, catalogue_right)
            for cause, ladder in ladders.items()
            for kind in sorted(set(kinds.values()))
        },
        weights={cause: random.expovariate(1.0) + 0.1 for cause in ladders},
    )


def _catalogue(random: Random, cause: str) -> list[tuple[str, float, float]]:
    """Guesses get worse down the ladder; for half of all causes waiting is a fix, and for half of these the first."""
    rungs = [
        (f"{cause}-fix-{n}", round(0.85 * 0.8**n, 3), random.choice((1.0, 2.0, 5.0, 10.0)))
        for n in range(random.randint(3, 5))
    ]
    if random.random() < 0.5:
        rungs.insert(0 if random.random() < 0.5 else len(rungs), (WAIT, 0.5, USUAL_WAIT_S))
    return rungs


def _nature(random: Random, ladder: Sequence[tuple[str, float, float]], catalogue_right: float) -> Nature:
    fixes = [fix for fix, *_ in ladder if fix != WAIT]
    shares = sorted((random.gammavariate(0.4, 1.0) + 0.001 for _ in fixes), reverse=True)
    order = list(fixes)
    if random.random() >= catalogue_right:
        random.shuffle(order)
    total = sum(shares)
    return Nature(
        shares={fix: share / total for fix, share in zip(order, shares, strict=True)},
        overlap=random.uniform(0.0, 0.3),
        hides={fix: random.uniform(0.3, 0.9) if random.random() < 0.15 else 0.0 for fix in fixes},
        effort_s={fix: random.lognormvariate(0.7, 0.8) for fix in fixes},
        lost_s={fix: random.uniform(10.0, 45.0) for fix in fixes},
        passes=random.uniform(0.0, 0.7) if random.random() < 0.5 else 0.05,
        passes_s=random.uniform(3.0, 25.0),
    )


@dataclass
class Try:
    """One rung, as its outcome would be told. `back_s` is 0 where it held, `boot_s` where no boot was seen to its end."""

    fix: str
    helped: bool
    seconds: float
    back_s: float = 0.0
    boot_s: float = 0.0


@dataclass
class Plan:
    """How to treat one cause at one service."""

    order: Sequence[str]
    wait_s: float = USUAL_WAIT_S
    verify_s: float = VERIFY_S
    boot_s: float = START_TIMEOUT_S  # for which a boot is left alone


def treat(
    world: World,
    random: Random,
    fault: Fault,
    plan: Callable[[], Plan],
    told: Callable[[Sequence[Try]], None],
) -> float:
    """Seconds from the fault to its end for good; `told` hears of each incident when it ends."""
    before_s, now_s, tries = 0.0, 0.0, list[Try]()
    while True:
        chosen, booting_s = plan(), 0.0
        for fix in chosen.order:
            one = _try(world, random, fault, fix, chosen, before_s + now_s)
            tries.append(one)
            now_s += one.seconds
            if one.helped:
                break
            if one.boot_s:  # it was the right one, and was given up while it booted
                booting_s = one.boot_s
        else:
            if booting_s:  # nobody disturbs it any more
                tries.append(
                    Try(
                        tries[-1].fix,
                        helped=True,
                        seconds=booting_s - chosen.boot_s + VERIFY_S,
                        boot_s=booting_s,
                    )
                )
                now_s += tries[-1].seconds
                told(tries)
                return before_s + now_s
            now_s += ROUND_S
            continue
        told(tries)
        before_s += now_s
        if not one.back_s:
            return before_s
        now_s, tries = 0.0, []


def _try(world: World, random: Random, fault: Fault, fix: str, plan: Plan, since_s: float) -> Try:
    nature, left_s = world.of(fault.cause, fault.service), fault.passes_s - since_s
    if fix == WAIT:
        passes = left_s <= plan.wait_s
        return Try(WAIT, helped=passes, seconds=max(left_s, 0.0) if passes else plan.wait_s)
    if fix in fault.ends_by:
        boot_s = world.boots_s[fault.service] * random.lognormvariate(0.0, 0.12)
        if boot_s > plan.boot_s:
            return Try(fix, helped=False, seconds=nature.effort_s[fix] + plan.boot_s, boot_s=boot_s)
        seconds = nature.effort_s[fix] + boot_s + VERIFY_S
        return Try(fix, helped=True, seconds=seconds, boot_s=boot_s)
    lost_s = nature.lost_s[fix] * random.uniform(0.7, 1.3)
    if left_s <= lost_s:  # it passes meanwhile, and the fix gets the praise
        return Try(fix, helped=True, seconds=max(left_s, 0.0) + VERIFY_S)
    if random.random() >= nature.hides[fix]:
        return Try(fix, helped=False, seconds=lost_s)
    back_s, took_s = random.uniform(4.0, 90.0), nature.effort_s[fix] + world.boots_s[fault.service]
    if back_s <= plan.verify_s:
        return Try(fix, helped=False, seconds=took_s + back_s)
    return Try(fix, helped=True, seconds=took_s + VERIFY_S, back_s=back_s)
