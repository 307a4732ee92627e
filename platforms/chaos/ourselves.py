"""Faults of ourselves: an agent dies, the loop stands still, our disk fails, Telegram or Render cannot be reached.

They stand in the memory of this process alone, so its death undoes them. The target is called nightwarden:WHAT.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from config.model import Service
from config.ourselves import agent_of
from platforms.chaos.fault import Fault, FaultRefused, Ground, NoOptions, Plan
from platforms.chaos.insides import Insides

LONGEST_BLOCK_S = 5.0  # beyond, the freeze guard ends the process, as it should


class BlockOptions(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(gt=0, le=LONGEST_BLOCK_S)] = 2.0


class DiskOptions(Struct, frozen=True, forbid_unknown_fields=True):
    problem: Literal["full", "broken"] = "full"


class OfOurselves(Plan, frozen=True, kw_only=True):
    what: str
    problem: str = ""
    seconds: float = 0.0


class OurselvesFault(Fault[OfOurselves, Any]):
    plan_type = OfOurselves

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = {"loop_block": BlockOptions, "own_disk": DiskOptions}.get(name, NoOptions)

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> OfOurselves:
        del for_s
        inside, what = self._inside(), agent_of(service.name)
        choice = _choice(self.name, inside)
        if what not in choice:
            names = ", ".join(f"nightwarden:{name}" for name in choice) or "nothing that is used here"
            raise FaultRefused(f"{self.name} can be made of {names}")
        return OfOurselves(
            id=plan_id, service=service.name, fault=self.name, what=what,
            problem=getattr(options, "problem", ""), seconds=getattr(options, "seconds", 0.0),
        )  # fmt: skip

    async def inject(self, plan: OfOurselves) -> str:
        inside = self._inside()
        match self.name:
            case "agent_kill":
                inside.kill_agent(plan.what)
                return f"{plan.what} died"
            case "loop_block":
                inside.block_loop(plan.seconds)
                return f"nothing moved for {plan.seconds:g} s"
            case "own_disk":
                inside.fail_disk(plan.problem)
                return f"the state folder is {plan.problem}"
            case _:
                inside.cut(plan.what, is_cut=True)
                return f"{plan.what} cannot be reached"

    async def undo(self, plan: OfOurselves) -> str:
        if (inside := self.ground.insides) is None:
            return "nothing of it outlived the process"
        if self.name == "own_disk":
            inside.fail_disk("")
        elif self.name == "unreachable":
            inside.cut(plan.what, is_cut=False)
        return f"{plan.what} is as before"

    async def verify(self, plan: OfOurselves) -> str:
        inside = self.ground.insides
        left = inside.state().get(plan.what, "") if inside is not None else ""
        return f"{plan.what} is still {left}" if left and self.name in {"own_disk", "unreachable"} else ""

    def _inside(self) -> Insides:
        if self.ground.insides is None:
            raise FaultRefused("nothing of ourselves can be broken here")
        return self.ground.insides


def _choice(name: str, inside: Insides) -> tuple[str, ...]:
    if name == "agent_kill":
        return tuple(
            agent for agent in inside.agents() if agent != "chaos_controller"
        )  # who else would undo it
    return {"loop_block": ("loop",), "own_disk": ("disk",)}.get(name) or inside.reached()


FAULT = OurselvesFault
