"""An agent that raises, hangs, floods or ignores cancellation harms itself alone."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from msgspec import Struct, field

from agents.agent import Agent, Outlet, Traits
from agents.events import (
    AnomalyDetected,
    EventQuarantined,
    FixApplied,
    HealthChanged,
    IncidentClosed,
    OperatorCommanded,
    ProbeObserved,
    Tick,
)
from agents.render_self_healing_agent import RenderSelfHealingAgent
from agents.supervisor import Child
from config.model import Config
from scripts.daemon import Daemon
from scripts.team import Member
from tests.fixtures.daemon_audit import audit
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from utils.event import Event

FEW = Config(services=(service("db"), service("api", depends_on=("db",))))


class Nothing(Struct):
    none: dict[str, str] = field(default_factory=dict)


class Raises:
    """At every fact."""

    name = "bad"
    consumes: tuple[type[Event], ...] = (HealthChanged,)
    emits: tuple[type[Event], ...] = ()
    traits = Traits(optional=True)

    def __init__(self) -> None:
        self.state = Nothing()

    def handle(self, event: Any) -> Any:
        raise RuntimeError("a bug")

    def apply(self, fact: Any) -> None: ...


class RaisesOnTicks(Raises):
    consumes = (Tick,)


class Floods(Raises):
    consumes = (Tick,)

    def handle(self, event: Any) -> Any:
        return [ProbeObserved(service="nobody", ok=True) for _ in range(500)]


class FloodsFacts(Raises):
    consumes = (Tick,)

    def handle(self, event: Any) -> Any:
        return [
            AnomalyDetected(service="nobody", metric="m", value=1.0, expected=0.0, sigmas=9.0)
            for _ in range(100)
        ]


class Hangs(Raises):
    traits = Traits(optional=True, deadline_s=5.0)

    async def handle(self, event: Any) -> Any:
        await asyncio.Event().wait()


class IgnoresCancellation(Raises):
    traits = Traits(optional=True, deadline_s=5.0)

    async def handle(self, event: Any) -> Any:
        for _ in range(20):
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                continue
        return ()


class DiesAtOnce(Raises):
    consumes = (OperatorCommanded,)

    async def run(self, outlet: Outlet) -> None:
        raise RuntimeError("it cannot live")


class WouldNotStop(DiesAtOnce):
    async def run(self, outlet: Outlet) -> None:
        for _ in range(20):
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                continue


async def heals(virtual: VirtualDaemon) -> None:
    """Each of five crashes, as quickly as ever; far enough apart to be no relapses."""
    for n in range(5):
        await asyncio.sleep(35.0)
        virtual.faults.kill(("db", "api")[n % 2])
        await asyncio.sleep(0.1)
        assert await virtual.until(
            lambda: not virtual.state("render_self_healing_agent").by_service, within_s=5.0
        )
    assert virtual.failures == []


BAD = (Raises, RaisesOnTicks, Floods, FloodsFacts, Hangs, IgnoresCancellation, DiesAtOnce, WouldNotStop)


@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.__name__)
async def test_siblings_of_a_bad_agent_heal_as_if_it_were_not_there(
    kind: Callable[[], Agent], optional: bool
) -> None:
    async with VirtualDaemon(FEW, more=[Member("bad", kind, optional=optional)]) as virtual:
        await heals(virtual)
        others = {name: cell for name, cell in virtual.daemon.runner.cells.items() if name != "bad"}
        assert all(cell.counters.failed == cell.counters.quarantined == 0 for cell in others.values())


async def test_what_an_agent_fails_on_three_times_is_quarantined_and_told() -> None:
    async with VirtualDaemon(FEW, more=[Member("bad", Raises, optional=True)]) as virtual:
        await asyncio.sleep(60.0)
        quarantined = virtual.facts(EventQuarantined)
        assert {fact.agent for fact in quarantined} == {"bad"}
        assert any("bad failed on HealthChanged" in line for line in virtual.told)
        assert virtual.daemon is not None
        cell = virtual.daemon.runner.cells["bad"]
        assert cell.counters.failed == 3 * len(quarantined)
        assert cell.counters.starts == 1 + len(quarantined) // 3


async def test_an_act_whose_outcome_its_owner_fails_on_is_verified_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(owner: RenderSelfHealingAgent, applied: FixApplied) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(RenderSelfHealingAgent, "_on_applied", fails)
    async with VirtualDaemon(FEW) as virtual:
        await virtual.until(virtual.well, 20.0)
        virtual.faults.kill("db")
        await asyncio.sleep(1.0)
        assert await virtual.until(virtual.well, within_s=30.0)
        assert [fact.outcome for fact in virtual.facts(IncidentClosed)] == ["healed"]
        assert {fact.kind for fact in virtual.facts(EventQuarantined)} == {"FixApplied"}
        virtual.faults.kill("db")
        await asyncio.sleep(1.0)
        assert await virtual.until(virtual.well, within_s=30.0)


async def test_a_hanging_handling_is_given_up_after_its_deadline() -> None:
    async with VirtualDaemon(FEW, more=[Member("bad", IgnoresCancellation, optional=True)]) as virtual:
        await asyncio.sleep(60.0)
        assert virtual.daemon is not None
        counters = virtual.daemon.runner.cells["bad"].counters
        assert counters.abandoned == counters.failed >= 3
        assert any("no result within 5 s" in fact.error for fact in virtual.facts(EventQuarantined))


@pytest.mark.parametrize("seed", range(12))
async def test_agents_that_die_in_the_middle_of_healing_lose_and_double_nothing(seed: int) -> None:
    random = Random(seed)
    async with VirtualDaemon(FEW, seed=seed, snapshot_s=random.choice((0.3, 5.0))) as virtual:
        await virtual.until(virtual.well, 20.0)
        assert virtual.daemon is not None
        names = list(virtual.daemon.runner.cells)
        for _ in range(12):
            name = random.choice(("db", "api"))
            if virtual.world.leader(name) is not None:
                random.choice((virtual.faults.kill, virtual.faults.hang, virtual.faults.fail))(name)
            await asyncio.sleep(random.choice((0.0, random.uniform(0.0, 3.0))))
            virtual.daemon.kill(random.choice(names), "chaos")
            await asyncio.sleep(random.uniform(5.0, 15.0))
        assert await virtual.until(virtual.well, 900.0)
        await asyncio.sleep(0.5)
        assert audit(virtual) == []


class WithBrokenExtra(VirtualDaemon):
    """Something beside the agents, as the view in the terminal, fails for ever."""

    def _make(self) -> Daemon:
        async def broken() -> None:
            await asyncio.sleep(0.2)
            raise RuntimeError("it cannot draw")

        daemon = super()._make()
        daemon.extras.append(Child(name="terminal", start=broken))
        return daemon


async def test_what_stands_beside_the_agents_fails_alone() -> None:
    async with WithBrokenExtra(FEW) as virtual:
        await heals(virtual)
        assert virtual.daemon is not None
        assert {cell.counters.starts for cell in virtual.daemon.runner.cells.values()} == {1}
