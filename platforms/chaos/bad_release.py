"""Puts a broken copy of the release in use in its place, and restarts the service as a deployment does."""

import asyncio
import shutil
import signal
from pathlib import Path

from config.model import Service
from platforms.chaos.corrupt_file import GARBAGE
from platforms.chaos.fault import Fault, FaultRefused, NoOptions, Plan
from platforms.platform import PlatformError
from platforms.processes.group import send
from platforms.releases import link_of, point, version


class BadRelease(Plan, frozen=True, kw_only=True):
    link: str
    before: str
    bad: str
    pid: int  # 0: nothing ran


class BadReleaseFault(Fault[BadRelease, NoOptions]):
    plan_type = BadRelease

    async def plan(self, service: Service, plan_id: str, options: NoOptions, for_s: float) -> BadRelease:
        del options, for_s
        return await asyncio.to_thread(self._plan, service, plan_id)

    def _plan(self, service: Service, plan_id: str) -> BadRelease:
        try:
            link = link_of(service).absolute()
            before = version(link)
        except (PlatformError, OSError) as error:
            raise FaultRefused(f"{service.name} has no release to replace: {error}") from error
        life = self.ground.platform.current(service.name)
        return BadRelease(
            id=plan_id, service=service.name, fault=self.name, link=str(link), before=before,
            bad=f"{before}-chaos-{plan_id[:8]}", pid=life.pid if life else 0,
        )  # fmt: skip

    async def inject(self, plan: BadRelease) -> str:
        await asyncio.to_thread(_release, plan)
        if plan.pid:
            send(plan.pid, signal.SIGTERM)  # a deployment restarts what it deploys
        return f"release {plan.before} replaced by {plan.bad}"

    async def undo(self, plan: BadRelease) -> str:
        return await asyncio.to_thread(_withdraw, plan)

    async def verify(self, plan: BadRelease) -> str:
        return await asyncio.to_thread(_left, plan)


def _release(plan: BadRelease) -> None:
    link = Path(plan.link)
    folder = (link.parent / link.readlink()).parent
    shutil.copytree(folder / plan.before, folder / plan.bad, symlinks=True)
    for path in (folder / plan.bad).rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(GARBAGE)
    point(link, plan.bad)


def _withdraw(plan: BadRelease) -> str:
    link = Path(plan.link)
    if link.is_symlink() and version(link) == plan.bad:
        point(link, plan.before)
        told = f"release pointed back to {plan.before}"
    else:
        told = "the release was pointed back already"
    shutil.rmtree(_bad_folder(link, plan), ignore_errors=True)
    return told


def _left(plan: BadRelease) -> str:
    link = Path(plan.link)
    if link.is_symlink() and version(link) == plan.bad:
        return f"{plan.link} still points to {plan.bad}"
    return f"{plan.bad} still stands there" if _bad_folder(link, plan).exists() else ""


def _bad_folder(link: Path, plan: BadRelease) -> Path:
    return (link.parent / link.readlink()).with_name(plan.bad)


FAULT = BadReleaseFault
