"""Model recovery: repairs a model's table, rolls its version back, trains a shadow model and promotes it with permission.

An act is the handling of one FixStarted. Its id is the mark that the hands leave in the model's history, so that after a
crash of ours `done_since` sees what of it stands in the world already.
"""

import asyncio
from typing import Literal

from msgspec import Struct, field

from agents.agent import Outlet, Results, Traits
from agents.events import Event, FixApplied, FixStarted, ModelJudged, OperatorCommanded, PromotionProposed
from config.model import Service
from config.world import World
from mlops.hands import Done, ModelError, ModelHands
from platforms.actions import check_steps
from utils.alone import run_alone
from utils.jobs import Ended, Jobs

STEPS = ("repair_data", "rollback_model", "retrain")
PROMOTE = "promote_model"
PROMOTE_S = 300.0
REMEMBERED = 200  # acts that could be taken back
Answer = Literal["done", "found_done", "symptom_gone", "failed"]


class Undoable(Struct, frozen=True):
    """By the id of the act: `way_back` as the hands noted it."""

    service: str
    fix: str
    way_back: str
    taken: bool = False


class State(Struct):
    undoable: dict[str, Undoable] = field(default_factory=dict)


class ModelRecovery:
    name = "model_recovery"
    consumes: tuple[type[Event], ...] = (FixStarted, ModelJudged, OperatorCommanded)
    emits: tuple[type[Event], ...] = (FixApplied, PromotionProposed)
    urgent: tuple[type[Event], ...] = (OperatorCommanded,)  # gets through while an act is in hand
    traits = Traits(waits_for_disk=True, workers=4, deadline_s=900.0, attempts=3)

    def __init__(self, world: World, models: ModelHands) -> None:
        check_steps(world.fixes, self.name, STEPS)
        self.world = world
        self.state = State()
        self._models = models
        self._jobs = Jobs()
        self._closing = False
        self._outlet: Outlet | None = None
        self._rooted = asyncio.Event()

    async def run(self, outlet: Outlet) -> None:
        self._outlet, self._began_at = outlet, outlet.now()
        self._rooted.set()
        await asyncio.Event().wait()

    def apply(self, fact: Event) -> None:
        if not isinstance(fact, FixApplied):
            return
        undoable = self.state.undoable
        if fact.undo_of:
            known = undoable.get(fact.undo_of)
            if known is not None and fact.outcome != "failed":
                undoable[fact.undo_of] = Undoable(known.service, known.fix, known.way_back, taken=True)
        elif fact.undo_data:
            undoable[fact.cause] = Undoable(fact.service, fact.fix, fact.undo_data)
            while len(undoable) > REMEMBERED:
                del undoable[next(iter(undoable))]

    async def handle(self, event: Event) -> Results:
        await self._rooted.wait()
        match event:
            case FixStarted() if event.agent == self.name:
                return [await self._act(event)]
            case ModelJudged() if event.promotable:
                return [_promotion(event)]
            case OperatorCommanded(command="shutdown") if event.at >= self._began_at:
                self._closing = True
                for service in self._jobs.in_hand():
                    await self._jobs.end(service, "the daemon shuts down")
            case OperatorCommanded(command="stop"):
                await self._jobs.end(event.service, "stopped by operator")
        return ()

    # --- acts ---

    async def _act(self, act: FixStarted) -> FixApplied:
        await self._not_while_closing()
        service = self.world.config.service(act.service)
        if service is None or not service.is_model:
            return self._applied(act, "failed", "it is no longer in the configuration as a model")
        if others := self.world.lease():
            return self._applied(act, "failed", others)
        try:
            return await self._jobs.run(act.service, self._work(act, service))
        except Ended as ended:
            await self._not_while_closing()
            return self._applied(act, "failed", str(ended))
        except ModelError as error:
            return self._applied(act, "failed", str(error))

    async def _work(self, act: FixStarted, service: Service) -> FixApplied:
        step = _step(self.world, act.fix)
        if act.undo_of:
            return await self._undo(act, service)
        before = await self._models.done_since(step, service, act.id)
        if before is not None:
            return self._applied(act, "found_done", before.detail, before)
        done = await self._models.carry_out(step, service, act.id)
        return self._applied(act, "done", done.detail, done)

    async def _undo(self, act: FixStarted, service: Service) -> FixApplied:
        earlier = self.state.undoable.get(act.undo_of)
        if earlier is None or earlier.service != service.name:
            return self._applied(act, "failed", "nobody knows how to take that act back")
        if earlier.taken:
            return self._applied(act, "found_done", "it was taken back before")
        told = await self._models.take_back(_step(self.world, earlier.fix), service, earlier.way_back, act.id)
        return self._applied(act, "done", told)

    async def _not_while_closing(self) -> None:
        """An act that the end of the daemon meets stays open: the next start finds it and goes on."""
        if self._closing:
            await asyncio.Event().wait()

    def _applied(self, act: FixStarted, outcome: Answer, detail: str, done: Done | None = None) -> FixApplied:
        assert self._outlet is not None  # every handling waits for the root
        return FixApplied(
            fix=act.fix,
            outcome=outcome,
            detail=detail,
            seconds=round(max(self._outlet.now() - act.at, 0.0), 3),
            undo=done.undo if done else "",
            undo_data=done.way_back if done else "",
            undo_of=act.undo_of,
        )


def _promotion(judged: ModelJudged) -> PromotionProposed:
    return PromotionProposed(
        service=judged.service,
        kind="promotion",
        what=PROMOTE,
        agent=ModelRecovery.name,
        why=judged.reason,
        deadline_s=PROMOTE_S,
    )


def _step(world: World, fix: str) -> str:
    """A promotion is planned, and in no catalogue."""
    known = world.fixes.get(fix)
    return known.steps[0] if known is not None else fix


if __name__ == "__main__":
    run_alone(__file__)
