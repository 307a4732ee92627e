"""Plans of maintenance as people read them: one object each, and one line on the command line."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the command line starts without agents
    from agents.render_prevention_agent import Upkeep
    from dashboard.view import Item


def maintenance_item(known: "Upkeep", text: Callable[[float], str]) -> "Item":
    plan = known.plan
    return {
        "id": plan.plan,
        "service": plan.service,
        "status": known.status,
        "failure": plan.failure,
        "metric": plan.metric,
        "fix": plan.fix,
        "scheduled_at": text(plan.at),
        "start_at": text(plan.start_at),
        "fails_at": text(plan.fails_at),
        "disturbs": list(plan.disturbs),
        "reasons": list(plan.reasons),
        "reason": known.reason,
        "by": known.by,
        "seconds": round(known.changed_at - known.began_at, 3) if known.began_at and known.over else None,
    }


def maintenance_line(item: dict[str, Any]) -> str:
    """
    >>> maintenance_line({"id": "4f1c", "service": "shop", "status": "for_people", "failure": "disk_full", "fix": "",
    ...     "start_at": "2026-01-02T03:00:00Z", "fails_at": "2026-01-02T09:00:00Z", "reason": ""})
    '4f1c  for_people  shop: disk_full expected 2026-01-02T09:00:00Z; a person has to prevent it'
    """
    what = f"{item['fix']} at {item['start_at']}" if item["fix"] else "a person has to prevent it"
    why = f" ({item['reason']})" if item["reason"] else ""
    about = f"{item['service']}: {item['failure']} expected {item['fails_at']}; {what}"
    return f"{item['id']}  {item['status']:<9}  {about}{why}"
