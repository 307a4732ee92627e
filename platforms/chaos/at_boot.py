"""Faults of a start: it takes too long, or ends at once. The living process is killed, so that it meets them."""

import signal
from typing import Any

from msgspec import Struct

from config.model import Service
from platforms.chaos.fault import Fault, Ground, NoOptions, Plan
from platforms.processes.boots import Hurdle
from platforms.processes.group import send

SHELL = "/bin/sh"


class SlowStartOptions(Struct, frozen=True, forbid_unknown_fields=True):
    delay_s: float = 10.0


class AtBoot(Plan, frozen=True, kw_only=True):
    pid: int
    delay_s: float


class AtBootFault(Fault[AtBoot, Any]):
    """Stands in the memory of this process alone: one that was killed has undone it."""

    plan_type = AtBoot

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = SlowStartOptions if name == "slow_start" else NoOptions

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> AtBoot:
        del for_s
        delay_s = getattr(options, "delay_s", 0.0)
        pid = self.ground.process(service.name).pid
        return AtBoot(id=plan_id, service=service.name, fault=self.name, pid=pid, delay_s=delay_s)

    async def inject(self, plan: AtBoot) -> str:
        prefix: tuple[str, ...] = (SHELL, "-c", "echo ended by a chaos experiment >&2; exit 1")
        told = f"each start of {plan.service} ends with 1"
        if self.name == "slow_start":
            prefix = (SHELL, "-c", 'sleep "$0"; exec "$@"', f"{plan.delay_s:g}")
            told = f"each start of {plan.service} takes {plan.delay_s:g} s longer"
        self.ground.boots.put(plan.service, Hurdle(prefix=prefix))
        send(plan.pid, signal.SIGKILL)
        return f"{told}; process group {plan.pid} was killed"

    async def undo(self, plan: AtBoot) -> str:
        self.ground.boots.clear(plan.service)
        return f"{plan.service} starts as declared"

    async def verify(self, plan: AtBoot) -> str:
        return f"starts of {plan.service} are still in its way" if self.ground.boots.of(plan.service) else ""


FAULT = AtBootFault
