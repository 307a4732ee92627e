"""Silence of an agent is seen and ended."""

import asyncio
import contextlib

from agents.events import FileDamaged
from agents.running.life import Life
from agents.running.runner import Runner
from agents.running.silence import Silence
from tests.fixtures.memory_journal import MemoryJournal, NoPage
from tests.fixtures.toy_agents import Plain, settle


def make() -> tuple[Runner, list[str], Silence]:
    runner = Runner(MemoryJournal(), asyncio.get_event_loop().time, NoPage())
    killed: list[str] = []
    return runner, killed, Silence(runner.cells, lambda name, _: killed.append(name), runner.now)


async def test_an_agent_that_leaves_a_fact_waiting_is_made_to_die() -> None:
    runner, killed, silence = make()
    runner.add(Plain)  # nobody runs it
    runner.say("eyes", [FileDamaged(path="a", problem="x")])
    task = asyncio.create_task(silence.run())
    await asyncio.sleep(59)
    assert killed == []
    await asyncio.sleep(11)
    assert killed == ["plain"]
    task.cancel()


async def test_an_agent_that_works_is_left_alone_however_much_comes() -> None:
    runner, killed, silence = make()
    cell = runner.add(Plain)
    tasks = [asyncio.create_task(silence.run()), asyncio.create_task(Life(runner, cell).run())]
    for n in range(200):
        runner.say("eyes", [FileDamaged(path=str(n), problem="x")])
        await asyncio.sleep(1)
    assert killed == []
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)


async def test_time_in_which_nobody_looked_is_not_held_against_an_agent() -> None:
    runner, killed, silence = make()
    runner.add(Plain)
    runner.say("eyes", [FileDamaged(path="a", problem="x")])
    silence.look()
    await asyncio.sleep(3600)  # frozen
    silence.look()
    await settle()
    assert killed == []
