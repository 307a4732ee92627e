"""Incidents as JSON-ready objects, made once per change: an incident is frozen, so its object stays good."""

from collections.abc import Callable, Iterable
from typing import Any

from agents.incident.records import Incident
from agents.incident.views import incident_json


class IncidentItems:
    def __init__(self, rfc3339: Callable[[float], str]) -> None:
        self._rfc3339 = rfc3339
        self._made: dict[str, tuple[Incident, dict[str, Any]]] = {}

    def of(self, incidents: Iterable[Incident]) -> list[dict[str, Any]]:
        """Newest first."""
        made: dict[str, tuple[Incident, dict[str, Any]]] = {}
        for incident in sorted(incidents, key=lambda i: (i.opened_at, i.id), reverse=True):
            before = self._made.get(incident.id)
            if before is None or before[0] is not incident:
                before = (incident, incident_json(incident, self._rfc3339))
            made[incident.id] = before
        self._made = made
        return [item for _, item in made.values()]
