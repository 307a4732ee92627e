"""Faults of what a process is started with: a wrong secret, a clock that is off. Undone by a start without them."""

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from config.model import Service
from platforms.chaos.fault import Fault, FaultRefused, Ground, Plan, is_same
from platforms.processes.boots import Hurdle
from platforms.processes.group import send
from platforms.processes.table import process_table

MARK = "CHAOS_FAULT"
_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIAL|_URL$|DSN$", re.IGNORECASE)
_FAKETIME = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1",
             "/opt/homebrew/lib/faketime/libfaketime.1.dylib")  # fmt: skip


class WrongSecretOptions(Struct, frozen=True, forbid_unknown_fields=True):
    variable: str = ""  # of the declared environment; empty: the first that is called like a secret


class ClockJumpOptions(Struct, frozen=True, forbid_unknown_fields=True):
    jump_s: float = 3600.0  # forward; negative: back


class StartedWith(Plan, frozen=True, kw_only=True):
    pid: int
    started_at: float
    env: dict[str, str]


class EnvironmentFault(Fault[StartedWith, Any]):
    plan_type = StartedWith

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = WrongSecretOptions if name == "wrong_secret" else ClockJumpOptions

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> StartedWith:
        del for_s
        life = self.ground.process(service.name)
        env = _wrong_secret(service, options) if self.name == "wrong_secret" else _faketime(options)
        return StartedWith(
            id=plan_id, service=service.name, fault=self.name, pid=life.pid, started_at=life.started_at,
            env={**env, MARK: plan_id},
        )  # fmt: skip

    async def inject(self, plan: StartedWith) -> str:
        self.ground.boots.put(plan.service, Hurdle(env=plan.env))
        send(plan.pid, signal.SIGTERM)
        return f"{plan.service} is restarted with another {', '.join(key for key in plan.env if key != MARK)}"

    async def undo(self, plan: StartedWith) -> str:
        self.ground.boots.clear(plan.service)
        if not (pid := self._infected(plan)):
            return f"{plan.service} runs as declared already"
        send(pid, signal.SIGKILL)
        return f"process group {pid}, which was started so, was killed; the next start is as declared"

    async def verify(self, plan: StartedWith) -> str:
        if self.ground.boots.of(plan.service):
            return f"starts of {plan.service} are still changed"
        pid = self._infected(plan)
        return f"process {pid} still runs so" if pid else ""

    def _infected(self, plan: StartedWith) -> int:
        life = self.ground.platform.current(plan.service)
        if life is None or not is_same(life.pid, life.started_at):
            return 0
        return life.pid if f"{MARK}={plan.id}\0".encode() in process_table().environ(life.pid) else 0


def _wrong_secret(service: Service, options: WrongSecretOptions) -> Mapping[str, str]:
    declared = service.platform.env
    found = [name for name in declared if _SECRET.search(name)]
    variable = options.variable or (found[0] if found else "")
    if not variable:
        raise FaultRefused(f"the environment of {service.name} declares nothing that is called like a secret")
    if variable not in declared:
        raise FaultRefused(f"the environment of {service.name} does not declare {variable}")
    return {variable: "wrong-by-a-chaos-experiment"}


def _faketime(options: ClockJumpOptions) -> Mapping[str, str]:
    found = [path for pattern in _FAKETIME for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        raise FaultRefused("a clock cannot be moved for one process here: libfaketime is not installed")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{options.jump_s:+g}s",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }


FAULT = EnvironmentFault
