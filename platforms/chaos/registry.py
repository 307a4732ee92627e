"""Every fault by name, loaded when it is first asked for: a daemon that makes none pays for none."""

import importlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from config.model import Service
from platforms.chaos.fault import Fault, FaultRefused, Ground, Plan
from platforms.chaos.names import FAULTS


class _Head(Struct, frozen=True):
    fault: str


class Faults:
    """Makes and undoes them all."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._loaded: dict[str, Fault[Any, Any]] = {}

    def of(self, name: str) -> Fault[Any, Any]:
        if name not in FAULTS:
            raise FaultRefused(f"there is no fault {name!r}; there are: {', '.join(FAULTS)}")
        if name not in self._loaded:
            module, _ = FAULTS[name]
            kind: type[Fault[Any, Any]] = importlib.import_module(f"platforms.chaos.{module}").FAULT
            self._loaded[name] = kind(name, self.ground)
        return self._loaded[name]

    async def plan(
        self, fault: str, service: Service, plan_id: str, options: Mapping[str, Any] = {}, for_s: float = 0.0
    ) -> Plan:
        """Changes nothing yet. Raises FaultRefused."""
        kind = self.of(fault)
        try:
            chosen = msgspec.convert(dict(options), kind.options, strict=False)
        except msgspec.ValidationError as error:
            known = ", ".join(kind.options.__struct_fields__) or "none"
            raise FaultRefused(f"option of {fault}: {error}; there are: {known}") from None
        planned: Plan = await kind.plan(service, plan_id, chosen, for_s)
        return planned

    async def inject(self, plan: Plan) -> str:
        """Answers what was done, in one line. Raises PlatformError or OSError."""
        return await self.of(plan.fault).inject(plan)

    async def undo(self, plan: Plan) -> str:
        """Undo what is still there. Raises PlatformError or OSError."""
        return await self.of(plan.fault).undo(plan)

    async def verify(self, plan: Plan) -> str:
        """What of it is still in the world; empty: nothing."""
        return await self.of(plan.fault).verify(plan)

    def may_undo_while_ending(self, plan: Plan) -> bool:
        """Nothing is started while the daemon ends; its next start does."""
        return not self.of(plan.fault).starts

    def decode(self, note: bytes) -> Plan:
        """A plan as it was written. Raises FaultRefused or msgspec.DecodeError."""
        kind = self.of(msgspec.json.decode(note, type=_Head).fault)
        plan: Plan = msgspec.json.decode(note, type=kind.plan_type)
        return plan
