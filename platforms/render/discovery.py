"""Which services of Render are watched without being declared, and as what."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from config.model import HttpProbe, Limits, Service
from config.on_render import Render, RenderMetrics, RenderPlatform
from platforms.render.api import RenderApi
from platforms.render.shapes import RenderService

_LONGEST_TIMEOUT_S = 5.0
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 64


async def discover(api: RenderApi, render: Render, own_id: str) -> list[Service]:
    """All that the key may see, as far as `render` wants them; never ourselves. Raises RenderError."""
    filters = {"includePreviews": "false"}
    if render.owner:
        filters["ownerId"] = render.owner
    if render.environment:
        filters["environmentId"] = render.environment
    found = await api.services(**filters)
    return as_services([each for each in found if each.id != own_id], render)


def as_services(found: Sequence[RenderService], render: Render) -> list[Service]:
    """In the order of their names, which are unique here though they need not be on Render."""
    services: dict[str, Service] = {}
    for each in sorted(found, key=lambda one: (one.name, one.id)):
        if not wanted(each.name, render):
            continue
        name = readable(each.name) or each.id
        key = name.casefold()
        services[key if key not in services else each.id] = _service(
            name if key not in services else each.id, each, render
        )
    return list(services.values())


def wanted(name: str, render: Render) -> bool:
    """
    >>> wanted("shop-api", Render(include=("shop-*",))), wanted("shop-api", Render(exclude=("*-api",)))
    (True, False)
    """
    return any(fnmatchcase(name, pattern) for pattern in render.include) and not any(
        fnmatchcase(name, pattern) for pattern in render.exclude
    )


def readable(name: str) -> str:
    """As our own names are written.

    >>> readable("My shop (live)")
    'My-shop-live'
    """
    return _ODD.sub("-", name).strip("-._")[:_LONGEST_NAME]


def _service(name: str, each: RenderService, render: Render) -> Service:
    kind = each.type if each.type in _KINDS else ""
    return Service(
        name=name,
        platform=RenderPlatform(id=each.id, kind=kind, actions=render.actions),  # type: ignore[arg-type]  # one of _KINDS
        probe=_probe(each, render),
        metrics=RenderMetrics() if each.runs else None,
        autonomy=render.autonomy,
        scale=render.scale,
        limits=Limits(memory_mib=_PLAN_MIB.get(each.service_details.plan) if each.runs else None),
        start_timeout_s=render.start_timeout_s,
    )


_PLAN_MIB = {
    "free": 512.0, "starter": 512.0, "standard": 2048.0, "pro": 4096.0, "pro_plus": 8192.0, "pro_max": 16384.0,
    "pro_ultra": 32768.0,
}  # fmt: skip
_KINDS = frozenset({"web_service", "private_service", "background_worker", "cron_job", "static_site"})


def _probe(each: RenderService, render: Render) -> HttpProbe | None:
    """Only what has a public address answers us wherever we run."""
    details = each.service_details
    if each.type != "web_service" or not details.url.startswith(("http://", "https://")):
        return None
    interval_s = render.probe_interval_s
    path = "/" + details.health_check_path.lstrip("/")
    return HttpProbe(
        url=details.url.rstrip("/") + path,
        interval_s=interval_s,
        timeout_s=min(interval_s, _LONGEST_TIMEOUT_S),
    )
