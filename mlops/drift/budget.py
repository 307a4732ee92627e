"""One budget of false alarms for all features and all looks: it is earned by time and spent by looks.

A look may raise a false alarm with the probability that it spends at most, whatever the windows of earlier looks shared
with its own: the sum over looks bounds the number of alarms under any dependence.

>>> budget, level = spend(Budget(), now=0.0, window="a", per_month=0.1, first_s=3600.0, most_s=86400.0)
>>> budget, level = spend(budget, now=3600.0, window="b", per_month=0.1, first_s=3600.0, most_s=86400.0)
>>> round(level * 720, 6), budget.looks
(0.1, 2)
"""

from msgspec import Struct
from msgspec.structs import replace

MONTH_S = 30 * 86_400.0
_SHORTEST_S = 1.0


class Budget(Struct, frozen=True, kw_only=True):
    looks: int = 0
    spent: float = 0.0  # expected false alarms since the reference began, at most
    level: float = 0.0  # of the last look
    looked_at: float | None = None  # Unix seconds
    window: str = ""  # what the last look saw


def spend(
    budget: Budget, *, now: float, window: str, per_month: float, first_s: float, most_s: float
) -> tuple[Budget, float]:
    """(budget after the look, its level). The same window again is the same test and costs nothing."""
    if budget.looks and window == budget.window:
        return replace(budget, looks=budget.looks + 1, looked_at=_later(budget.looked_at, now)), budget.level
    waited_s = first_s if budget.looked_at is None else now - budget.looked_at
    level = per_month * min(max(waited_s, _SHORTEST_S), most_s) / MONTH_S
    after = Budget(
        looks=budget.looks + 1,
        spent=budget.spent + level,
        level=level,
        looked_at=_later(budget.looked_at, now),
        window=window,
    )
    return after, level


def _later(before: float | None, now: float) -> float:
    """A clock that was set back earns nothing twice."""
    return now if before is None else max(before, now)
