"""Fills the disk that a service writes to with a file of our own."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from config.model import Service
from platforms.chaos.fault import Fault, FaultRefused, Plan

MOST_MIB = 4096  # a fault must not take a machine's disk by mistake


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    leave_mib: Annotated[int, Meta(ge=0)] = 0  # free on that disk; at most 4096 MiB are taken for it
    folder: str = ""  # empty: the service's cwd


class Ballast(Plan, frozen=True, kw_only=True):
    path: str
    bytes: int


class DiskFault(Fault[Ballast, Options]):
    plan_type = Ballast
    options = Options

    async def plan(self, service: Service, plan_id: str, options: Options, for_s: float) -> Ballast:
        del for_s
        folder = (Path(service.platform.cwd) / options.folder).absolute()
        return await asyncio.to_thread(self._plan, service, plan_id, folder, options.leave_mib)

    def _plan(self, service: Service, plan_id: str, folder: Path, leave_mib: int) -> Ballast:
        try:
            if folder.stat().st_dev == self.ground.folder.stat().st_dev:
                raise FaultRefused(f"{folder} is on the disk of our own state folder: undoing needs that one")
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise FaultRefused(f"{folder}: {error.strerror}") from error
        taken = free - (leave_mib << 20)
        if not 0 < taken <= MOST_MIB << 20:
            raise FaultRefused(
                f"{free >> 20} MiB are free: to leave {leave_mib} is not between 1 and {MOST_MIB} MiB to take"
            )
        path = folder / f".chaos-{plan_id}.ballast"
        return Ballast(id=plan_id, service=service.name, fault=self.name, path=str(path), bytes=taken)

    async def inject(self, plan: Ballast) -> str:
        await asyncio.to_thread(_fill, plan)
        return f"{plan.bytes >> 20} MiB of the disk taken by {plan.path}"

    async def undo(self, plan: Ballast) -> str:
        await asyncio.to_thread(lambda: Path(plan.path).unlink(missing_ok=True))
        return f"{plan.path} removed"

    async def verify(self, plan: Ballast) -> str:
        there = await asyncio.to_thread(os.path.exists, plan.path)
        return f"{plan.path} is still there" if there else ""


def _fill(plan: Ballast) -> None:
    with Path(plan.path).open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, plan.bytes)
        except OSError:  # somebody else took the rest meanwhile: what there was is taken all the same
            while True:
                try:
                    file.write(bytes(1 << 16))
                    file.flush()
                except OSError:
                    return


FAULT = DiskFault
