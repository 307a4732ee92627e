"""Learning to recover: time to recover over 200 incidents of worlds drawn from seeds, taught against untaught."""

from collections.abc import Callable, Sequence
from random import Random
from statistics import mean

from analysis.learning import records as books
from analysis.learning.boots import tolerated_s
from analysis.learning.ladder import Guess
from analysis.learning.records import Records
from analysis.learning.relapses import Held, factor, noted
from benchmarks.learning_pace import pace
from benchmarks.learning_world import (
    START_TIMEOUT_S,
    USUAL_WAIT_S,
    VERIFY_S,
    WAIT,
    WATCHED_S,
    Fault,
    Plan,
    Try,
    World,
    make,
    treat,
)
from benchmarks.report import Goal, Table

INCIDENTS = 200
SEEDS = 200
SETTLED = 20
HALF = 0.5
WORLDS = {
    0.0: "the catalogue knows nothing",
    HALF: "it is right in half of all cases",
    1.0: "it is right always",
}
LEAST_OUTCOMES = 5  # as learning.min_outcomes
TURNS_AT = 60
MOST_FACTOR = 10
LONGEST_FACTOR = 4  # of today's doubling after a relapse within a minute
BOOT_CAP_S = 300.0
TRY_S = 20.0  # beside the fix itself, before any was seen, as in the daemon


class Untaught:
    """The catalogue's order, from the top, each time; a relapse doubles the length of verifying, as in the owner."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.doubled: dict[str, int] = {}

    def plan(self, fault: Fault) -> Plan:
        order = [fix for fix, *_ in self.world.ladders[fault.cause]]
        return Plan(order, verify_s=VERIFY_S * self.doubled.get(fault.service, 1))

    def told(self, fault: Fault, tries: Sequence[Try]) -> None:
        if 0.0 < tries[-1].back_s <= 60.0:
            factor = min(2 * self.doubled.get(fault.service, 1), LONGEST_FACTOR)
            self.doubled[fault.service] = factor


class Taught(Untaught):
    """The classes that the daemon runs."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.records: Records = {}
        self.held: dict[str, tuple[Held, ...]] = {}
        self.boots: dict[str, list[float]] = {}

    def guesses(self, cause: str) -> list[Guess]:
        return [Guess(fix, share, cost_s + TRY_S) for fix, share, cost_s in self.world.ladders[cause]]

    def plan(self, fault: Fault) -> Plan:
        service, kinds = fault.service, self.world.kinds
        alike = [name for name in kinds if kinds[name] == kinds[service]]
        known = books.plan(self.records, service, fault.cause, alike, self.guesses(fault.cause), USUAL_WAIT_S)
        usual = [guess.fix for guess in self.guesses(fault.cause)]
        known_well = known.outcomes >= LEAST_OUTCOMES
        longer = factor(self.held.get(service, ()), VERIFY_S, MOST_FACTOR)
        return Plan(
            known.order if known_well else usual,
            wait_s=known.patience_s or USUAL_WAIT_S if known_well else USUAL_WAIT_S,
            verify_s=max(super().plan(fault).verify_s, VERIFY_S * longer),
            boot_s=tolerated_s(self.boots.get(service, ())[-16:], START_TIMEOUT_S, BOOT_CAP_S),
        )

    def told(self, fault: Fault, tries: Sequence[Try]) -> None:
        super().told(fault, tries)
        key = books.key_of(fault.service, fault.cause)
        seen = [(one.fix, one.helped, one.seconds) for one in tries]
        books.ended(self.records, key, seen)
        last = tries[-1]
        if last.back_s and last.fix != WAIT:
            books.relapsed(self.records, key, last.fix, last.seconds)
        self.boots.setdefault(fault.service, []).extend(
            one.boot_s for one in tries if one.helped and one.boot_s
        )
        held = Held(last.back_s or WATCHED_S, not last.back_s)
        self.held[fault.service] = noted(self.held.get(fault.service, ()), held)


def life(healer_of: Callable[[World], Untaught], seed: int, right: float) -> list[float]:
    """Seconds to recover of each fault. Both healers meet the same faults."""
    world, faults = make(seed, right), Random(f"faults {seed}")
    healer = healer_of(world)
    return [_one(world, healer, world.fault(faults), Random(f"{seed} {n}")) for n in range(INCIDENTS)]


