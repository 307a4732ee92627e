"""The whole in a few figures, computed from incidents, services and what people commanded."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from agents.events import OperatorCommanded
from agents.incident.records import Incident
from agents.incident.views import DAY_S, figures
from dashboard.view import Item

AILING = frozenset({"unhealthy", "down"})
SETTLED = frozenset({"healthy", "stopped"})

Overall = Literal["healthy", "degraded", "critical", "unknown"]


def summarise(
    incidents: Iterable[Incident],
    services: Sequence[Item],
    commands: Iterable[OperatorCommanded],
    now: float,
    rfc3339: Callable[[float], str],
    notices: Sequence[str] = (),
) -> dict[str, Any]:
    """What /observability/summary answers; None where there is nothing to count from.

    `services` as /observability/services lists them; `now` is on the same clock as every `at`.
    """
    known = list(incidents)
    return {
        "overall_health": overall_health(known, services),
        "notices": list(notices),
        "services": len(services),
        **msgspec.to_builtins(figures(known, now, lambda at: rfc3339(at)[:10])),
        "retrains_30d": retrains(known, now - 30 * DAY_S),
        "manual_interventions": manual_interventions(commands),
    }


def notices(paused: Iterable[str], storage_problem: str, *, dry_run: bool) -> list[str]:
    """What keeps the daemon from acting as it otherwise would; `paused` by whom.

    >>> notices(["file PAUSE"], "", dry_run=True)
    ['dry run: nothing is done, only said', 'paused by file PAUSE']
    """
    found = ["dry run: nothing is done, only said"] if dry_run else []
    found += [f"paused by {by}" for by in paused]
    return [*found, f"the state folder cannot be written: {storage_problem}"] if storage_problem else found


def overall_health(incidents: Iterable[Incident], services: Sequence[Item]) -> Overall:
    """Critical: people are needed, or half of the services and more than one ail. Degraded: it is being dealt with."""
    unended = [incident for incident in incidents if not incident.ended]
    ailing = sum(service["health"] in AILING for service in services)
    if any(incident.status == "escalated" for incident in unended) or (
        ailing > 1 and 2 * ailing >= len(services)
    ):
        return "critical"
    if ailing or unended:
        return "degraded"
    unsettled = any(service["health"] not in SETTLED for service in services)
    return "unknown" if unsettled or not services else "healthy"


def retrains(incidents: Iterable[Incident], since: float) -> int:
    """How many acts trained a model anew."""
    return sum("retrain" in act.fix and act.started_at >= since for i in incidents for act in i.acts)


def manual_interventions(commands: Iterable[OperatorCommanded]) -> int:
    """What people did themselves; the daemon's own shutdown is none."""
    return sum(command.command != "shutdown" for command in commands)
