"""An agent of our own that was given up, or fell silent, is an incident and is healed by the chain."""

import asyncio
from typing import Any

import pytest

from agents.agent import Traits
from agents.events import (
    CauseFound,
    FixApplied,
    FixStarted,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    OperatorCommanded,
)
from config.model import Config
from scripts.team import Member
from scripts.views import DaemonView
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.integration.daemon.test_giving_up import DiesAtOnce
from utils.event import Event

FEW = Config(services=(service("db"), service("api", depends_on=("db",))))
BAD = "nightwarden:bad"
GIVEN_UP_S = 360.0


class Dies(DiesAtOnce):
    """At once, for its first `doomed` lives."""

    lives = 0
    doomed = 31

    async def run(self, outlet: Any) -> None:
        type(self).lives += 1
        await asyncio.sleep(0.0 if self.lives <= self.doomed else 1e9)
        raise RuntimeError("not yet")


class FallsSilent(DiesAtOnce):
    """Its first `stuck` lives hang on the first fact, so that those behind it wait."""

    consumes: tuple[type[Event], ...] = (HealthChanged,)
    traits = Traits(deadline_s=1e6)
    lives_s = 1e9
    lives = 0
    stuck = 1

    async def run(self, outlet: Any) -> None:
        type(self).lives += 1
        await asyncio.sleep(1e9)

    async def handle(self, event: Any) -> Any:
        if self.lives <= self.stuck:
            await asyncio.Event().wait()
        return ()


def bad(kind: type[DiesAtOnce], **more: Any) -> VirtualDaemon:
    chosen = type(kind.__name__, (kind,), {"lives": 0, **more})
    return VirtualDaemon(FEW, more=[Member("bad", chosen, optional=True)])


def of_bad(virtual: VirtualDaemon, kind: type[Any]) -> list[Any]:
    return virtual.facts(kind, BAD)


async def test_an_agent_that_was_given_up_is_healed_once_it_can_live() -> None:
    async with bad(Dies) as virtual:
        await asyncio.sleep(GIVEN_UP_S)
        [opened] = of_bad(virtual, IncidentOpened)
        assert opened.symptom == "given_up"
        assert "bad died too often" in opened.reason
        [found] = of_bad(virtual, CauseFound)
        assert (found.best.name, found.best.service) == ("crash", BAD)
        assert [(act.fix, act.agent) for act in of_bad(virtual, FixStarted)] == [
            ("restart_agent", "application_recovery")
        ]
        assert await virtual.until(virtual.well, within_s=30.0)
        assert [closed.outcome for closed in of_bad(virtual, IncidentClosed)] == ["healed"]
        assert virtual.failures == []


async def test_an_agent_that_fell_silent_is_healed() -> None:
    async with bad(FallsSilent) as virtual:
        await asyncio.sleep(55.0)
        assert of_bad(virtual, IncidentOpened) == []
        assert await virtual.until(lambda: bool(of_bad(virtual, IncidentClosed)), within_s=40.0)
        assert of_bad(virtual, IncidentOpened)[0].symptom == "silent"
        assert of_bad(virtual, CauseFound)[0].best.name == "hang"
        assert of_bad(virtual, IncidentClosed)[0].outcome == "healed"
        assert await virtual.until(virtual.well, within_s=1.0)


async def test_what_cannot_be_healed_is_told_and_tried_ever_more_rarely() -> None:
    async with bad(Dies, doomed=10**9) as virtual:
        assert await virtual.until(lambda: bool(of_bad(virtual, IncidentEscalated)), GIVEN_UP_S + 10.0)
        await asyncio.sleep(1440.0)
        assert len(of_bad(virtual, IncidentOpened)) == 1
        assert of_bad(virtual, IncidentEscalated)
        acts = of_bad(virtual, FixStarted)
        assert 4 <= len(acts) <= 6
        assert acts[-1].at > 1000.0
        assert any("needs a person" in line for line in virtual.told)
        assert virtual.failures == []
        assert virtual.daemon is not None
        [above] = [s for s in virtual.daemon.supervisors if s.name == "optional"]
        assert above.restarts == {}


async def test_nobody_is_restarted_while_acting_is_paused() -> None:
    async with bad(Dies) as virtual:
        assert virtual.daemon is not None
        virtual.daemon.runner.say("operator", [OperatorCommanded(command="pause", by="test")])
        await asyncio.sleep(2 * GIVEN_UP_S)
        assert of_bad(virtual, IncidentOpened)
        assert of_bad(virtual, FixStarted) == []
        virtual.daemon.runner.say("operator", [OperatorCommanded(command="resume", by="test")])
        assert await virtual.until(virtual.well, within_s=30.0)


@pytest.mark.parametrize("after_s", [0.0, 0.2, 5.0])
async def test_a_new_process_is_a_new_life_for_all_agents(after_s: float) -> None:
    async with bad(Dies) as virtual:
        assert await virtual.until(lambda: bool(of_bad(virtual, FixStarted)), within_s=GIVEN_UP_S)
        await asyncio.sleep(after_s)
        virtual.kill()
        await virtual.start()
        assert await virtual.until(virtual.well, within_s=30.0)
        assert len(of_bad(virtual, FixStarted)) == len(of_bad(virtual, FixApplied)) == 1
        assert of_bad(virtual, IncidentClosed)[0].outcome == "passed_by_itself"
        assert virtual.state("act_gate").open_acts == {}


async def test_the_view_says_which_agent_is_given_up_and_what_is_done_about_it() -> None:
    async with bad(Dies, doomed=10**9) as virtual:
        await asyncio.sleep(2 * GIVEN_UP_S)
        assert virtual.daemon is not None
        view = DaemonView(virtual.daemon, observer=None)  # type: ignore[arg-type]  # what it saw is not asked for
        shown = {item["name"]: item for item in view.agents()}
        [incident] = view.incidents()
        assert shown["bad"]["status"] == "given_up"
        assert shown["bad"]["open_incident"] == incident["id"]
        assert incident["service"] == BAD
        assert (shown["notifier"]["status"], shown["notifier"]["open_incident"]) == ("running", None)
