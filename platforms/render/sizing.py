"""Acts that let a service grow: one more instance, the next larger plan."""

from functools import partial

from platforms.platform import Done, PlatformError
from platforms.render.api import RenderApi
from platforms.render.deploying import REPLACED_S, Deploying
from platforms.render.shapes import RenderService
from platforms.render.steps import Target, happened
from platforms.render.waiting import patiently, surely, until


class Sizing:
    def __init__(self, api: RenderApi) -> None:
        self._api = api
        self._deploying = Deploying(api)

    async def scaled(self, target: Target) -> Done | None:
        if not await patiently(partial(happened, self._api, target, "instance_count_changed")):
            return None
        count = (await self._service(target)).service_details.num_instances or 1
        return Done(
            detail=f"it has {count} instances now", undo="scale back", undo_data=str(max(count - 1, 1))
        )

    async def scale_out(self, target: Target) -> Done:
        service = await self._service(target)
        details, scale = service.service_details, target.task.service.scale
        count, most = details.num_instances or 1, scale.max_instances if scale is not None else 1
        if details.autoscaling is not None and details.autoscaling.enabled:
            raise PlatformError(
                f"{target.name} scales by itself on Render, which would ignore a scale from here"
            )
        if details.disk is not None:
            raise PlatformError(f"{target.name} has a disk, and with it one instance")
        if count >= most:
            raise PlatformError(f"{target.name} has {count} instances, as many as scale.max_instances allows")
        await self._to(target, count + 1)
        undo = f"scale back to {count}"
        return Done(detail=f"scaled from {count} to {count + 1} instances", undo=undo, undo_data=str(count))

    async def scale_back(self, target: Target, undo_data: str) -> str:
        await self._to(target, int(undo_data))
        return f"scaled back to {undo_data}"

    async def _to(self, target: Target, count: int) -> None:
        async def reached() -> bool | None:
            running = len(await self._api.instances(target.id, urgent=True))
            return True if running >= count else None

        await surely(partial(self._api.scale, target.id, count), _no)
        await until(reached, REPLACED_S, f"{target.name} did not get {count} instances")

    async def redeployed(self, target: Target) -> Done | None:
        """A larger plan comes with a deploy of ours."""
        done = await self._deploying.redeployed(target)
        plans = target.task.service.scale.plans if target.task.service.scale is not None else ()
        plan = (await self._service(target)).service_details.plan
        place = plans.index(plan) if plan in plans else 0
        return Done(detail=f"its plan is {plan}", undo_data=plans[place - 1]) if done and place else None

    async def scale_up(self, target: Target) -> Done:
        plan = (await self._service(target)).service_details.plan
        scale = target.task.service.scale
        plans = scale.plans if scale is not None else ()
        if plan not in plans[:-1]:
            raise PlatformError(f"{target.name} has plan {plan}: scale.plans names no larger one")
        larger = plans[plans.index(plan) + 1]
        await self._set_plan(target, larger)
        return Done(detail=f"plan {plan} became {larger}", undo=f"go back to plan {plan}", undo_data=plan)

    async def plan_back(self, target: Target, undo_data: str) -> str:
        await self._set_plan(target, undo_data)
        return f"its plan is {undo_data} again"

    async def _set_plan(self, target: Target, plan: str) -> None:
        await surely(partial(self._api.set_plan, target.id, plan), _no)
        deploy = await self._deploying.deploy_again(target)
        await self._deploying.stands(target, deploy)

    async def _service(self, target: Target) -> RenderService:
        return await patiently(partial(self._api.service, target.id))


async def _no() -> bool:
    """Asked for twice it is done once: no look is needed."""
    return False
