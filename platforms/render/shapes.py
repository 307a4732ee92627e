"""Things of Render as far as we look at them; what we do not know is skipped, what may be missing has a default."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

ENDED = frozenset({"live", "deactivated", "build_failed", "update_failed", "pre_deploy_failed", "canceled"})
FAILED = frozenset({"build_failed", "update_failed", "pre_deploy_failed"})
RUNNING_KINDS = frozenset({"web_service", "private_service", "background_worker"})
CRASH_LOOPING = "stuck_crashlooping"


class Part(Struct, rename="camel"):
    """Spelt as Render does."""


class Disk(Part):
    id: str = ""


class Autoscaling(Part):
    enabled: bool = False


class Details(Part):
    url: str = ""
    plan: str = ""
    region: str = ""
    num_instances: int | None = None
    health_check_path: str = ""
    disk: Disk | None = None
    autoscaling: Autoscaling | None = None


class RenderService(Part):
    id: str
    name: str
    type: str = ""
    slug: str = ""
    owner_id: str = ""
    environment_id: str | None = None
    branch: str = ""
    auto_deploy: str = ""
    suspended: str = ""
    suspenders: list[str] = field(default_factory=list)
    service_details: Details = field(default_factory=Details)

    @property
    def runs(self) -> bool:
        """Has instances of its own, unlike a cron job or a static site."""
        return self.type in RUNNING_KINDS

    @property
    def is_suspended(self) -> bool:
        return self.suspended == "suspended"


class Commit(Part):
    id: str = ""
    message: str = ""


class Image(Part):
    ref: str = ""
    sha: str = ""


class Deploy(Part):
    id: str
    status: str = ""
    trigger: str = ""
    commit: Commit | None = None
    image: Image | None = None
    created_at: str = ""
    finished_at: str | None = None

    @property
    def release(self) -> str:
        """What it brings, in a few letters."""
        if self.commit is not None and self.commit.id:
            return self.commit.id[:8]
        image = self.image
        return (image.sha[:19] or image.ref) if image is not None and (image.sha or image.ref) else self.id

    @property
    def is_under_way(self) -> bool:
        return self.status not in ENDED

    @property
    def began_at(self) -> float:
        return unix(self.created_at)


class Instance(Part):
    id: str
    created_at: str = ""

    @property
    def born_at(self) -> float:
        return unix(self.created_at)


class RenderEvent(Part):
    id: str
    type: str = ""
    timestamp: str = ""
    details: Any = None  # of a kind for each type, and loosely so

    @property
    def at(self) -> float:
        return unix(self.timestamp)


class Store(Part):
    """A Postgres or a Key Value instance."""

    id: str
    name: str
    status: str = ""
    suspended: str = ""
    suspenders: list[str] = field(default_factory=list)
    high_availability_enabled: bool = False


class Label(Part):
    field: str = ""
    value: str = ""


class Point(Part):
    timestamp: str = ""
    value: float = 0.0


class Series(Part):
    labels: list[Label] = field(default_factory=list)
    values: list[Point] = field(default_factory=list)
    unit: str = ""


class LogLine(Part):
    message: str = ""
    timestamp: str = ""


class Logs(Part):
    logs: list[LogLine] = field(default_factory=list)


def unix(text: str | None) -> float:
    """Seconds since 1970; 0 where there is no time.

    >>> unix("2026-01-01T00:00:00.5Z"), unix(None)
    (1767225600.5, 0.0)
    """
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except ValueError:
        return 0.0


def failure(event: RenderEvent) -> str:
    """Why a `server_failed` came about, in one line.

    >>> reason = {"evicted": False, "oomKilled": {"memoryLimit": "512Mi"}}
    >>> failure(RenderEvent("evt-1", "server_failed", details={"reason": reason}))
    'oomKilled (out of memory, limit 512Mi)'
    """
    reason = event.details.get("reason") if isinstance(event.details, dict) else None
    if not isinstance(reason, dict):
        return "it failed, and Render does not say why"
    match reason:
        case {"oomKilled": dict(details)}:
            return f"oomKilled (out of memory, limit {details.get('memoryLimit', 'unknown')})"
        case {"oomKilled": told} if told:
            return "oomKilled (out of memory)"
        case {"nonZeroExit": int(code)} if code:
            return f"it ended with exit code {code}"
        case {"earlyExit": told} if told:
            return "earlyExit: it ended though it should run on"
        case {"unhealthy": told} if told:
            return f"unhealthy: {told}"
    told = [f"{name}: {value}" for name, value in reason.items() if value]
    return "; ".join(told) or "it failed, and Render does not say why"


def exit_code(event: RenderEvent) -> int | None:
    reason = event.details.get("reason") if isinstance(event.details, dict) else None
    code = reason.get("nonZeroExit") if isinstance(reason, dict) else None
    return code if isinstance(code, int) and code else None


def decode(body: bytes, kind: Any) -> Any:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(body, type=kind)
