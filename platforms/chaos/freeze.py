"""Freezes a service: its whole process group gets SIGSTOP."""

import signal

from config.model import Service
from platforms.chaos.fault import Fault, NoOptions, Plan, is_same
from platforms.processes.group import send
from platforms.processes.table import process_table


class Freeze(Plan, frozen=True, kw_only=True):
    pid: int
    started_at: float


class FreezeFault(Fault[Freeze, NoOptions]):
    plan_type = Freeze

    async def plan(self, service: Service, plan_id: str, options: NoOptions, for_s: float) -> Freeze:
        del options, for_s
        life = self.ground.process(service.name)
        return Freeze(
            id=plan_id, service=service.name, fault=self.name, pid=life.pid, started_at=life.started_at
        )

    async def inject(self, plan: Freeze) -> str:
        send(plan.pid, signal.SIGSTOP)
        return f"SIGSTOP to process group {plan.pid}"

    async def undo(self, plan: Freeze) -> str:
        if not is_same(plan.pid, plan.started_at):
            return "the frozen process is gone already"
        send(plan.pid, signal.SIGCONT)
        return f"SIGCONT to process group {plan.pid}"

    async def verify(self, plan: Freeze) -> str:
        now = process_table().read(plan.pid)
        stopped = now is not None and now.started_at == plan.started_at and now.state == "T"
        return f"process {plan.pid} is still stopped" if stopped else ""


FAULT = FreezeFault
