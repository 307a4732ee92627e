"""An agent that always fails is given up in bounded time: alone where it is optional, else with the whole process."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct, field

from agents.agent import Agent, Outlet, Traits
from agents.events import OperatorCommanded, Tick
from agents.supervisor import RestartLimitError
from config.model import Config
from scripts.team import Member
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from utils.event import Event

FEW = Config(services=(service("db"), service("api", depends_on=("db",))))


class Nothing(Struct):
    none: dict[str, str] = field(default_factory=dict)


class DiesAtOnce:
    name = "bad"
    consumes: tuple[type[Event], ...] = (OperatorCommanded,)
    emits: tuple[type[Event], ...] = ()
    traits = Traits()
    lives_s = 0.0

    def __init__(self) -> None:
        self.state = Nothing()

    async def run(self, outlet: Outlet) -> None:
        await asyncio.sleep(self.lives_s)
        raise RuntimeError("it cannot live")

    def handle(self, event: Any) -> Any:
        return ()

    def apply(self, fact: Any) -> None: ...


class LivesAMinute(DiesAtOnce):
    consumes = (Tick,)
    lives_s = 60.0


class Learns(DiesAtOnce):
    """Dies at once for a while, and never again."""

    lives = 0

    async def run(self, outlet: Outlet) -> None:
        type(self).lives += 1
        await asyncio.sleep(0.0 if self.lives <= 20 else 1e9)
        raise RuntimeError("not yet")


@pytest.mark.parametrize("kind", [DiesAtOnce, LivesAMinute])
async def test_an_agent_that_always_fails_alone_ends_the_process_within_the_hour(
    kind: Callable[[], Agent],
) -> None:
    async with VirtualDaemon(FEW, more=[Member("bad", kind)]) as virtual:
        assert await virtual.until(virtual.died.is_set, within_s=3600.0)
        [end] = virtual.failures
        assert isinstance(end, RestartLimitError)
        assert "bad died too often" in str(end.__cause__)


async def test_an_agent_that_has_found_its_feet_ends_nothing() -> None:
    async with VirtualDaemon(FEW, more=[Member("bad", Learns)]) as virtual:
        await asyncio.sleep(900.0)
        assert Learns.lives == 21
        assert virtual.failures == []


async def test_an_optional_agent_that_is_given_up_takes_nobody_with_it() -> None:
    async with VirtualDaemon(FEW, more=[Member("bad", DiesAtOnce, optional=True)]) as virtual:
        await asyncio.sleep(900.0)
        virtual.faults.kill("db")
        await asyncio.sleep(0.1)
        by_service = virtual.state("render_self_healing_agent").by_service
        assert await virtual.until(lambda: "db" not in by_service, within_s=5.0)
        assert virtual.failures == []
        assert virtual.daemon is not None
        starts = {name: cell.counters.starts for name, cell in virtual.daemon.runner.cells.items()}
        del starts["bad"]
        assert set(starts.values()) == {1}
