"""Stops a dependency of a service, as an outage of it."""

from msgspec import Struct

from config.model import Service
from platforms.chaos.fault import Fault, FaultRefused, Plan


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    dependency: str = ""  # one of the declared ones; empty: the first


class StopDependency(Plan, frozen=True, kw_only=True):
    dependency: str


class StopDependencyFault(Fault[StopDependency, Options]):
    plan_type = StopDependency
    options = Options
    starts = True

    async def plan(self, service: Service, plan_id: str, options: Options, for_s: float) -> StopDependency:
        del for_s
        if not service.depends_on:
            raise FaultRefused(f"{service.name} declares no dependency")
        dependency = options.dependency or service.depends_on[0]
        if dependency not in service.depends_on:
            raise FaultRefused(f"{service.name} declares no dependency {dependency!r}")
        self.ground.process(dependency)
        return StopDependency(id=plan_id, service=service.name, fault=self.name, dependency=dependency)

    async def inject(self, plan: StopDependency) -> str:
        await self.ground.platform.stop(plan.dependency, signal="KILL", grace_s=0.0)
        return f"{plan.dependency} stopped"

    async def undo(self, plan: StopDependency) -> str:
        if self.ground.platform.current(plan.dependency) is not None:
            return f"{plan.dependency} runs again already"
        await self.ground.platform.start(plan.dependency, f"chaos:{plan.id}")
        return f"{plan.dependency} started"

    async def verify(self, plan: StopDependency) -> str:
        del plan
        return ""  # who died since is the healers' business; an outage of ours ended with the start


FAULT = StopDependencyFault
