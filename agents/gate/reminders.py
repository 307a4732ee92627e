"""When people are reminded that a choice is still held back, and what would free it."""

from agents.events import FixRefused
from agents.gate.books import Pending

FIRST_AFTER_S = (900.0, 3600.0, 14_400.0)  # since it was first held back; then daily
DAILY_S = 86_400.0
ASKED_ELSEWHERE = "approval"  # its question runs out, and comes back at a pace of its own
FREED_BY = {
    "paused": "nightwarden resume, or removing the file that pauses",
    "lease": "the end of the other daemon's lease",
    "maintenance": "the end of the maintenance window, or a person who restarts it",
    "disk": "a state folder that can be written",
    "open_act": "the verdict on that act",
    "just_acted": "a little time without another act on it",
    "suspicion": "fewer services that fail at once; if they do fail, a person who restarts one",
    "cooldown": "time",
    "budget": "an act that helps, or an hour without one that does not",
    "disruption": "the end of the acts in flight",
    "stagger": "a moment",
}


def due(pending: Pending, at: float) -> int:
    """How many reminders should have come by now; of those that were missed only the last one counts."""
    if not pending.since or pending.limit == ASKED_ELSEWHERE:
        return 0
    return passed(at - pending.since)


def passed(held_s: float) -> int:
    """
    >>> [passed(hours * 3600.0) for hours in (0.1, 0.25, 1, 4, 23, 24, 47, 48, 72)]
    [0, 1, 2, 3, 3, 4, 4, 5, 6]
    """
    return sum(held_s >= after_s for after_s in FIRST_AFTER_S) + int(held_s // DAILY_S)


def reminder(pending: Pending, reason: str, times: int, at: float) -> FixRefused:
    choice = pending.choice
    return FixRefused(
        incident=choice.incident,
        service=choice.service,
        fix=choice.fix,
        limit=pending.limit,
        reason=reason,
        reminder=times,
        held_s=round(at - pending.since, 3),
        freed_by=FREED_BY.get(pending.limit, ""),
    )
