"""The synthetic incident in a whole daemon: it passes, it finds who is stuck, and it is in nobody's record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.events import EventQuarantined, FixStarted, IncidentClosed, OperatorCommanded, SelfTested
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.render_self_healing_agent import RenderSelfHealingAgent
from config.model import Config
from scripts.daemon import Daemon
from scripts.drill import EVERY_S, FIRST_S, LONGEST_S, Drill
from scripts.goodness import Goodness
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

FEW = Config(services=(service("db"),))
ONE_ROUND_S = FIRST_S + LONGEST_S + 5.0


@asynccontextmanager
async def drilled() -> AsyncIterator[tuple[VirtualDaemon, Daemon, Drill]]:
    whole = VirtualDaemon(FEW)
    await whole.start()
    assert whole.daemon is not None
    drill = Drill(whole.daemon)
    running = asyncio.create_task(drill.run())
    try:
        yield whole, whole.daemon, drill
    finally:
        running.cancel()
        whole.kill()


def selftests(whole: VirtualDaemon) -> list[SelfTested]:
    return [fact for fact in whole.said if isinstance(fact, SelfTested)]


async def test_it_goes_from_the_symptom_to_the_verdict_every_five_minutes() -> None:
    async with drilled() as (whole, _, drill):
        await asyncio.sleep(FIRST_S + 2 * EVERY_S + LONGEST_S)
        assert [test.ok for test in selftests(whole)] == [True, True, True]
        assert all(test.seconds < 30.0 for test in selftests(whole))
        assert (drill.problem, drill.overdue_s()) == ("", 0.0)


async def test_nobody_learns_from_it_and_no_book_keeps_it() -> None:
    async with drilled() as (whole, daemon, _):
        await asyncio.sleep(ONE_ROUND_S)
        assert any(isinstance(fact, IncidentClosed) for fact in whole.said)
        cells = daemon.runner.cells
        owner, selector = cells["render_self_healing_agent"].agent, cells["intelligent_fix_selector"].agent
        assert isinstance(owner, RenderSelfHealingAgent)
        assert isinstance(selector, IntelligentFixSelector)
        assert owner.state.incidents == {}
        assert selector.state.rates == {}
        gate: Any = cells["act_gate"].agent
        assert (gate.state.trust, gate.state.spent, gate.state.failed) == ({}, {}, {})
        assert whole.told[1:] == []


@pytest.mark.parametrize("agent", ["rca_engine", "intelligent_fix_selector", "act_gate"])
async def test_whoever_does_nothing_on_the_way_is_found(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with drilled() as (whole, daemon, drill):
        monkeypatch.setattr(daemon.runner.cells[agent].agent, "handle", lambda _: ())
        await asyncio.sleep(ONE_ROUND_S)
        [test] = selftests(whole)
        assert not test.ok
        assert "got stuck" in drill.problem
        assert drill.problem in Goodness(daemon, drill).everything()
        monkeypatch.undo()
        await asyncio.sleep(4 * EVERY_S)
        assert drill.problem == "", "once it works again, so does the drill"
        assert not [fact for fact in whole.said if isinstance(fact, EventQuarantined)]


async def test_a_pause_holds_the_act_back_and_is_no_failure() -> None:
    async with drilled() as (whole, daemon, drill):
        daemon.runner.say("operator", [OperatorCommanded(command="pause", by="ann")])
        await asyncio.sleep(ONE_ROUND_S)
        [test] = selftests(whole)
        assert test.ok
        assert "paused by ann" in test.step
        assert not any(isinstance(fact, FixStarted) for fact in whole.said)
        assert drill.problem == ""


async def test_a_daemon_in_which_no_time_passes_is_not_well() -> None:
    async with drilled() as (_, daemon, drill):
        await asyncio.sleep(5.0)
        goodness = Goodness(daemon, drill, {"telegram": lambda: ""})
        assert goodness.everything() == []
        daemon.runner.cells["service_monitor"].agent.handle = lambda _: ()  # type: ignore[method-assign]
        daemon.runner.publish = lambda _: None  # type: ignore[method-assign]
        await asyncio.sleep(15.0)
        assert any("no tick" in problem for problem in goodness.inner())
        goodness.outer["telegram"] = lambda: "cannot be reached for 40 s"
        assert "telegram: cannot be reached for 40 s" in goodness.everything()
        assert "telegram: cannot be reached for 40 s" not in goodness.inner()
