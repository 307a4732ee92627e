"""Acts on what was suspended, and on databases."""

from functools import partial

from platforms.platform import Done, PlatformError
from platforms.render.api import RenderApi
from platforms.render.failures import UncertainError
from platforms.render.shapes import CRASH_LOOPING
from platforms.render.steps import Target
from platforms.render.waiting import patiently, surely, until

RESUMED_S = 600.0
_PATHS = {"postgres": "postgres", "key_value": "key-value"}


class Stores:
    def __init__(self, api: RenderApi) -> None:
        self._api = api

    async def resume(self, target: Target) -> Done:
        """Only what Render itself suspended: what a person stopped stays so."""
        suspenders = set(target.known.suspenders)
        if not suspenders:
            raise PlatformError(f"{target.name} is not suspended")
        if not suspenders <= {CRASH_LOOPING}:
            raise PlatformError(
                f"{target.name} was suspended by {', '.join(sorted(suspenders))}, who may resume it"
            )
        kind = _PATHS.get(target.known.platform.kind_of, "services")
        await surely(partial(self._api.resume, kind, target.id), _no)
        if kind == "services":
            await until(partial(self._runs, target), RESUMED_S, f"{target.name} did not come back")
        return Done(detail="resumed")

    async def _runs(self, target: Target) -> bool | None:
        service = await self._api.service(target.id)
        return (
            True if not service.is_suspended and await self._api.instances(target.id, urgent=True) else None
        )

    async def restart(self, target: Target) -> Done:
        async def told() -> bool:
            return True  # what cannot be told counts as done, and is verified

        await surely(partial(self._api.postgres_act, target.id, "restart"), told)
        return await self._available(target, "restarted")

    async def fail_over(self, target: Target) -> Done:
        store = await patiently(partial(self._api.postgres_of, target.id))
        if not store.high_availability_enabled:
            raise PlatformError(f"{target.name} has no standby to fail over to")
        try:
            await self._api.postgres_act(target.id, "failover")
        except UncertainError:
            return await self._available(target, "asked to fail over; nobody knows whether it did")
        return await self._available(target, "failed over to its standby")

    async def _available(self, target: Target, what: str) -> Done:
        async def look() -> bool | None:
            return True if (await self._api.postgres_of(target.id)).status == "available" else None

        await until(look, RESUMED_S, f"{target.name} did not become available")
        return Done(detail=what)


async def _no() -> bool:
    return False
