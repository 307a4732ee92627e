"""Faults that a service offers itself, to practise with: POST /fault/hang, /fault/slow, /fault/leak beside its probe."""

import signal
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from config.model import HttpProbe, Service
from platforms.chaos.fault import Fault, FaultRefused, Ground, NoOptions, Plan, is_same
from platforms.platform import PlatformError
from platforms.processes.group import send

PATIENCE_S = 2.0


class SlowOptions(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: float = 2.0


class LeakOptions(Struct, frozen=True, forbid_unknown_fields=True):
    mib_per_s: float = 8.0


class Offered(Plan, frozen=True, kw_only=True):
    pid: int
    started_at: float
    url: str
    ends: str  # an address that switches it off; empty: only a new process is without it


class OfferedFault(Fault[Offered, Any]):
    plan_type = Offered

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = {"slow": SlowOptions, "memory_leak": LeakOptions}.get(name, NoOptions)

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> Offered:
        del for_s
        if not isinstance(service.probe, HttpProbe):
            raise FaultRefused(
                f"{service.name} has no HTTP probe, so nobody knows where it would offer faults"
            )
        life = self.ground.process(service.name)
        parts = urlsplit(service.probe.url)
        offer = f"{parts.scheme}://{parts.netloc}/fault/{ADDRESSES[self.name]}"
        if await _status("GET", offer) != 405:  # it is there, and wants POST
            raise FaultRefused(f"{service.name} offers no POST {offer} to practise with")
        query = {"slow": "?seconds={}", "memory_leak": "?mib_per_s={}"}.get(self.name, "")
        much = getattr(options, "seconds", getattr(options, "mib_per_s", 0.0))
        return Offered(
            id=plan_id, service=service.name, fault=self.name, pid=life.pid, started_at=life.started_at,
            url=offer + query.format(f"{much:g}"), ends=f"{offer}?seconds=0" if self.name == "slow" else "",
        )  # fmt: skip

    async def inject(self, plan: Offered) -> str:
        if (status := await _status("POST", plan.url)) != 200:
            raise PlatformError(f"{plan.url} answered {status}")
        return f"{self.name} switched on in process {plan.pid}"

    async def undo(self, plan: Offered) -> str:
        if not is_same(plan.pid, plan.started_at):
            return "that process is gone already, and the fault with it"
        if plan.ends and await _status("POST", plan.ends) == 200:
            return f"{self.name} switched off"
        send(plan.pid, signal.SIGKILL)
        return f"process group {plan.pid} was killed: a new one is without it"

    async def verify(self, plan: Offered) -> str:
        is_left = not plan.ends and is_same(plan.pid, plan.started_at)
        return f"process {plan.pid} still has it" if is_left else ""


ADDRESSES = {"hang": "hang", "slow": "slow", "memory_leak": "leak"}


async def _status(method: str, url: str) -> int:
    """0 for no answer."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE_S)) as session,
            session.request(method, url) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


FAULT = OfferedFault
