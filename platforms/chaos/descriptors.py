"""Lets a living process open no more files: its own limit is lowered, and raised again."""

import resource
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from config.model import Service
from platforms.chaos.fault import Fault, FaultRefused, Plan, is_same
from platforms.platform import PlatformError


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=0)] = 0  # 0: as many as are open now, so that not one more can be


class Lowered(Plan, frozen=True, kw_only=True):
    pid: int
    started_at: float
    limit: int
    before: int


class DescriptorsFault(Fault[Lowered, Options]):
    plan_type = Lowered
    options = Options

    async def plan(self, service: Service, plan_id: str, options: Options, for_s: float) -> Lowered:
        del for_s
        life = self.ground.process(service.name)
        try:
            before, _ = _limits(life.pid)
            highest = max(int(path.name) for path in Path(f"/proc/{life.pid}/fd").iterdir())  # noqa: ASYNC240 - /proc
        except (OSError, AttributeError, ValueError) as error:
            raise FaultRefused(f"the limits of process {life.pid} cannot be changed here: {error}") from error
        return Lowered(
            id=plan_id, service=service.name, fault=self.name, pid=life.pid, started_at=life.started_at,
            limit=options.limit or highest + 1, before=before,
        )  # fmt: skip

    async def inject(self, plan: Lowered) -> str:
        _lower(plan.pid, plan.limit)
        return f"process {plan.pid} may have {plan.limit} descriptors in place of {plan.before}"

    async def undo(self, plan: Lowered) -> str:
        if not is_same(plan.pid, plan.started_at):
            return "that process is gone already"
        _lower(plan.pid, plan.before)
        return f"process {plan.pid} may have {plan.before} descriptors again"

    async def verify(self, plan: Lowered) -> str:
        if not is_same(plan.pid, plan.started_at):
            return ""
        now, _ = _limits(plan.pid)
        return f"process {plan.pid} may still have only {now} descriptors" if now < plan.before else ""


def _limits(pid: int) -> tuple[int, int]:
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def _lower(pid: int, soft: int) -> None:
    """Only what it may raise itself."""
    try:
        _, hard = _limits(pid)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    except (OSError, ValueError) as error:
        raise PlatformError(f"the limits of process {pid} cannot be changed: {error}") from error


FAULT = DescriptorsFault
