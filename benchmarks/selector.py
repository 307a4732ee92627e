"""The choice of fixes in a simulated world, beside an oracle, Thompson sampling and simpler ways: regret, time to recover, speed of learning."""

from collections.abc import Sequence
from statistics import mean

from msgspec import Struct

from benchmarks.report import Goal, Table, figure
from benchmarks.selector_finding import CANDIDATES, found_after
from benchmarks.selector_plot import PLACE, draw
from benchmarks.selector_policies import (
    Blind,
    FixedOrder,
    Greedy,
    Oracle,
    Ours,
    Policy,
    Thompson,
    ThompsonByClass,
)
from benchmarks.selector_world import MOST_ATTEMPTS, PERSON_S, World, worlds

INCIDENTS, SEEDS, QUICK_SEEDS = 1000, 20, 3
ONES, QUICK_ONES = 200, 40
POLICIES = {
    "oracle": Oracle, "ours": Ours, "Thompson": Thompson, "Thompson by class": ThompsonByClass,
    "greedy": Greedy, "fixed order": FixedOrder, "random": Blind,
}  # fmt: skip


class Game(Struct, frozen=True):
    """What one policy lost in each incident (seconds, disruption included), and how long each lasted."""

    lost_s: list[float]
    lasted_s: list[float]


def run(*, quick: bool = False) -> list[Table]:
    seeds = range(QUICK_SEEDS if quick else SEEDS)
    still = {
        name: [play(world, POLICIES[name]) for world in worlds(seeds, INCIDENTS, changing=False)]
        for name in POLICIES
    }
    moving = {
        name: [play(world, POLICIES[name]) for world in worlds(seeds, INCIDENTS, changing=True)]
        for name in POLICIES
    }
    if not quick:
        PLACE.write_text(_plot(still))
    return [
        _compared("that stays as it is", still, seeds),
        _compared("that changes once", moving, seeds),
        _found(QUICK_ONES if quick else ONES),
    ]


def play(world: World, kind: type[Policy]) -> Game:
    policy = kind(world, 0)  # type: ignore[call-arg]
    game = Game([], [])
    for incident in world.incidents:
        tried: frozenset[int] = frozenset()
        spent_s = disrupted_s = 0.0
        well = False
        while not well and len(tried) < MOST_ATTEMPTS:
            fix = policy.choose(incident, tried)
            well, seconds = world.attempt(incident, fix, spent_s)
            policy.learn(incident, fix, healed=well, seconds=seconds)
            tried |= {fix}
            spent_s += seconds
            disrupted_s += world.disruption_s[fix]
        spent_s += 0.0 if well else PERSON_S
        game.lost_s.append(spent_s + disrupted_s)
        game.lasted_s.append(spent_s)
    return game


def _compared(what: str, games: dict[str, list[Game]], seeds: range) -> Table:
    lost = {name: mean(mean(game.lost_s) for game in played) for name, played in games.items()}
    lasted = {name: mean(mean(game.lasted_s) for game in played) for name, played in games.items()}
    regret = {name: value - lost["oracle"] for name, value in lost.items()}
    others = [name for name in games if name not in ("oracle", "ours")]
    return Table(
        title=f"{INCIDENTS} incidents in each of {len(seeds)} worlds, a world {what}",
        columns=("who chooses", "regret, s an incident", "time to recover, s", "worst world, regret"),
        rows=[
            (name, f"{regret[name]:.1f}", f"{lasted[name]:.1f}", f"{_worst(games, name):.1f}")
            for name in sorted(games, key=lambda name: regret[name])
        ],
        goals=(
            Goal(
                "regret against the best other but the oracle",
                regret["ours"] / min(regret[n] for n in others),
                1.0,
            ),
            Goal(
                "time to recover against the best other", lasted["ours"] / min(lasted[n] for n in others), 1.0
            ),
            Goal("regret against Thompson's", regret["ours"] / regret["Thompson"], 1.2),
        ),
    )


def _worst(games: dict[str, list[Game]], name: str) -> float:
    return max(
        mean(game.lost_s) - mean(best.lost_s) for game, best in zip(games[name], games["oracle"], strict=True)
    )


def _found(worlds_in_all: int) -> Table:
    rows, goals = [], []
    for name in ("ours", "Thompson", "greedy"):
        found = [found_after(POLICIES[name], seed) for seed in range(300, 300 + worlds_in_all)]
        acts, incidents = (sorted(pair[n] for pair in found) for n in (0, 1))
        rows.append((name, *_spread(acts), *_spread(incidents)))
        if name == "ours":
            goals = [
                Goal("acts until the best is found, median", acts[len(acts) // 2], 10),
                Goal("incidents until the new best is, median", incidents[len(incidents) // 2], 20),
                Goal("incidents until the new best is, 90 %", incidents[len(incidents) * 9 // 10], 20),
            ]
    return Table(
        title=f"One cause, {CANDIDATES} fixes, one better by 0.4 or more; after 100 incidents another one is",
        columns=("who chooses", "acts, median", "acts, 90 %", "incidents, median", "incidents, 90 %"),
        rows=rows,
        goals=goals,
        notes=("Found: the best fix is the first choice in at least nine of the next ten incidents.",),
    )


def _spread(values: Sequence[int]) -> tuple[str, str]:
    return figure(float(values[len(values) // 2])), figure(float(values[len(values) * 9 // 10]))


def _plot(games: dict[str, list[Game]]) -> str:
    """Regret summed up over the incidents, mean of all worlds."""
    curves: dict[str, list[float]] = {}
    for name in ("random", "greedy", "Thompson", "ours"):
        total, curve = 0.0, []
        for n in range(INCIDENTS):
            total += mean(
                game.lost_s[n] - best.lost_s[n]
                for game, best in zip(games[name], games["oracle"], strict=True)
            )
            curve.append(total / 60)
        curves[name] = curve[::10]
    return draw(curves, every=10, most=1.3 * max(curves["Thompson"]))
