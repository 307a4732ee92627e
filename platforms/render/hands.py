"""Acts on services of Render: each looks at what stands already, and ends when its result stands."""

from collections.abc import Awaitable, Callable, Mapping

from config.fixes import offered
from platforms.platform import AtRestError, Done, PlatformError, Task
from platforms.render.api import RenderApi
from platforms.render.deploying import Deploying
from platforms.render.shapes import CRASH_LOOPING
from platforms.render.sizing import Sizing
from platforms.render.steps import Target
from platforms.render.stores import Stores
from platforms.render.watcher import RenderWatcher

ON_SERVICES = frozenset({"restart", "rollback", "redeploy_clean", "scale_out", "scale_up"})
Look = Callable[[Target], Awaitable[Done | None]]
Act = Callable[[Target], Awaitable[Done]]
Back = Callable[[Target, str], Awaitable[str]]


class RenderHands:
    """Implements `Infrastructure`. `own_id` is the service that we are ourselves: it is never touched."""

    def __init__(self, api: RenderApi, watcher: RenderWatcher, own_id: str = "") -> None:
        self._watcher, self._api = watcher, api
        self._own_id = own_id
        deploying, sizing, stores = Deploying(api), Sizing(api), Stores(api)
        self._steps: Mapping[str, tuple[Look, Act]] = {
            "restart": (deploying.restarted, deploying.restart),
            "rollback": (deploying.rolled_back, deploying.roll_back),
            "freeze_auto_deploy": (deploying.frozen, deploying.freeze),
            "redeploy_clean": (deploying.redeployed, deploying.redeploy_clean),
            "cancel_deploy": (_unknown, deploying.cancel),
            "scale_out": (sizing.scaled, sizing.scale_out),
            "scale_up": (sizing.redeployed, sizing.scale_up),
            "resume": (_unknown, stores.resume),
            "restart_postgres": (_unknown, stores.restart),
            "failover_postgres": (_unknown, stores.fail_over),
        }
        self._backs: Mapping[str, Back] = {
            "rollback": deploying.roll_forward,
            "freeze_auto_deploy": deploying.thaw,
            "scale_out": sizing.scale_back,
            "scale_up": sizing.plan_back,
        }

    async def done_since(self, step: str, task: Task) -> Done | None:
        look, _ = self._steps[step]
        return await look(self._target(step, task))

    async def carry_out(self, step: str, task: Task) -> Done:
        _, act = self._steps[step]
        if step in ON_SERVICES:
            await self._not_at_rest(task.service.name)
        done = await act(self._target(step, task))
        await self._watcher.look(task.service.name)
        return done

    async def _not_at_rest(self, name: str) -> None:
        """A person's suspension is known from lists some seconds later than from its effect."""
        known = self._watcher.of(name)
        try:
            found = await self._api.service(known.id)
        except PlatformError:
            return  # the act itself will say what is wrong
        if found.is_suspended and CRASH_LOOPING not in found.suspenders:
            raise AtRestError(f"suspended on Render ({', '.join(found.suspenders)})")

    async def take_back(self, step: str, undo_data: str, task: Task) -> str:
        if step not in self._backs:
            raise PlatformError(f"nobody can take back the {step} of {task.service.name}")
        told = await self._backs[step](self._target(step, task), undo_data)
        await self._watcher.look(task.service.name)
        return told

    def _target(self, step: str, task: Task) -> Target:
        """Right before each call: may this be done, and to this service?"""
        name, known = task.service.name, self._watcher.of(task.service.name)
        if not known.id:
            raise PlatformError(f"{name} is not to be found on Render")
        if known.id == self._own_id:
            raise PlatformError(f"{name} is Nightwarden itself, which never acts on itself")
        if step not in offered(task.service.platform):
            raise PlatformError(f'{step} is not among the actions that are allowed for {name} ("actions")')
        return Target(task, known.id, known)


async def _unknown(target: Target) -> Done | None:
    del target
    return None
