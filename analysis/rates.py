"""What the book of outcomes tells people: of each cause and fix, how often it was well afterwards and how much of that is its own.

>>> from analysis.ledger import entered
>>> rates = entered({}, "hang", "restart", "shop", healed=True)
>>> [(item["key"], item["well"], item["times"], item["helps"]) for item in told(rates, {"shop": "process"}, lambda _: (8, 2))]
[('hang/restart', 1, 1, 0.818)]
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from analysis.bandit import Outcomes, Tally, believe, probability
from analysis.ledger import WAIT, by_itself

Prior = Callable[[str], tuple[float, float]]  # of CAUSE/FIX


def told(rates: Mapping[str, Outcomes], kinds: Mapping[str, str], prior: Prior) -> Iterator[dict[str, Any]]:
    """`kinds` gives each service's class. `helps` is without what would have passed meanwhile; `passes` is that."""
    for key, outcomes in sorted(rates.items()):
        cause, _, fix = key.rpartition("/")
        weak = prior(key)
        everyone = _pooled(outcomes)
        yield {
            "key": key,
            "cause": cause,
            "fix": fix,
            "well": outcomes.healed,
            "times": outcomes.times,
            "helps": round(probability(everyone, weak, _ALL, alike=()), 3),
            "passes": 0.0 if fix == WAIT else round(by_itself(rates, cause, _ALL, alike=()), 3),
            "by_class": dict(_by_class(outcomes, kinds, weak)),
            "by_service": {
                name: _line(outcomes, [name], probability(outcomes, weak, name, alike=_alike(name, kinds)))
                for name in outcomes.by_service
            },
        }


_ALL = ""


def _pooled(outcomes: Outcomes) -> Outcomes:
    return Outcomes({"every service": sum(outcomes.by_service.values(), Tally())})


def _by_class(
    outcomes: Outcomes, kinds: Mapping[str, str], prior: tuple[float, float]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in sorted({kinds.get(name, "gone") for name in outcomes.by_service}):
        alike = [name for name in outcomes.by_service if kinds.get(name, "gone") == kind]
        yield kind, _line(outcomes, alike, believe(outcomes, prior, _ALL, alike=alike).mean)


def _line(outcomes: Outcomes, services: list[str], helps: float) -> dict[str, Any]:
    credited = sum((outcomes.by_service[name] for name in services), Tally())
    counts = [outcomes.counts.get(name, (0, 0)) for name in services]
    return {
        "well": sum(well for well, _ in counts),
        "times": sum(times for _, times in counts),
        "successes": round(credited.successes, 3),
        "failures": round(credited.failures, 3),
        "helps": round(helps, 3),
    }


def _alike(service: str, kinds: Mapping[str, str]) -> set[str]:
    return {name for name, kind in kinds.items() if kind == kinds.get(service)}
