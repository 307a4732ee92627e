"""The whole in a few figures, computed from incidents, services and what people commanded."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

from dashboard.times import unix_s
from dashboard.view import Item

DAY_S = 86_400.0
GOOD = frozenset({"verified"})  # outcomes of an act that was judged
BAD = frozenset({"failed"})
ENDED = frozenset({"closed", "withdrawn"})
AILING = frozenset({"unhealthy", "down"})
WATCHED_AND_WELL = frozenset({"healthy", "stopped"})

Overall = Literal["healthy", "degraded", "critical", "unknown"]


def summarise(
    incidents: Sequence[Item], services: Sequence[Item], commands: Sequence[Item], now_unix_s: float
) -> dict[str, Any]:
    """What /observability/summary answers.

    `incidents` and `services` as the lists of the same name; `commands` are what people asked for: {command, by, at}.
    Means are None where nothing was measured yet.
    """
    acts = [act for incident in incidents for act in incident["acts"]]
    return {
        "overall_health": overall_health(incidents, services),
        "auto_fix_success_rate": auto_fix_success_rate(acts),
        "rollbacks_7d": _since(acts, "rollback", now_unix_s - 7 * DAY_S),
        "retrains_30d": _since(acts, "retrain", now_unix_s - 30 * DAY_S),
        "recoveries": sum(recovered(incident) for incident in incidents),
        "mttd_s": mttd_s(incidents),
        "mttr_s": mttr_s(incidents),
        "manual_interventions": manual_interventions(commands),
        "open_incidents": sum(incident["status"] not in ENDED for incident in incidents),
        "services": len(services),
        "acts_by_day": acts_by_day(acts),
    }


def overall_health(incidents: Sequence[Item], services: Sequence[Item]) -> Overall:
    """Critical: people are needed, or at least half of the services ail. Degraded: something is being dealt with."""
    ailing = sum(service["health"] in AILING for service in services)
    in_need = any(incident["status"] == "escalated" for incident in incidents)
    if in_need or (ailing > 1 and 2 * ailing >= len(services)):
        return "critical"
    if ailing or any(incident["status"] not in ENDED for incident in incidents):
        return "degraded"
    unknown = sum(service["health"] not in WATCHED_AND_WELL for service in services)
    return "unknown" if unknown else "healthy"


def auto_fix_success_rate(acts: Iterable[Item]) -> float | None:
    """The share that helped, of the acts that were judged."""
    outcomes = [act["outcome"] in GOOD for act in acts if act["outcome"] in GOOD | BAD]
    return fmean(outcomes) if outcomes else None


def recovered(incident: Item) -> bool:
    """Closed, and an act of ours helped."""
    return incident["status"] == "closed" and any(act["outcome"] in GOOD for act in incident["acts"])


def mttd_s(incidents: Iterable[Item]) -> float | None:
    """Mean time from the first sign of a fault to the opening of its incident."""
    return _mean(
        unix_s(i["opened_at"]) - unix_s(i["began_at"])
        for i in incidents
        if i.get("began_at") and i["status"] != "withdrawn"
    )


def mttr_s(incidents: Iterable[Item]) -> float | None:
    """Mean time from opening to the end of the incidents that were healed or passed by themselves."""
    return _mean(
        unix_s(i["closed_at"]) - unix_s(i["opened_at"])
        for i in incidents
        if i["status"] == "closed" and i["closed_at"]
    )


def manual_interventions(commands: Iterable[Item]) -> int:
    """What people did themselves; the daemon's own shutdown is none."""
    return sum(command["command"] != "shutdown" for command in commands)


def acts_by_day(acts: Iterable[Item]) -> Mapping[str, Mapping[str, int]]:
    """Day in UTC -> fix -> how many started, newest day first."""
    days: dict[str, dict[str, int]] = {}
    for act in acts:
        fixes = days.setdefault(act["started_at"][:10], {})
        fixes[act["fix"]] = fixes.get(act["fix"], 0) + 1
    return dict(sorted(days.items(), reverse=True))


def _since(acts: Iterable[Item], kind: str, unix_from_s: float) -> int:
    return sum(act["fix"].startswith(kind) and unix_s(act["started_at"]) >= unix_from_s for act in acts)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None
