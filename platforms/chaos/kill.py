"""Kills a service: its whole process group gets SIGKILL."""

import signal

from config.model import Service
from platforms.chaos.fault import Fault, NoOptions, Plan
from platforms.processes.group import send


class Kill(Plan, frozen=True, kw_only=True):
    pid: int


class KillFault(Fault[Kill, NoOptions]):
    plan_type = Kill

    async def plan(self, service: Service, plan_id: str, options: NoOptions, for_s: float) -> Kill:
        del options, for_s
        return Kill(
            id=plan_id,
            service=service.name,
            fault=self.name,
            pid=self.ground.process(service.name).pid,
        )

    async def inject(self, plan: Kill) -> str:
        send(plan.pid, signal.SIGKILL)
        return f"SIGKILL to process group {plan.pid}"

    async def undo(self, plan: Kill) -> str:
        del plan
        return "nothing is left to undo"

    async def verify(self, plan: Kill) -> str:
        del plan
        return ""


FAULT = KillFault
