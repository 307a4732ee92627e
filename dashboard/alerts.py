"""What Alertmanager and Render send, read into alerts: the one kind of news that goes on from here."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from dashboard.view import Alert

LONGEST_NAME, LONGEST_TEXT = 200, 500
HARMLESS = ("info", "none")  # severities that ask nobody to do anything
NAMING = ("service", "job", "instance")  # labels that name what an alert is about, the best first
_TEXTS = ("summary", "description", "message")

# What Render calls the beginnings and the ends of troubles: the trouble, and whether it begins.
TROUBLES: dict[str, tuple[str, bool]] = {
    "server_failed": ("server_failed", True),
    "server_hardware_failure": ("server_failed", True),
    "server_available": ("server_failed", False),
    "postgres_unavailable": ("postgres_unavailable", True),
    "postgres_available": ("postgres_unavailable", False),
    "key_value_unhealthy": ("key_value_unhealthy", True),
    "key_value_available": ("key_value_unhealthy", False),
    "service_disk_usage_high": ("service_disk_usage_high", True),
    "service_disk_usage_recovered": ("service_disk_usage_high", False),
}


class ManagerAlert(Struct, frozen=True):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}


class Group(Struct, frozen=True):
    """The body that Alertmanager posts, version 4."""

    alerts: list[ManagerAlert]


class RenderData(Struct, frozen=True, rename="camel"):
    id: str  # of the event
    service_id: str
    service_name: str = ""


class RenderEvent(Struct, frozen=True):
    """The thin body that Render posts."""

    type: str
    data: RenderData
    timestamp: str = ""


def of_group(group: Group) -> Iterator[Alert]:
    for alert in group.alerts:
        labels = alert.labels
        if labels.get("severity", "").lower() in HARMLESS:
            continue
        texts = (alert.annotations[name] for name in _TEXTS if alert.annotations.get(name))
        yield Alert(
            source="alertmanager",
            name=(labels.get("alertname") or "unnamed")[:LONGEST_NAME],
            summary=next(texts, "")[:LONGEST_TEXT],
            key=f"alertmanager/{_digest(labels)}",
            firing=alert.status == "firing",
            names=tuple(labels[name][:LONGEST_NAME] for name in NAMING if labels.get(name)),
        )


def of_event(event: RenderEvent, delivery: str) -> Alert:
    """`key` is empty where the event is no trouble: it only says that Render's events are worth a look now."""
    trouble, begins = TROUBLES.get(event.type, ("", False))
    data = event.data
    return Alert(
        source="render",
        name=event.type[:LONGEST_NAME],
        summary=f"event {data.id}"[:LONGEST_TEXT],
        key=f"render/{_digest({trouble: data.service_id})}" if trouble else "",
        firing=begins,
        names=tuple(name[:LONGEST_NAME] for name in (data.service_id, data.service_name) if name),
        delivery=delivery,
    )


def _digest(labels: dict[str, str]) -> str:
    """The same for the same labels, whatever they hold."""
    text = repr(sorted(labels.items()))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
