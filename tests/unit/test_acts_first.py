"""Between a permission and its act stands nobody who can wait, and one request to the disk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from agents.agent import Traits
from agents.events import FixStarted, IncidentOpened
from agents.running.life import Life
from agents.running.runner import Runner
from tests.fixtures.memory_journal import MemoryJournal, NoPage
from tests.fixtures.toy_agents import Hands, State, act, settle
from utils.bus import UNHURRIED_S
from utils.event import Event


class Gate:
    """Permits an act for each incident."""

    name = "gate"
    consumes: tuple[type[Event], ...] = (IncidentOpened,)
    emits: tuple[type[Event], ...] = (FixStarted,)
    traits = Traits()

    def __init__(self) -> None:
        self.state = State()

    def handle(self, event: Any) -> Sequence[Event]:
        return [act(event.service)] if event.symptom == "exit" else ()

    def apply(self, fact: Any) -> None: ...


class Thinker:
    """Hears of every act and thinks its part."""

    name = "thinker"
    consumes: tuple[type[Event], ...] = (FixStarted,)
    emits: tuple[type[Event], ...] = ()

    def __init__(self, traits: Traits) -> None:
        self.state = State()
        self.traits = traits
        self.heard: list[float] = []

    def handle(self, event: Any) -> Sequence[Event]:
        self.heard.append(asyncio.get_running_loop().time())
        return ()

    def apply(self, fact: Any) -> None: ...


class OtherHands(Hands):
    name = "other_hands"


async def nothing(_: Any) -> None: ...


def make() -> tuple[Runner, MemoryJournal]:
    journal = MemoryJournal()
    return Runner(journal, asyncio.get_event_loop().time, NoPage()), journal


@contextlib.asynccontextmanager
async def living(runner: Runner) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(Life(runner, cell).run()) for cell in runner.cells.values()]
    await settle()
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def opened(service: str, symptom: str = "exit") -> IncidentOpened:
    return IncidentOpened(service=service, symptom=symptom, reason="")


async def test_acts_that_are_permitted_together_are_hastened_together() -> None:
    runner, journal = make()
    runner.add(Gate)
    async with living(runner):
        runner.say("owner", [opened("a"), opened("b"), opened("c")])
        await settle()
    permitted = [record.position for record in journal.records if record.agent == "gate"]
    assert len(permitted) == 3
    assert journal.hastened_at == permitted[-1:]


async def test_nothing_is_hastened_where_nobody_is_about_to_act() -> None:
    runner, journal = make()
    runner.add(Gate)
    async with living(runner):
        runner.say("owner", [opened("a", "timeout")])
        await settle()
    assert journal.hastened_at == []


async def test_an_act_is_offered_to_the_hands_that_it_names_and_to_all_who_think() -> None:
    runner, journal = make()
    cells = {
        cell.name: cell
        for cell in (runner.add(lambda: Hands(nothing)), runner.add(lambda: OtherHands(nothing)))
    }
    thinker = runner.add(lambda: Thinker(Traits()))
    async with living(runner):
        runner.say("gate", [act("a")])
        await settle()
    assert [cells[name].counters.handled for name in ("hands", "other_hands")] == [1, 0]
    assert thinker.counters.handled == 1
    assert {record.agent for record in journal.records} == {"gate", "hands", "thinker"}


async def test_a_start_offers_an_open_act_to_nobody_else_either() -> None:
    runner, _ = make()
    mine, other = runner.add(lambda: Hands(nothing)), runner.add(lambda: OtherHands(nothing))
    runner.say("gate", [act("a")])
    for cell in (mine, other):
        runner.rebuild(cell, None, None)
    assert (len(mine.inbox), len(other.inbox)) == (1, 0)


async def test_who_can_wait_hears_a_moment_later_and_all_at_once() -> None:
    runner, _ = make()
    cell = runner.add(lambda: Thinker(Traits(later_s=0.05)))
    async with living(runner):
        began = asyncio.get_running_loop().time()
        runner.say("gate", [act("a")])
        await asyncio.sleep(0.03)
        runner.say("gate", [act("b")])
        await asyncio.sleep(0.03)
    heard = [at - began for at in cell.agent.heard]  # type: ignore[attr-defined]
    assert len(heard) == 2
    assert all(0.05 <= at < 0.06 for at in heard)


async def test_the_deadline_of_an_act_begins_when_the_disk_has_answered() -> None:
    class SlowJournal(MemoryJournal):
        async def durable(self, position: int) -> bool:
            await asyncio.sleep(3.0)
            return await super().durable(position)

    async def work(_: Any) -> None:
        await asyncio.sleep(0.9)

    runner = Runner(SlowJournal(), asyncio.get_event_loop().time, NoPage())
    cell = runner.add(lambda: Hands(work))
    async with living(runner):
        runner.say("gate", [act("a", deadline_s=1.0)])
        await asyncio.sleep(5.0)
    assert (cell.counters.handled, cell.counters.failed) == (1, 0)


class Unhurried(Thinker):
    name = "unhurried"
    consumes = (FixStarted, IncidentOpened)
    unhurried = (FixStarted,)

    def handle(self, event: Any) -> Sequence[Event]:
        self.order = [*getattr(self, "order", ()), type(event).__name__]
        return super().handle(event)


async def test_what_is_only_to_be_known_wakes_nobody_at_once_and_is_known_soon() -> None:
    runner, _ = make()
    cell = runner.add(lambda: Unhurried(Traits()))
    async with living(runner):
        for n in range(3):
            began = asyncio.get_running_loop().time()
            runner.say("gate", [act("a"), act("b")])
            await settle()
            assert cell.counters.handled == 2 * n
            await asyncio.sleep(2 * UNHURRIED_S)
            assert cell.counters.handled == 2 * n + 2
            heard = [at - began for at in cell.agent.heard[-2:]]  # type: ignore[attr-defined]
            assert all(UNHURRIED_S <= at < 1.1 * UNHURRIED_S for at in heard)


async def test_whatever_is_hurried_brings_what_was_not_along_in_order() -> None:
    runner, _ = make()
    cell = runner.add(lambda: Unhurried(Traits()))
    async with living(runner):
        runner.say("gate", [act("a")])
        runner.say("owner", [opened("a")])
        await settle()
        assert cell.agent.order == ["FixStarted", "IncidentOpened"]  # type: ignore[attr-defined]


async def test_what_came_before_a_life_began_is_handled_whatever_its_hurry() -> None:
    runner, _ = make()
    cell = runner.add(lambda: Unhurried(Traits()))
    runner.say("gate", [act("a")])
    async with living(runner):
        assert cell.counters.handled == 1
