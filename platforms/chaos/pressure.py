"""Faults by somebody who takes what services need: processors, memory, attention. A helper program does it."""

import asyncio
import json
import math
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import psutil
from msgspec import Meta, Struct

from config.model import HttpProbe, Service
from platforms.chaos.fault import Fault, FaultRefused, Ground, Plan
from platforms.processes.mark import public_environment

SPARE_S = 5.0  # the helper ends by itself so long after it was to be ended
LEAVE_MIB = 256
ROOT = Path(__file__).parents[2]


class CpuOptions(Struct, frozen=True, forbid_unknown_fields=True):
    processors: Annotated[int, Meta(ge=1, le=64)] = 1


class MemoryOptions(Struct, frozen=True, forbid_unknown_fields=True):
    mib: Annotated[int, Meta(ge=1)] = 256


class TrafficOptions(Struct, frozen=True, forbid_unknown_fields=True):
    clients: Annotated[int, Meta(ge=1, le=500)] = 20
    url: str = ""  # empty: that of the probe


class NanOptions(Struct, frozen=True, forbid_unknown_fields=True):
    path: str = "/predict"  # beside the probe
    fields: str = "x"  # with commas between them
    clients: Annotated[int, Meta(ge=1, le=50)] = 1


class Pressure(Plan, frozen=True, kw_only=True):
    what: str
    much: int
    url: str
    for_s: float
    body: str = ""


class PressureFault(Fault[Pressure, Any]):
    plan_type = Pressure

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = OPTIONS[name]

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> Pressure:
        what, much, url, body = "cpu", getattr(options, "processors", 0), "", ""
        if isinstance(options, MemoryOptions):
            what, much = "memory", options.mib
            if (room := psutil.virtual_memory().available >> 20) < much + LEAVE_MIB:
                raise FaultRefused(
                    f"{room} MiB are free: {much} are too many, as {LEAVE_MIB} have to be left"
                )
        elif isinstance(options, TrafficOptions | NanOptions):
            what, much = "traffic", options.clients
            probe = service.probe.url if isinstance(service.probe, HttpProbe) else ""
            url = getattr(options, "url", "") or probe
            if isinstance(options, NanOptions) and probe:
                url = urlsplit(probe)._replace(path=options.path, query="").geturl()
                body = json.dumps(dict.fromkeys(options.fields.split(","), math.nan))
            if not url.startswith(("http://", "https://")):
                raise FaultRefused(f"{service.name} has no HTTP probe that could be asked")
        return Pressure(
            id=plan_id, service=service.name, fault=self.name, what=what, much=much, url=url, for_s=for_s, body=body
        )  # fmt: skip

    async def inject(self, plan: Pressure) -> str:
        command = [
            sys.executable, "-m", "platforms.chaos.hog", plan.what, str(plan.much),
            "--for-s", str(plan.for_s + SPARE_S), "--id", plan.id, "--url", plan.url, "--body", plan.body,
            "--plan", str((self.ground.folder / f"{plan.id}.json").absolute()),
        ]  # fmt: skip
        environment = {
            **public_environment(os.environ, {}),
            "PYTHONPATH": str(ROOT),
            "CHAOS_FOLDER": str(self.ground.folder),
        }
        null = asyncio.subprocess.DEVNULL
        hog = await asyncio.create_subprocess_exec(
            *command, stdin=null, stdout=null, stderr=null, env=environment, start_new_session=True
        )
        return f"process {hog.pid} takes {plan.what} {plan.much}"

    async def undo(self, plan: Pressure) -> str:
        found = await asyncio.to_thread(_hogs, plan.id)
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return f"ended {len(found)} processes" if found else "the helper has ended already"

    async def verify(self, plan: Pressure) -> str:
        found = await asyncio.to_thread(_hogs, plan.id)
        return f"process {found[0]} still runs" if found else ""


OPTIONS: dict[str, type[Struct]] = {
    "cpu": CpuOptions,
    "memory": MemoryOptions,
    "traffic_peak": TrafficOptions,
    "nan_inputs": NanOptions,
}


def _hogs(plan_id: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            is_alive = process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if is_alive and plan_id in command and "platforms.chaos.hog" in command:
            found.append(process.pid)
    return found


FAULT = PressureFault
