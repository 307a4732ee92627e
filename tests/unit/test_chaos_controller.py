"""When faults are made and undone, with hand-written hands under the real runner."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.chaos_controller import ChaosController
from agents.events import (
    ActProposed,
    FaultInjected,
    FaultReverted,
    FixApplied,
    FixRefused,
    FixStarted,
    OperatorCommanded,
)
from config.chaos import why_no_chaos
from config.model import Config, Service
from config.settings import Settings
from config.world import World
from platforms.chaos.fault import FaultRefused, Ground, Plan
from platforms.chaos.freeze import Freeze
from platforms.chaos.registry import Faults
from platforms.chaos.stop_dependency import StopDependency
from platforms.platform import PlatformError
from tests.fixtures.recovery_stage import FakeProcesses, Stage, service

REFUSED: set[str] = set()


class FakeFaults(Faults):
    """Freezes and stops in name alone; notes whether the way back was on disk before each fault."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Ground(FakeProcesses(), folder))
        self.folder = folder
        self.left = ""
        self.asked: Any = None
        self.log: list[str] = []
        self.notes_at_injection: list[int] = []
        self.fails = 0
        self.cannot = ""

    async def plan(
        self, fault: str, service: Service, plan_id: str, options: Any = None, for_s: float = 0.0
    ) -> Plan:
        self.asked = (options, for_s)
        if fault == "stop_dependency":
            return StopDependency(id=plan_id, service=service.name, fault=fault, dependency="model")
        return Freeze(id=plan_id, service=service.name, fault=fault, pid=7, started_at=1.0)

    async def inject(self, plan: Plan) -> str:
        self.notes_at_injection.append(len(list(self.folder.glob("*.json"))))
        if self.cannot:
            raise PlatformError(self.cannot)
        self.log.append(f"inject {plan.service}")
        return "frozen"

    async def undo(self, plan: Plan) -> str:
        if self.fails:
            self.fails -= 1
            raise PlatformError("not now")
        self.log.append(f"revert {plan.service}")
        return "thawed"

    async def verify(self, plan: Plan) -> str:
        return self.left


@pytest.fixture
def hands(tmp_path: Path) -> FakeFaults:
    return FakeFaults(tmp_path / "chaos")


def stage(hands: FakeFaults) -> Stage:
    services = [service("shop", depends_on=("model",)), service("model"), service("other")]
    on = Stage(
        lambda on: ChaosController(on.world, hands.ground, hands), services, state_dir=hands.folder.parent
    )
    on.world.no_chaos = lambda: ""
    on.runner.listeners.append(lambda record: answer(on, record.results))
    return on


def answer(on: Stage, facts: Any) -> None:
    """As the act gate does, unless it was told to refuse."""
    for fact in facts:
        if not isinstance(fact, ActProposed):
            continue
        said: Any = FixStarted(
            fix=fact.what,
            agent=fact.agent,
            cause_name=fact.kind,
            culprit=fact.service,
            deadline_s=fact.deadline_s,
            kind="chaos",
        )
        if fact.service in REFUSED:
            said = FixRefused(fix=fact.what, limit="paused", reason="paused by ann", final=True)
        asyncio.get_running_loop().call_soon(on.runner.record, "act_gate", fact, [said], None)


def notes(hands: FakeFaults) -> int:
    return len(list(hands.folder.glob("*.json")))


@contextmanager
def refused(why: str) -> Iterator[None]:
    with pytest.raises(FaultRefused, match=why):
        yield