def _one(world: World, healer: Untaught, fault: Fault, random: Random) -> float:
    return treat(world, random, fault, lambda: healer.plan(fault), lambda tries: healer.told(fault, tries))


def compare(seeds: int, right: float) -> tuple[list[float], list[float]]:
    """The mean over seeds of each incident's seconds: untaught, taught."""
    untaught = [life(Untaught, seed, right) for seed in range(seeds)]
    taught = [life(Taught, seed, right) for seed in range(seeds)]
    return _means(untaught), _means(taught)


def _means(lives: Sequence[Sequence[float]]) -> list[float]:
    return [mean(column) for column in zip(*lives, strict=True)]


def worst_excess(untaught: Sequence[float], taught: Sequence[float]) -> float:
    """The most that the taught sum exceeds the untaught one by, from the 20th incident on."""
    sums_u, sums_t, worst = 0.0, 0.0, -1.0
    for n, (plain, wise) in enumerate(zip(untaught, taught, strict=True), 1):
        sums_u, sums_t = sums_u + plain, sums_t + wise
        if n >= SETTLED:
            worst = max(worst, sums_t / sums_u - 1.0)
    return worst


def turned_bad(seed: int) -> int | None:
    """How many incidents of its kind a learnt rule stays in force after it turned bad; None: none was learnt."""
    random = Random(f"turned {seed}")
    usual = [Guess("usual", 0.85, 12.0), Guess("second", 0.68, 12.0), Guess("third", 0.54, 12.0)]
    better, share = random.choice(("second", "third")), random.uniform(0.7, 0.95)
    shares = {"usual": random.uniform(0.05, 0.4), "second": 0.2, "third": 0.2, better: share}
    records: Records = {}
    for n in range(200):
        order = books.plan(records, "s", "c", (), usual, USUAL_WAIT_S).order
        if n >= TURNS_AT and order[0] != better:
            return n - TURNS_AT
        if n == TURNS_AT - 1 and order[0] != better:
            return None
        if n == TURNS_AT - 1:  # from now on it is the one that seldom helps
            shares |= {better: random.uniform(0.0, 0.2), "usual": random.uniform(0.7, 0.95)}
        books.ended(records, "s/c", _tried(random, order, shares))
    return 200


def _tried(random: Random, order: Sequence[str], shares: dict[str, float]) -> list[tuple[str, bool, float]]:
    tries = []
    for fix in order:
        helped = random.random() < shares[fix]
        tries.append((fix, helped, random.uniform(4.0, 12.0) if helped else random.uniform(15.0, 40.0)))
        if helped:
            break
    return tries


def _turns(seeds: int) -> Table:
    found = sorted(n for seed in range(seeds) if (n := turned_bad(seed)) is not None)
    late = found[int(0.99 * (len(found) - 1))]
    rows = [(str(len(found)), f"{mean(found):.1f}", str(late), str(found[-1]))]
    return Table(
        title="A learnt rule that turns bad: incidents of its kind until it leads no more",
        columns=("rules", "mean", "99 of 100", "longest"),
        rows=rows,
        goals=[Goal("incidents until a bad rule is dropped, 99 of 100 rules", late, 10)],
    )


def run(*, quick: bool) -> list[Table]:
    seeds = 20 if quick else SEEDS
    return [_worlds(seeds), _turns(5 * seeds), *pace(quick=quick)]


def _worlds(seeds: int) -> Table:
    rows, goals = [], []
    for right, name in WORLDS.items():
        untaught, taught = compare(seeds, right)
        fall, late = 1 - mean(taught) / mean(untaught), 1 - mean(taught[100:]) / mean(untaught[100:])
        worst = worst_excess(untaught, taught)
        means = (f"{mean(untaught):.1f}", f"{mean(taught):.1f}")
        rows.append((name, *means, f"{fall:.0%}", f"{late:.0%}", f"{worst:+.1%}"))
        if right == HALF:
            goals.append(Goal("mean time to recover falls by", round(100 * fall, 1), 40, "%", least=True))
        goals.append(Goal(f"worse than untaught, at most, {name}", round(100 * worst, 1), 5, "%"))
    return Table(
        title=f"Learning to recover: {INCIDENTS} incidents, mean of {seeds} seeds",
        columns=(
            "worlds",
            "untaught, s",
            "taught, s",
            "falls by",
            "second half",
            "worst from incident 20 on",
        ),
        rows=rows,
        goals=goals,
    )
