"""Acts on services of Render: each looks at what stands already, and ends when its result stands."""

from collections.abc import Awaitable, Callable, Mapping

from config.fixes import offered
from platforms.platform import AtRestError, Done, PlatformError, Task
from platforms.render.api import RenderApi
from platforms.render.deploying import Deploying
from platforms.render.sizing import Sizing
from platforms.render.steps import Target
from platforms.render.stores import Stores
from platforms.render.watcher import RenderWatcher

Look = Callable[[Target], Awaitable[Done | None]]
Act = Callable[[Target], Awaitable[Done]]
Back = Callable[[Target, str], Awaitable[str]]


class RenderHands:
    """Implements `Infrastructure`. `own_id` is the service that we are ourselves: it is never touched."""

    def __init__(self, api: RenderApi, watcher: RenderWatcher, own_id: str = "") -> None:
        self._watcher = watcher
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
        await self._watcher.look(task.service.name)
        if step != "resume" and (rests := self._watcher.of(task.service.name).sight().rests):
            raise AtRestError(rests)
        done = await act(self._target(step, task))
        await self._watcher.look(task.service.name)
        return done

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
