"""One platform for all services: each call goes to the platform of the kind that the service declares."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from config.model import Service
from platforms.platform import Exit, Incarnation, Platform, ProcessSample, Sight


class Router:
    """Implements `Platform`. `own` runs our children, and knows what the configuration no longer names."""

    def __init__(
        self, own: Platform, others: Mapping[type, Platform], services: Sequence[Service] = ()
    ) -> None:
        self._own = own
        self._others = others
        self._all = (own, *others.values())
        self._kinds: dict[str, type] = {}
        self.configure(services)

    def of(self, service: str) -> Platform:
        kind = self._kinds.get(service)
        return self._own if kind is None else self._others.get(kind, self._own)

    def configure(self, services: Sequence[Service]) -> None:
        self._kinds = {service.name: type(service.platform) for service in services}
        for platform in self._all:
            platform.configure([service for service in services if self.of(service.name) is platform])

    def current(self, service: str) -> Incarnation | None:
        return self.of(service).current(service)

    def sight(self, service: str) -> Sight:
        return self.of(service).sight(service)

    async def adopt(self) -> list[Incarnation]:
        return [life for platform in self._all for life in await platform.adopt()]

    async def start(self, service: str, mark: str) -> Incarnation:
        return await self.of(service).start(service, mark)

    async def stop(self, service: str, *, signal: str, grace_s: float) -> Exit | None:
        return await self.of(service).stop(service, signal=signal, grace_s=grace_s)

    def on_exit(self, callback: Callable[[Exit], None]) -> None:
        for platform in self._all:
            platform.on_exit(callback)

    def sample(self, service: str) -> ProcessSample | None:
        return self.of(service).sample(service)

    def is_frozen(self, service: str) -> bool:
        return self.of(service).is_frozen(service)

    def suspect(self, service: str) -> None:
        self.of(service).suspect(service)

    def output(self, service: str, limit: int = 2048) -> str:
        return self.of(service).output(service, limit)

    async def close(self) -> None:
        await asyncio.gather(*(platform.close() for platform in self._all))
