"""Which ends of a service say nothing against the act that started it."""

from collections.abc import Iterable

from agents.events import FixFailed

HOUR_S = 3600.0
PARDONS = 30  # in an hour: whoever kills more often, the kernel short of memory say, is met with pauses


def pardoned(fact: FixFailed, interrupted_at: Iterable[float]) -> bool:
    """It was interrupted by somebody who does not do so all the time: a new fault, and no attempt used up."""
    return fact.interrupted and sum(1 for at in interrupted_at if fact.at - at < HOUR_S) < PARDONS
