"""What Render measures of a service, under the names that samples have everywhere."""

import asyncio
import time
from collections.abc import Callable

from platforms.render.api import RenderApi
from platforms.render.shapes import Series
from platforms.render.watcher import RenderWatcher

BACK_S = 300.0  # figures come late
_STEP_S = 60
_MIB = 1024 * 1024


class RenderFigures:
    def __init__(self, api: RenderApi, watcher: RenderWatcher, wall: Callable[[], float] = time.time) -> None:
        self._api = api
        self._watcher = watcher
        self._wall = wall

    async def measured(self, service: str) -> dict[str, float]:
        """The newest figures: rss_mib and cpu_percent of its fullest instance, requests, latency, instances."""
        known = self._watcher.of(service)
        since = self._wall() - BACK_S
        found: dict[str, float] = {}
        names = ["memory", "cpu", "instance-count"]
        if known.platform.kind_of == "web_service":
            names += ["http-latency", "http-requests"]
        for name, series in zip(
            names, await asyncio.gather(*(self._ask(name, known.id, since) for name in names)), strict=True
        ):
            found |= _READ[name](series)
        return found

    async def _ask(self, metric: str, resource: str, since: float) -> list[Series]:
        more = {"resolutionSeconds": str(_STEP_S)}
        if metric == "http-requests":
            more["aggregateBy"] = "statusCode"
        if metric == "http-latency":
            more["quantile"] = "0.95"
        return await self._api.metrics(metric, [resource], since, **more)


def _newest(series: Series) -> float:
    return series.values[-1].value if series.values else 0.0


def _memory(found: list[Series]) -> dict[str, float]:
    return {"rss_mib": max(_newest(each) for each in found) / _MIB} if found else {}


def _cpu(found: list[Series]) -> dict[str, float]:
    return {"cpu_percent": 100 * max(_newest(each) for each in found)} if found else {}


def _instances(found: list[Series]) -> dict[str, float]:
    return {"instances": sum(_newest(each) for each in found)} if found else {}


def _latency(found: list[Series]) -> dict[str, float]:
    return {"http_latency_ms": max(_newest(each) for each in found)} if found else {}


def _requests(found: list[Series]) -> dict[str, float]:
    rates: dict[str, float] = {}
    for each in found:
        code = next((label.value for label in each.labels if label.field == "statusCode"), "")
        rates[f'http_requests_per_s{{status="{code[:1]}xx"}}'] = _newest(each) / _STEP_S + rates.get(
            f'http_requests_per_s{{status="{code[:1]}xx"}}', 0.0
        )
    return rates


_READ: dict[str, Callable[[list[Series]], dict[str, float]]] = {
    "memory": _memory, "cpu": _cpu, "instance-count": _instances, "http-latency": _latency, "http-requests": _requests,
}  # fmt: skip
