"""Acts on what somebody else runs: sagas, the way back, what a crash of ours leaves; with hand-written hands."""

import asyncio
from collections.abc import Mapping

import pytest

from agents.events import FixApplied, OperatorCommanded
from agents.infrastructure_recovery import InfrastructureRecovery
from config.fixes import Fix
from config.model import ExecPlatform, Service
from platforms.platform import Done, PlatformError, Task
from tests.fixtures.recovery_stage import PROBE, Stage

UNIT = ExecPlatform(start=("up",), stop=("down",))
SHOP = Service(name="shop", platform=UNIT, probe=PROBE)


class FakeReach:
    """Implements `Infrastructure` over one number per step."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.done: dict[tuple[str, str], Done] = {}  # by mark and step
        self.broken: set[str] = set()
        self.no_way_back: set[str] = set()
        self.takes_s: dict[str, float] = {}

    async def done_since(self, step: str, task: Task) -> Done | None:
        return self.done.get((task.mark, step))

    async def carry_out(self, step: str, task: Task) -> Done:
        await asyncio.sleep(self.takes_s.get(step, 0.01))
        if step in self.broken:
            raise PlatformError(f"{step} is refused")
        self.log.append(step)
        data = "" if step in self.no_way_back else f"{step} of {task.service.name}"
        done = self.done[task.mark, step] = Done(detail=f"{step} done", undo=f"undo {step}", undo_data=data)
        return done

    async def take_back(self, step: str, undo_data: str, task: Task) -> str:
        assert undo_data == f"{step} of {task.service.name}"
        self.log.append(f"undo {step}")
        return f"{step} taken back"


def stage(reach: FakeReach, *steps: str) -> Stage:
    def build(on: Stage) -> InfrastructureRecovery:
        return InfrastructureRecovery(on.world, on.processes, lambda _: reach, on.prober)

    on = Stage(build, [SHOP])
    on.world.fixes = with_fix(on.world.fixes, steps)
    on.prober.good = lambda _: False
    on.processes.put("shop", "old")
    return on


def with_fix(fixes: Mapping[str, Fix], steps: tuple[str, ...]) -> Mapping[str, Fix]:
    made = Fix(
        name="mend",
        title="mend",
        layer="infrastructure",
        agent="infrastructure_recovery",
        cures=("crash",),
        steps=steps,
    )
    return {**fixes, "mend": made}


async def answer(on: Stage) -> FixApplied:
    return await after(on, 25.0)


async def after(on: Stage, seconds: float) -> FixApplied:
    await asyncio.sleep(seconds)
    return on.said(FixApplied)[-1]  # type: ignore[no-any-return]


async def test_the_steps_come_in_order_and_leave_a_way_back_with_the_last_one_first() -> None:
    reach = FakeReach()
    async with stage(reach, "stop", "start") as on:
        act = on.act("shop", "mend", "crash", incarnation="old")
        applied = await answer(on)
        assert (applied.outcome, reach.log) == ("done", ["stop", "start"])
        assert applied.undo == "undo start; undo stop"
        on.act("shop", "mend", "crash", undo_of=act)
        undone = await answer(on)
        assert (undone.outcome, undone.undo_of) == ("done", act)
        assert reach.log == ["stop", "start", "undo start", "undo stop"]
        on.act("shop", "mend", "crash", undo_of=act)
        assert (await answer(on)).outcome == "found_done"
        assert len(reach.log) == 4


async def test_an_act_lasts_until_its_service_is_good_or_its_time_to_start_is_over() -> None:
    reach, begun = FakeReach(), asyncio.get_running_loop().time()
    async with stage(reach, "restart") as on:
        on.prober.good = lambda _: asyncio.get_running_loop().time() - begun > 7.0
        on.act("shop", "mend", "crash", incarnation="old")
        await asyncio.sleep(6.0)
        assert on.said(FixApplied) == []
        assert 7.0 < (await after(on, 3.0)).seconds < 8.0
        on.prober.good = lambda _: False
        on.act("shop", "mend", "crash", incarnation="old")
        assert (await after(on, 30.0)).detail == "restart done; not healthy within 20 s"


async def test_when_a_later_step_fails_the_earlier_ones_are_taken_back() -> None:
    reach = FakeReach()
    reach.broken = {"start"}
    async with stage(reach, "stop", "start") as on:
        on.act("shop", "mend", "crash", incarnation="old")
        applied = await answer(on)
        assert applied.outcome == "failed"
        assert applied.detail == "start is refused; taken back: stop taken back"
        assert reach.log == ["stop", "undo stop"]


async def test_half_a_way_back_is_none() -> None:
    reach = FakeReach()
    reach.no_way_back = {"stop"}
    async with stage(reach, "stop", "start") as on:
        act = on.act("shop", "mend", "crash", incarnation="old")
        assert (await answer(on)).undo_data == ""
        on.act("shop", "mend", "crash", undo_of=act)
        assert (await answer(on)).outcome == "failed"
        assert reach.log == ["stop", "start"]


async def test_what_an_earlier_life_of_ours_did_is_not_done_again() -> None:
    reach = FakeReach()
    async with stage(reach, "stop", "start") as on:
        reach.takes_s["start"] = 30.0
        on.act("shop", "mend", "crash", incarnation="old")
        await asyncio.sleep(1.0)
        assert reach.log == ["stop"]
        reach.takes_s.clear()
        await on.crash()
        assert (await answer(on)).outcome == "done"
        assert reach.log == ["stop", "start"]


async def test_nothing_is_touched_where_the_symptom_is_gone_unless_load_is_the_matter() -> None:
    reach = FakeReach()
    async with stage(reach, "restart") as on:
        on.prober.good = lambda _: True
        on.act("shop", "mend", "hang", incarnation="old")
        assert (await answer(on)).outcome == "symptom_gone"
        assert reach.log == []
        on.act("shop", "mend", "traffic_spike", incarnation="old")
        assert (await answer(on)).outcome == "done"


async def test_an_operator_stops_it_by_its_own_command_and_no_act_starts_it_again() -> None:
    reach = FakeReach()
    async with stage(reach, "restart") as on:
        on.say(OperatorCommanded(service="shop", command="stop", by="ann"))
        await asyncio.sleep(1.0)
        assert reach.log == ["stop"]
        on.act("shop", "mend", "crash", incarnation="old")
        assert (await answer(on)).detail == "stopped by operator"
        assert reach.log == ["stop"]


@pytest.mark.parametrize("platform", [ExecPlatform(restart=("again",))])
async def test_a_step_that_is_not_offered_any_more_fails_the_act(platform: ExecPlatform) -> None:
    reach = FakeReach()
    async with stage(reach, "stop") as on:
        on.world.config = type(on.world.config)(services=(Service(name="shop", platform=platform),))
        on.act("shop", "mend", "crash", incarnation="old")
        assert (await answer(on)).detail == "shop does not offer stop any more"