async def test_a_fault_is_undone_when_its_time_is_over(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        injected = await on.agent.inject("freeze", "shop", 5.0)
        await asyncio.sleep(4.9)
        assert hands.log == ["inject shop"]
        await asyncio.sleep(0.2)
        assert hands.log == ["inject shop", "revert shop"]
        assert on.said(FaultInjected) == [injected]
        assert [(r.service, r.fault, r.detail) for r in on.said(FaultReverted)] == [
            ("shop", "freeze", "thawed")
        ]
        assert notes(hands) == 0


async def test_the_way_back_is_on_disk_before_the_fault_is_in(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 5.0)
        assert hands.notes_at_injection == [1]


async def test_what_a_killed_daemon_left_behind_is_undone_at_the_next_start(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("stop_dependency", "shop", 60.0)
    assert hands.log == ["inject shop"]
    async with stage(hands) as on:
        await asyncio.sleep(0.1)
        assert hands.log == ["inject shop", "revert shop"]
        assert notes(hands) == 0
        [reverted] = on.said(FaultReverted)
        assert reverted.detail == "left behind by an earlier life of the daemon: thawed"


async def test_the_end_of_the_daemon_undoes_what_is_in(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 60.0)
    assert (hands.log, notes(hands)) == (["inject shop", "revert shop"], 0)


async def test_an_undo_that_fails_is_tried_again_and_its_note_stays(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        hands.fails = 2
        await on.agent.inject("freeze", "shop", 5.0)
        await asyncio.sleep(40)
        assert (hands.log, notes(hands)) == (["inject shop"], 1)
        await asyncio.sleep(30)
        assert (hands.log, notes(hands)) == (["inject shop", "revert shop"], 0)


async def test_a_fault_that_cannot_be_made_leaves_nothing_behind(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        hands.cannot = "no permission"
        with refused("could not be made: no permission"):
            await on.agent.inject("freeze", "shop", 5.0)
        assert (hands.log, notes(hands)) == (["revert shop"], 0)
        assert on.said(FaultInjected) == []


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("melt", "shop", 5.0), "there is no fault 'melt'; there are: kill, freeze"),
        (("freeze", "nobody", 5.0), "no service is called 'nobody'"),
        (("freeze", "shop", 0.0), "more than 0 s and at most 600 s"),
        (("freeze", "shop", 601.0), "more than 0 s and at most 600 s"),
        (("freeze", "shop", float("nan")), "more than 0 s and at most 600 s"),
    ],
)
async def test_nonsense_is_refused_with_a_sentence(hands: FakeFaults, asked: Any, why: str) -> None:
    async with stage(hands) as on:
        with refused(why):
            await on.agent.inject(*asked)


async def test_a_service_has_one_fault_at_a_time(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 5.0)
        with refused("shop has the fault freeze already"):
            await on.agent.inject("kill", "shop", 5.0)
        await asyncio.sleep(6)
        await on.agent.inject("freeze", "shop", 5.0)


async def test_a_dry_run_touches_nothing(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        on.world.dry_run = True
        with refused("dry run"):
            await on.agent.inject("freeze", "shop", 5.0)


async def test_a_dependency_that_an_operator_stopped_meanwhile_stays_stopped(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("stop_dependency", "shop", 5.0)
        on.say(OperatorCommanded(command="stop", service="model"))
        await asyncio.sleep(6)
        assert hands.log == ["inject shop"]
        assert on.said(FaultReverted)[0].detail == "an operator stopped model, so it stays"


async def test_a_damaged_note_is_set_aside_and_stops_nobody(hands: FakeFaults) -> None:
    hands.folder.mkdir()
    (hands.folder / "a.json").write_bytes(b"{")
    (hands.folder / "b.saved").write_bytes(b"copy of a file that was never damaged")
    (hands.folder / "c.new").write_bytes(b"a note that was only begun")
    async with stage(hands) as on:
        await asyncio.sleep(0.1)
        await on.agent.inject("freeze", "shop", 5.0)
    assert sorted(path.name for path in hands.folder.iterdir()) == ["a.corrupt"]


async def test_nothing_is_broken_that_the_act_gate_does_not_permit(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        REFUSED.add("shop")
        try:
            with refused("paused by ann"):
                await on.agent.inject("freeze", "shop", 5.0)
        finally:
            REFUSED.clear()
        assert hands.log == []
        assert notes(hands) == 0


async def test_the_planned_act_ends_when_its_fault_is_undone(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 5.0)
        await asyncio.sleep(4.0)
        assert on.said(FixApplied) == []
        await asyncio.sleep(2.0)
        assert [told.outcome for told in on.said(FixApplied)] == ["done"]


async def test_a_fault_that_our_crash_interrupted_is_undone_and_not_made_again(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 50.0)
        await on.crash()
        await asyncio.sleep(1.0)
        assert hands.log == ["inject shop", "revert shop"]
        assert [told.outcome for told in on.said(FixApplied)] == ["failed"]


async def test_an_undo_that_does_not_show_in_the_world_is_no_undo(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 5.0)
        hands.left = "process 7 is still stopped"
        await asyncio.sleep(20)
        assert (on.said(FaultReverted), notes(hands)) == ([], 1)
        assert on.agent.active()[0]["problem"] == "undone, but process 7 is still stopped"
        hands.left = ""
        await asyncio.sleep(31)
        assert (len(on.said(FaultReverted)), notes(hands), on.agent.active()) == (1, 0, [])


async def test_a_fault_ends_when_somebody_says_so(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 300.0)
        await on.agent.inject("freeze", "model", 300.0)
        assert await on.agent.end("shop") == []
        assert hands.log == ["inject shop", "inject model", "revert shop"]
        assert on.said(FaultReverted)[0].detail == "somebody ended it: thawed"
        hands.fails = 1
        assert await on.agent.end() == ["freeze on model: not now"]
        await asyncio.sleep(31)
        assert (on.agent.active(), notes(hands)) == ([], 0)


async def test_what_was_asked_for_reaches_the_fault(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "shop", 5.0, {"percent": 3})
        assert hands.asked == ({"percent": 3}, 5.0)


async def test_a_fault_that_reaches_further_than_it_was_to_is_undone_at_once(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "model", 300.0)
        hands.ground.ill = lambda: {"model", "shop"}  # the shop depends on the model
        await asyncio.sleep(5)
        assert hands.log == ["inject model"]
        hands.ground.ill = lambda: {"model", "other"}
        await asyncio.sleep(1)
        assert hands.log == ["inject model", "revert model"]
        assert (
            "aborted, as other fell ill, which the fault was not to reach" in on.said(FaultReverted)[0].detail
        )


async def test_a_breach_of_the_error_budget_ends_every_fault(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        await on.agent.inject("freeze", "model", 300.0)
        hands.ground.ill = lambda: {"model", "shop"}
        await asyncio.sleep(59)  # twice that is ill
        assert hands.log == ["inject model"]
        await asyncio.sleep(3)
        assert hands.log == ["inject model", "revert model"]
        assert "more than the error budget of 120 s" in on.said(FaultReverted)[0].detail
        hands.ground.ill = frozenset
        await asyncio.sleep(1)
        await on.agent.inject("freeze", "model", 300.0)  # a new one has a budget of its own
        await asyncio.sleep(30)
        assert hands.log[-1] == "inject model"


async def test_who_was_ill_before_spends_nothing(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        hands.ground.ill = lambda: {"other"}
        await on.agent.inject("freeze", "model", 200.0)
        await asyncio.sleep(190)
        assert hands.log == ["inject model"]


async def test_without_the_switch_nothing_is_broken(hands: FakeFaults) -> None:
    async with stage(hands) as on:
        on.world.no_chaos = World(config=Config(), fixes={}).no_chaos
        with refused("only made where CHAOS_ENABLED=true"):
            await on.agent.inject("freeze", "shop", 5.0)


@pytest.mark.parametrize(
    ("config", "settings", "environ", "by"),
    [
        (Config(production=True), Settings(chaos_enabled=True), {}, '"production": true'),
        (Config(), Settings(chaos_enabled=True, render_mode=True), {}, "RENDER_MODE=true"),
        (Config(), Settings(chaos_enabled=True), {"RENDER": "true"}, "RENDER is set"),
    ],
)
def test_production_needs_a_second_switch(
    config: Config, settings: Settings, environ: dict[str, str], by: str
) -> None:
    assert f"({by})" in why_no_chaos(settings, config, environ)
    both = msgspec.structs.replace(settings, chaos_in_production=True)
    assert why_no_chaos(both, config, environ) == ""
    second_alone = msgspec.structs.replace(both, chaos_enabled=False)
    assert "CHAOS_ENABLED=true" in why_no_chaos(second_alone, config, environ)
