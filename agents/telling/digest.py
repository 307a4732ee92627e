"""The daily word that all is well, or is not: silence would leave people to guess."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from agents.telling.stories import FROZEN, State

_COUNTED = (
    ("acts", "act", "acts"),
    ("incidents", "incident", "incidents"),
    ("healed", "healed", "healed"),
    ("passed_by_itself", "passed by itself", "passed by themselves"),
    ("escalated", "needed a person", "needed a person"),
    ("predictions", "prediction", "predictions"),
    ("maintenance", "plan of maintenance", "plans of maintenance"),
)


def due_day(unix: float, digest_at: str, zone: ZoneInfo, last: str) -> str:
    """The day whose digest is to be told now; empty: none.

    >>> noon = 1_767_268_800.0  # 2026-01-01, 12:00 UTC
    >>> due_day(noon, "09:00", ZoneInfo("UTC"), "2025-12-31")
    '2026-01-01'
    >>> due_day(noon, "13:00", ZoneInfo("UTC"), "2025-12-31"), due_day(noon, "09:00", ZoneInfo("UTC"), "2026-01-01")
    ('', '')
    """
    now = datetime.fromtimestamp(unix, UTC).astimezone(zone)
    today = now.date().isoformat()
    if not digest_at or now.time() < time.fromisoformat(digest_at) or today <= last:
        return ""
    return today


def digest_lines(health: Mapping[str, str], state: State) -> list[str]:
    """
    >>> digest_lines({"shop": "healthy"}, State(counts={"acts": 3, "incidents": 1, "healed": 1}))
    ['all well: 1 of 1 services are healthy', 'since the last digest: 3 acts, 1 incident, 1 healed']
    """
    well = sum(how == "healthy" for how in health.values())
    open_ones = list(state.open_ones())
    verdict = "all well" if well == len(health) and not open_ones else "not all is well"
    lines = [f"{verdict}: {well} of {len(health)} services are healthy"]
    counted = [
        f"{count} {one if count == 1 else many}"
        for what, one, many in _COUNTED
        if (count := state.counts.get(what, 0))
    ]
    lines.append(f"since the last digest: {', '.join(counted) or 'nothing happened'}")
    if (drill := state.days.get("drill")) is not None:
        passed, stuck = state.counts.get("drills", 0), state.counts.get("drills_stuck", 0)
        lines.append(f"the last drill {drill}; {passed} of {passed + stuck} since the last digest")
    if state.days.get("lease"):
        lines.append(f"this daemon does not act: {state.days['lease']}")
    if frozen := sorted(key.removeprefix(FROZEN) for key in state.days if key.startswith(FROZEN)):
        lines.append(
            f"auto-deploy is off since a rollback: {', '.join(frozen)}; turn it on when the next release is good"
        )
    if open_ones:
        lines.append(f"still open: {', '.join(sorted({story.service for story in open_ones})[:10])}")
    return lines
