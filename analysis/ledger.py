"""The book of all outcomes: what each fix achieved against each cause, and how often such faults pass by themselves.

>>> rates = entered({}, "hang", "restart", "shop", healed=True)
>>> passes(rates, "hang", "shop", alike=())
0.0
>>> rates = entered(rates, "hang", "wait", "shop", healed=True)
>>> round(passes(rates, "hang", "shop", alike=()), 2)
0.43
"""

from collections.abc import Collection, Mapping

from analysis.bandit import Outcomes, believe, doubted, learn

WAIT = "wait"  # a fix like any other: to do nothing, and watch
LASTS = 0.25  # an act takes about so much of the time for which it is waited
PASSES = (1.0, 2.0)  # before any record of the cause: some faults pass, most do not


def entered(
    rates: Mapping[str, Outcomes],
    cause: str,
    fix: str,
    service: str,
    *,
    healed: bool,
    weight: float = 1.0,
    lasts: float = LASTS,
) -> dict[str, Outcomes]:
    """The book after one more outcome; whoever was not healed by an act has not healed by itself meanwhile either."""
    key, waiting = f"{cause}/{fix}", f"{cause}/{WAIT}"
    if fix == WAIT:
        return {**rates, key: learn(rates.get(key, Outcomes()), service, healed=healed, weight=weight)}
    meanwhile = by_itself(rates, cause, service, alike=(), lasts=lasts)
    after = {
        **rates,
        key: learn(rates.get(key, Outcomes()), service, healed=healed, weight=weight, by_itself=meanwhile),
    }
    if not healed:
        after[waiting] = doubted(rates.get(waiting, Outcomes()), service, lasts)
    return after


def passes(rates: Mapping[str, Outcomes], cause: str, service: str, *, alike: Collection[str]) -> float:
    """How probably it passes in the time for which it is waited; nothing is assumed before one was seen to pass."""
    record = rates.get(f"{cause}/{WAIT}")
    return believe(record, PASSES, service, alike=alike).mean if record and record.healed else 0.0


def by_itself(
    rates: Mapping[str, Outcomes], cause: str, service: str, *, alike: Collection[str], lasts: float = LASTS
) -> float:
    """How probably it passes while an act is under way."""
    stays = 1 - passes(rates, cause, service, alike=alike)
    return float(1 - stays**lasts)


def seen(rates: Mapping[str, Outcomes], cause: str) -> int:
    """Outcomes of all fixes for this cause."""
    return sum(record.times for key, record in rates.items() if key.rpartition("/")[0] == cause)
