"""Looks at Render before the failed probe of one of its services is believed: it may have just been deployed anew."""

import asyncio

from config.model import Probe, Service
from config.on_render import RenderPlatform
from platforms.platform import PlatformError, Prober, ProbeResult
from platforms.render.watcher import RenderWatcher

LOOK_S = 0.2  # beyond the deadline of the probe, which its round still waits for
MOST_S = 2.0


class LooksAtRender:
    """Implements `Prober` round another one. Of a service that Render is replacing a failure says nothing."""

    def __init__(self, prober: Prober, watcher: RenderWatcher) -> None:
        self._prober = prober
        self._watcher = watcher

    async def probe(self, service: Service, probe: Probe) -> ProbeResult:
        began_at = asyncio.get_running_loop().time()
        result = await self._prober.probe(service, probe)
        if result.ok or not isinstance(service.platform, RenderPlatform):
            return result
        left_s = probe.timeout_s + LOOK_S - (asyncio.get_running_loop().time() - began_at)
        known = await self._watcher.freshen(service.name, min(max(left_s, 0.0), MOST_S))
        if known is not None and known.is_replaced:
            raise PlatformError(f"Render is replacing the only instance of {service.name}")
        return result
