"""Agents that are given up or fall silent are told of, and started anew when a fix asks for it."""

import asyncio
import contextlib
from typing import Any, Self

import pytest

from agents.events import AgentHealthChanged, FileDamaged
from agents.running.care import Care
from agents.running.cell import Cell
from agents.running.life import Life
from agents.running.runner import Runner
from agents.supervisor import Child, Policy, Supervisor
from tests.fixtures.memory_journal import MemoryJournal, NoPage
from tests.fixtures.toy_agents import Plain, settle


class Ward:
    """One agent, whose supervisor runs it when told to, and whoever takes care of it."""

    def __init__(self, *, healer: bool = False) -> None:
        self.runner = Runner(MemoryJournal(), asyncio.get_event_loop().time, NoPage())
        self.cell: Cell = self.runner.add(Plain)
        self.killed: list[str] = []
        self.care = Care(self.runner, self._kill, lambda _: healer)
        self.supervisor = Supervisor("plain", Policy(), [Child(name="plain", start=self._live)])
        self._tasks = [asyncio.create_task(self.care.run())]
        self.dies_at_once = False

    def hang(self) -> None:
        """It lives, a fact comes, and nothing happens."""
        self.cell.began_at = self.runner.now() or 1.0
        self.say()

    async def _live(self) -> None:
        if self.dies_at_once:
            raise RuntimeError
        self.runner.rebuild(self.cell, None, None)
        await Life(self.runner, self.cell).run()

    def _kill(self, name: str, why: str) -> None:
        self.killed.append(name)
        self.supervisor.restart(name, why)

    def spawn(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    def say(self) -> None:
        self.runner.say("eyes", [FileDamaged(path="a", problem="x")])

    def told(self) -> list[tuple[str, str]]:
        records = self.runner.journal.records  # type: ignore[attr-defined]
        facts = [f for r in records for f in r.results if isinstance(f, AgentHealthChanged)]
        assert {fact.service for fact in facts} <= {"nightwarden:plain"}
        return [(fact.health, fact.symptom) for fact in facts]

    async def __aenter__(self) -> Self:
        await settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks)


async def test_an_agent_that_leaves_a_fact_waiting_is_told_of_and_left_to_the_fix() -> None:
    async with Ward() as ward:
        ward.hang()
        await asyncio.sleep(59)
        assert ward.told() == []
        await asyncio.sleep(600)
        assert ward.told() == [("unhealthy", "silent")]
        assert ward.killed == []


async def test_a_healer_that_leaves_a_fact_waiting_is_made_to_die() -> None:
    async with Ward(healer=True) as ward:
        ward.hang()
        await asyncio.sleep(71)
        assert ward.killed == ["plain"]
        assert ward.told() == []


async def test_an_agent_that_works_is_left_alone_however_much_comes() -> None:
    async with Ward() as ward:
        await asyncio.sleep(1)
        ward.spawn(ward.supervisor.run())
        for _ in range(200):
            ward.say()
            await asyncio.sleep(1)
        assert ward.told() == []
        assert ward.care.status("plain") == "running"


async def test_an_agent_that_is_behind_but_works_is_left_alone() -> None:
    async with Ward() as ward:
        ward.hang()
        for _ in range(60):
            ward.say()
            item = ward.cell.inbox.take()
            assert item is not None
            ward.cell.inbox.done(item)
            await asyncio.sleep(4)
        assert ward.told() == []


async def test_time_in_which_nobody_looked_is_not_held_against_an_agent() -> None:
    ward = Ward()
    ward.hang()
    ward.care.look()
    for task in ward._tasks:
        task.cancel()
    await asyncio.sleep(3600)  # frozen
    ward.care.look()
    assert ward.told() == []


async def test_a_silent_agent_that_is_started_anew_is_well_after_ten_calm_seconds() -> None:
    async with Ward() as ward:
        ward.hang()
        await asyncio.sleep(71)
        assert ward.care.status("plain") == "silent"
        ward.spawn(ward.supervisor.run())
        await asyncio.sleep(9)
        assert ward.told() == [("unhealthy", "silent")]
        assert ward.care.status("plain") == "silent"
        await asyncio.sleep(11)
        assert ward.told() == [("unhealthy", "silent"), ("healthy", "")]
        assert ward.care.status("plain") == "running"


async def test_who_waits_for_its_next_life_is_not_called_silent() -> None:
    async with Ward(healer=True) as ward:
        ward.say()
        await asyncio.sleep(600)
        assert (ward.told(), ward.killed) == ([], [])


async def test_a_new_life_that_is_silent_too_is_told_of_again() -> None:
    async with Ward() as ward:
        ward.hang()
        await asyncio.sleep(71)
        ward.cell.began_at = 71.0
        await asyncio.sleep(71)
        assert ward.told() == [("unhealthy", "silent")] * 2


async def test_an_agent_that_goes_on_failing_is_not_well() -> None:
    async with Ward() as ward:
        ward.hang()
        await asyncio.sleep(71)
        ward.spawn(ward.supervisor.run())
        for _ in range(10):
            await asyncio.sleep(4)
            ward.cell.counters.failed += 1
        assert ward.told() == [("unhealthy", "silent")]


async def test_an_agent_between_two_lives_is_not_well() -> None:
    async with Ward() as ward:
        ward.spawn(ward.care.given_up("plain", "it died too often"))
        await asyncio.sleep(20)
        ward.dies_at_once = True
        with pytest.raises(TimeoutError):
            await ward.care.restart("plain")
        await asyncio.sleep(60)
        assert ward.told() == [("down", "given_up")]


async def test_a_restart_takes_up_what_was_given_up() -> None:
    async with Ward() as ward:

        async def supervised() -> None:
            await ward.care.given_up("plain", "it died too often")
            await ward.supervisor.run()

        ward.spawn(supervised())
        await asyncio.sleep(30)
        assert ward.care.status("plain") == "given_up"
        assert ward.care.began_at("plain") == 0.0
        await ward.care.restart("plain")
        assert ward.care.began_at("plain") == pytest.approx(30.0)
        await asyncio.sleep(20)
        assert ward.told() == [("down", "given_up"), ("healthy", "")]
        assert ward.killed == []


async def test_a_restart_ends_a_living_agent_and_returns_with_its_next_life() -> None:
    async with Ward() as ward:
        ward.spawn(ward.supervisor.run())
        await asyncio.sleep(10)
        await ward.care.restart("plain")
        assert ward.care.began_at("plain") == pytest.approx(10.5)
        assert ward.cell.counters.starts == 2


async def test_who_waits_for_its_next_life_is_shown_as_restarting() -> None:
    async with Ward() as ward:
        await asyncio.sleep(1)
        ward.spawn(ward.supervisor.run())
        await asyncio.sleep(1)
        ward.supervisor.restart("plain", "test")
        await asyncio.sleep(0.2)
        assert ward.care.status("plain") == "restarting"
        await asyncio.sleep(0.5)
        assert ward.care.status("plain") == "running"


async def test_what_was_given_up_waits_for_no_facts() -> None:
    async with Ward() as ward:
        ward.spawn(ward.care.given_up("plain", "it died too often"))
        await settle()
        ward.say()
        await asyncio.sleep(200)
        assert ward.told() == [("down", "given_up")]


async def test_nobody_restarts_an_agent_that_does_not_run_here() -> None:
    async with Ward() as ward:
        with pytest.raises(LookupError):
            await ward.care.restart("another")
        assert ward.care.began_at("another") == 0.0
