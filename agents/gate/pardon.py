"""Which ends of a service say nothing against the act that started it."""

from collections.abc import Iterable

from agents.events import HealthChanged
from agents.terms import FROM_OUTSIDE

LIVED_S = 1.0  # less, and it may be what the act made that is being killed
PARDONS = 30  # in an hour: whoever kills more often, the kernel short of memory say, is met with pauses


def struck_from_outside(
    fact: HealthChanged, outcome: str, applied_at: float, failed_at: Iterable[float]
) -> bool:
    """The act had brought the service up, it lived, and then somebody killed it: a new fault, not a failed fix."""
    if fact.signal not in FROM_OUTSIDE or outcome not in {"done", "found_done"}:
        return False
    recent = sum(1 for at in failed_at if fact.at - at < 3600.0)
    return fact.at - applied_at >= LIVED_S and recent < PARDONS
