"""Acts that replace what runs: restart, rollback, a redeploy without the build cache; and auto-deploy off and on."""

from functools import partial

import msgspec
from msgspec import Struct

from platforms.platform import Done, PlatformError
from platforms.render.api import RenderApi
from platforms.render.releases import good_before
from platforms.render.shapes import Deploy
from platforms.render.steps import Target, happened
from platforms.render.waiting import patiently, surely, until

REPLACED_S = 240.0
LIVE_S = 900.0
HISTORY = 30  # deploys that a rollback looks through
ON, OFF = "yes", "no"


class Forward(Struct):
    """How a rollback is taken back."""

    deploy: str
    release: str


class Deploying:
    def __init__(self, api: RenderApi) -> None:
        self._api = api

    # --- restart ---

    async def restarted(self, target: Target) -> Done | None:
        instances = await patiently(partial(self._api.instances, target.id, urgent=True))
        young = any(each.born_at >= target.since for each in instances)
        if young or await patiently(partial(happened, self._api, target, "server_restarted")):
            return Done(detail="its instances were replaced since")
        return None

    async def restart(self, target: Target) -> Done:
        """Asked for twice it is done twice, which is no harm; still we look first."""
        before = {each.id for each in await patiently(partial(self._api.instances, target.id, urgent=True))}

        async def done() -> bool:
            return await self.restarted(target) is not None

        async def new() -> int | None:
            found = [
                each for each in await self._api.instances(target.id, urgent=True) if each.id not in before
            ]
            return len(found) or None

        await surely(partial(self._api.restart, target.id), done)
        count = await until(new, REPLACED_S, f"no new instance of {target.name} came")
        return Done(detail=f"restarted: {count} new {'instance' if count == 1 else 'instances'}")

    # --- rollback ---

    async def rolled_back(self, target: Target) -> Done | None:
        deploys = await self._deploys(target)
        ours = _since(target, deploys, "rollback")
        return await self._rolled(target, ours, deploys) if ours is not None else None

    async def roll_back(self, target: Target) -> Done:
        deploys = await self._deploys(target)
        live = next((each for each in deploys if each.status == "live"), None)
        if under_way := next((each for each in deploys if each.is_under_way), None):
            await self._ended(target, under_way.id)
            raise PlatformError(
                f"{target.name} was being deployed ({under_way.id}): what came of that is looked at first"
            )
        good = good_before(deploys)
        if live is None or good is None:
            raise PlatformError(f"{target.name} has no earlier release to go back to")
        ours = await self._go_to(target, good.id)
        return await self._rolled(target, ours, await self._deploys(target))

    async def _go_to(self, target: Target, deploy: str) -> Deploy:
        """The deploy that Render made of it, which is not waited for."""
        known = {each.id for each in await self._deploys(target)}

        async def new() -> Deploy | None:
            found = await self._api.deploys(target.id, HISTORY, urgent=True)
            return next((each for each in found if each.trigger == "rollback" and each.id not in known), None)

        async def done() -> bool:
            return await new() is not None

        await surely(partial(self._api.roll_back, target.id, deploy), done)
        return await until(new, REPLACED_S, f"no rollback of {target.name} is to be seen")

    async def _rolled(self, target: Target, ours: Deploy, deploys: list[Deploy]) -> Done:
        place = next(n for n, each in enumerate(deploys) if each.id == ours.id)
        left = next((each for each in deploys[place + 1 :] if each.status in ("live", "deactivated")), None)
        stands = await self._ended(target, ours.id)
        if stands.status != "live":
            raise PlatformError(f"the rollback of {target.name} ended as {stands.status} ({ours.id})")
        back = msgspec.json.encode(Forward(left.id, left.release)).decode() if left is not None else ""
        undo = f"deploy {left.release} again" if left is not None else ""
        return Done(detail=f"rolled back to {stands.release}", undo=undo, undo_data=back)

    async def roll_forward(self, target: Target, undo_data: str) -> str:
        back = msgspec.json.decode(undo_data, type=Forward)
        deploys = await self._deploys(target)
        if any(each.status == "live" and each.release == back.release for each in deploys):
            return f"{back.release} is live again already"
        ours = await self._go_to(target, back.deploy)
        ended = await self._ended(target, ours.id)
        if ended.status != "live":
            raise PlatformError(f"going forward to {back.release} ended as {ended.status} ({ours.id})")
        return f"{back.release} is live again"

    # --- auto-deploy ---

    async def frozen(self, target: Target) -> Done | None:
        if await patiently(partial(happened, self._api, target, "auto_deploy_disabled")):
            return Done(detail="auto-deploy is off", undo="turn auto-deploy on", undo_data=ON)
        return None

    async def freeze(self, target: Target) -> Done:
        """Else the next push brings back what a rollback has just removed."""
        service = await patiently(partial(self._api.service, target.id))
        if service.auto_deploy == OFF:
            return Done(detail="auto-deploy was off already", undo_data=OFF)
        await self._set(target, on=False)
        return Done(detail="auto-deploy is off", undo="turn auto-deploy on", undo_data=ON)

    async def thaw(self, target: Target, undo_data: str) -> str:
        if undo_data != ON:
            return "auto-deploy stays off, as it was"
        await self._set(target, on=True)
        return "auto-deploy is on again"

    async def _set(self, target: Target, *, on: bool) -> None:
        async def no() -> bool:
            return False

        await surely(partial(self._api.set_auto_deploy, target.id, on=on), no)

    # --- deploys ---

    async def redeployed(self, target: Target) -> Done | None:
        ours = _since(target, await self._deploys(target), "api")
        return await self.stands(target, ours) if ours is not None else None

    async def redeploy_clean(self, target: Target) -> Done:
        return await self.stands(target, await self.deploy_again(target, clear_cache=True))

    async def deploy_again(self, target: Target, *, clear_cache: bool = False) -> Deploy:
        """The live release once more, not what was pushed since; the deploy that Render made of it."""
        deploys = await self._deploys(target)
        if under_way := next((each for each in deploys if each.is_under_way), None):
            await self._ended(target, under_way.id)
            raise PlatformError(
                f"{target.name} was being deployed ({under_way.id}): what came of that is looked at first"
            )
        live = next((each for each in deploys if each.status == "live"), None)
        commit = live.commit.id if live is not None and live.commit is not None else ""
        known = {each.id for each in deploys}

        async def new() -> Deploy | None:
            found = await self._api.deploys(target.id, HISTORY, urgent=True)
            return next((each for each in found if each.trigger == "api" and each.id not in known), None)

        async def done() -> bool:
            return await new() is not None

        await surely(partial(self._api.deploy, target.id, commit, clear_cache=clear_cache), done)
        return await until(new, REPLACED_S, f"no deploy of {target.name} is to be seen")

    async def stands(self, target: Target, ours: Deploy) -> Done:
        ended = await self._ended(target, ours.id)
        if ended.status != "live":
            raise PlatformError(f"the deploy of {target.name} ended as {ended.status} ({ours.id})")
        return Done(detail=f"deployed {ended.release} anew")

    async def cancel(self, target: Target) -> Done:
        deploys = await self._deploys(target)
        under_way = next((each for each in deploys if each.is_under_way), None)
        if under_way is None:
            return Done(detail="no deploy is under way")
        await self._api.cancel(target.id, under_way.id)
        return Done(detail=f"canceled the deploy of {under_way.release}")

    async def _deploys(self, target: Target) -> list[Deploy]:
        return await patiently(partial(self._api.deploys, target.id, HISTORY, urgent=True))

    async def _ended(self, target: Target, deploy: str) -> Deploy:
        async def look() -> Deploy | None:
            found = next((each for each in await self._deploys(target) if each.id == deploy), None)
            if found is None:
                raise PlatformError(f"deploy {deploy} of {target.name} is not to be seen any more")
            return None if found.is_under_way else found

        return await until(look, LIVE_S, f"deploy {deploy} of {target.name} did not end")


def _since(target: Target, deploys: list[Deploy], trigger: str) -> Deploy | None:
    found = [each for each in deploys if each.trigger == trigger and each.began_at >= target.since]
    return found[0] if found else None
