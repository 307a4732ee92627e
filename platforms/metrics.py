"""All the ways to read the metrics of a service, behind one door."""

from collections.abc import Awaitable, Callable

from platforms.platform import PlatformError
from platforms.prometheus import PrometheusScraper
from platforms.promql import Promql


class Metrics(PrometheusScraper, Promql):
    """Implements `MetricsReader`. `platform` reads what Render measures, where services run there."""

    def __init__(self, platform: Callable[[str], Awaitable[dict[str, float]]] | None = None) -> None:
        PrometheusScraper.__init__(self)
        Promql.__init__(self)
        self._platform = platform

    async def measured(self, service: str) -> dict[str, float]:
        if self._platform is None:
            raise PlatformError(f"{service} has metrics of Render, and RENDER_API_KEY is not set")
        return await self._platform(service)
