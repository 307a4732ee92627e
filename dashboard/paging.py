"""Lists in pages: which parameters a list takes, and where the next page begins."""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from dashboard.view import Item

PAGE = 100
CURSOR = r"c([0-9a-f]{2}){1,200}"
MAX_KEY = 200
INCIDENT_STATUS = ("open", "waiting_approval", "recovering", "verifying", "closed", "escalated", "withdrawn")
MAINTENANCE_STATUS = (
    "scheduled", "for_people", "proposed", "running", "applied", "done", "failed", "missed", "cancelled", "vetoed",
)  # fmt: skip
HEALTH = ("starting", "healthy", "unhealthy", "down", "stopped", "unknown")
MAX_NAME = 200


class ParameterError(ValueError):
    """A parameter of the query that cannot be used."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class Listing(Struct, frozen=True, kw_only=True):
    """What a list can be asked for. `key` names an item for good; cursors are made of it."""

    name: str
    about: str
    key: Callable[[Item], str]
    statuses: tuple[str, ...] = ()  # empty: the list takes no ?status=
    status_field: str = "status"
    by_service: bool = True

    @property
    def parameters(self) -> tuple[str, ...]:
        status = ("status",) if self.statuses else ()
        return ("limit", "cursor", *status, *(("service",) if self.by_service else ()))


def page(listing: Listing, items: Sequence[Item], query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """One page. A cursor whose item is no longer kept is past the end: what was older went before it."""
    asked = _asked(listing, query)
    limit = _limit(asked.get("limit", str(PAGE)))
    if "cursor" in asked:  # before filtering: the item may have another status by now
        last = _position(asked["cursor"])
        after = next((n for n, item in enumerate(items) if _mark(listing.key(item)) == last), len(items))
        items = items[after + 1 :]
    chosen = _filtered(listing, items, asked)
    shown = chosen[:limit]
    return {"items": shown, "next": cursor_of(listing.key(shown[-1])) if len(chosen) > limit else None}


def cursor_of(key: str) -> str:
    """
    >>> cursor_of("ab")
    'c6162'
    """
    return "c" + _mark(key).hex()


def _mark(key: str) -> bytes:
    marked = key.encode("utf-8", "surrogatepass")
    return marked if len(marked) <= MAX_KEY else blake2b(marked).digest()


def _asked(listing: Listing, query: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    asked: dict[str, str] = {}
    for name, value in query:
        if name not in listing.parameters:
            raise ParameterError(name, f"unknown parameter; this list takes {', '.join(listing.parameters)}")
        if name in asked:
            raise ParameterError(name, "given more than once")
        asked[name] = value
    return asked


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= PAGE:
        raise ParameterError("limit", f"must be a whole number from 1 to {PAGE}")
    return int(text)


def _position(cursor: str) -> bytes:
    if not re.fullmatch(CURSOR, cursor):
        raise ParameterError("cursor", 'must be the "next" of an earlier page')
    return bytes.fromhex(cursor[1:])


def _filtered(listing: Listing, items: Sequence[Item], asked: Mapping[str, str]) -> Sequence[Item]:
    status, service = asked.get("status"), asked.get("service")
    if status is not None and status not in listing.statuses:
        raise ParameterError("status", f"must be one of {', '.join(listing.statuses)}")
    if service is not None and not 1 <= len(service) <= MAX_NAME:
        raise ParameterError("service", f"must be a name of 1 to {MAX_NAME} characters")
    if status is not None:
        items = [item for item in items if item[listing.status_field] == status]
    if service is not None:
        items = [item for item in items if item["service"] == service]
    return items


LISTINGS = (
    Listing(
        name="incidents", about="Incidents, newest first.", key=lambda i: i["id"], statuses=INCIDENT_STATUS
    ),
    Listing(
        name="services",
        about="Watched services and their health.",
        key=lambda i: i["name"],
        statuses=HEALTH,
        status_field="health",
        by_service=False,
    ),
    Listing(name="agents", about="Our own agents.", key=lambda i: i["name"], by_service=False),
    Listing(name="predictions", about="Predicted failures, newest first.", key=lambda i: i["id"]),
    Listing(
        name="maintenance",
        about="Maintenance ahead of failures, planned and past, newest first.",
        key=lambda i: i["id"],
        statuses=MAINTENANCE_STATUS,
    ),
    Listing(name="anomalies", about="Anomalies, newest first.", key=lambda i: i["id"]),
    Listing(name="metrics", about="Newest values.", key=lambda i: f"{i['service']}\n{i['name']}"),
    Listing(name="traces", about="Spans of incidents, newest first.", key=lambda i: i["trace_id"]),
)
