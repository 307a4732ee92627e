"""The runner: one record a handling, replay equals life, failures are retried, then quarantined."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import force_setattr

from agents.agent import Traits
from agents.events import ChangeObserved, EventQuarantined, FileDamaged, FileRepaired, ProbeObserved
from agents.running.life import AgentFailingError, Life
from agents.running.runner import Runner, fact_id
from tests.fixtures.memory_journal import MemoryJournal, NoPage
from tests.fixtures.toy_agents import Hands, Plain, act, settle
from utils.event import Record


def make() -> Runner:
    return Runner(MemoryJournal(), asyncio.get_event_loop().time, NoPage())


@contextlib.asynccontextmanager
async def living(*lives: Life) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(life.run()) for life in lives]
    await settle()
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def records(runner: Runner) -> list[Any]:
    return runner.journal.records  # type: ignore[attr-defined]  # the tests' journal is a list


async def test_one_handling_is_one_record_with_hashed_ids_and_inherited_incident() -> None:
    runner = make()
    cell = runner.add(Plain)
    async with living(Life(runner, cell)):
        runner.say("eyes", [FileDamaged(service="shop", incident="i1", path="p", problem="x")])
        await settle()
    outside, handling = records(runner)
    [repaired] = handling.results
    assert outside.handled == ""
    assert (handling.agent, handling.handled) == ("plain", outside.results[0].id)
    assert repaired.id == fact_id(outside.results[0].id, "plain", 0)
    assert (repaired.cause, repaired.incident, repaired.service) == (outside.results[0].id, "i1", "shop")


async def test_state_rebuilt_from_the_journal_equals_the_state_that_lived() -> None:
    runner = make()
    cell = runner.add(Plain)
    async with living(Life(runner, cell)):
        for n in range(5):
            runner.say("eyes", [FileDamaged(path=str(n), problem="x")])
            await settle()
    lived = cell.agent.state
    runner.rebuild(cell, None, None)
    assert cell.agent.state == lived
    assert len(cell.inbox) == 0


async def test_what_was_offered_and_not_handled_is_offered_again_after_a_restart() -> None:
    runner = make()
    cell = runner.add(Plain)
    runner.say("eyes", [FileDamaged(path="a", problem="x")])
    header = cell.mark()
    assert header.unhandled == (records(runner)[0].results[0].id,)
    assert header.since == 1
    runner.rebuild(cell, cell.agent.state, header)
    assert len(cell.inbox) == 1
    async with living(Life(runner, cell)):
        await settle()
    assert [r.agent for r in records(runner)] == ["eyes", "plain"]


async def test_a_failed_handling_is_tried_after_1_and_10_s_then_quarantined() -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    def trouble(event: Any) -> None:
        times.append(loop.time())
        raise ValueError(event.path)

    runner = make()
    cell = runner.add(lambda: Plain(trouble))
    async with living(Life(runner, cell)):
        runner.say("eyes", [FileDamaged(path="a", problem="x")])
        await asyncio.sleep(60)
    assert [round(t - times[0]) for t in times] == [0, 1, 11]
    [told] = records(runner)[-1].results
    assert isinstance(told, EventQuarantined)
    assert "ValueError" in told.error
    runner.rebuild(cell, None, None)
    assert len(cell.inbox) == 0  # replay skips it too
    assert [seen.what for seen in cell.agent.state.seen.values()] == ["EventQuarantined"]


async def test_three_quarantines_in_a_row_mean_the_agent() -> None:
    def trouble(_: Any) -> None:
        raise ValueError

    runner = make()
    cell = runner.add(lambda: Plain(trouble))
    async with living(Life(runner, cell)) as [task]:
        for n in range(3):
            runner.say("eyes", [FileDamaged(path=str(n), problem="x")])
        await asyncio.sleep(60)
        assert isinstance(task.exception(), AgentFailingError)


async def test_a_failed_sample_is_counted_and_never_retried() -> None:
    def trouble(event: Any) -> None:
        if event.service == "bad":
            raise ValueError

    runner = make()
    cell = runner.add(lambda: Plain(trouble))
    async with living(Life(runner, cell)):
        runner.publish([ProbeObserved(ok=True, service=s) for s in ("a", "bad", "b")])
        await settle()
    assert cell.agent.samples == 2  # type: ignore[attr-defined]
    assert cell.counters.samples_failed == 1


async def test_hands_wait_for_the_disk_and_work_in_lanes() -> None:
    running: set[str] = set()
    most: list[int] = []

    async def work(event: Any) -> None:
        assert event.service not in running, "two acts of one service at once"
        running.add(event.service)
        most.append(len(running))
        await asyncio.sleep(1)
        running.discard(event.service)

    runner = make()
    cell = runner.add(lambda: Hands(work))
    async with living(Life(runner, cell)):
        for service in ("a", "a", "b", "c"):
            runner.say("gate", [act(service)])
        await asyncio.sleep(10)
    assert max(most) == 3
    assert cell.counters.handled == 4
    assert set(runner.journal.waited_for) == {1, 2, 3, 4}  # type: ignore[attr-defined]


async def test_urgent_facts_pass_a_lane_that_is_held() -> None:
    seen: list[str] = []

    async def work(event: Any) -> None:
        if isinstance(event, ChangeObserved):
            seen.append("urgent")
        else:
            await asyncio.sleep(3)
            seen.append("act")

    runner = make()
    cell = runner.add(lambda: Hands(work))
    async with living(Life(runner, cell)):
        runner.say("gate", [act("a")])
        await settle()
        runner.say("eyes", [ChangeObserved(service="a", kind="config", what="x")])
        await asyncio.sleep(5)
    assert seen == ["urgent", "act"]


async def test_a_handler_that_ignores_cancellation_is_left_behind_and_counted() -> None:
    async def work(_: Any) -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(100)
                return

    runner = make()
    cell = runner.add(lambda: Hands(work, Traits(workers=2, attempts=1)))
    async with living(Life(runner, cell)):
        runner.say("gate", [act("a", deadline_s=1.0)])
        runner.say("gate", [act("b", deadline_s=1.0)])
        await asyncio.sleep(30)
        assert cell.counters.abandoned == 2
        assert cell.counters.quarantined == 2
        await asyncio.sleep(500)


async def test_an_event_that_was_in_hand_at_three_deaths_is_quarantined_but_an_act_never() -> None:
    done: list[str] = []

    async def work(event: Any) -> None:
        done.append(event.service)

    runner = make()
    plain, hands = runner.add(Plain), runner.add(lambda: Hands(work))
    runner.say("eyes", [FileDamaged(path="a", problem="x")])
    runner.say("gate", [act("b")])
    runner.deaths = {records(runner)[n].results[0].id: 3 for n in (0, 1)}
    async with living(Life(runner, plain), Life(runner, hands)):
        await settle()
    quarantined = [f for r in records(runner) for f in r.results if isinstance(f, EventQuarantined)]
    assert [q.agent for q in quarantined] == ["plain"]
    assert done == ["b"]


async def test_an_agent_does_not_hear_its_own_word_twice() -> None:
    class Echo(Plain):
        consumes = (FileDamaged, FileRepaired)

    runner = make()
    cell = runner.add(Echo)
    async with living(Life(runner, cell)):
        runner.say("eyes", [FileDamaged(path="a", problem="x")])
        await settle()
    assert len(records(runner)) == 2
    assert any(isinstance(f, FileRepaired) for f in records(runner)[1].results)


async def test_an_async_handle_that_wants_telemetry_is_refused() -> None:
    class Wrong(Hands):
        consumes = (ProbeObserved,)

    async def work(_: Any) -> None: ...

    with pytest.raises(TypeError, match="cannot consume telemetry"):
        make().add(lambda: Wrong(work))


async def test_a_flood_of_one_agent_leaves_time_to_others() -> None:
    runner = make()
    cell = runner.add(Plain)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while cell.counters.handled < 1000:
            await asyncio.sleep(0)
            turns += 1

    async with living(Life(runner, cell)):
        for n in range(1000):
            runner.say("eyes", [FileDamaged(path=str(n), problem="x")])
        task = asyncio.create_task(other())
        await asyncio.sleep(1)
        task.cancel()
    assert turns >= 10


class EncodingJournal(MemoryJournal):
    """Refuses what cannot be written, as the real one does."""

    def append(self, agent: str, handled: str, results: Sequence[Any]) -> Record:
        msgspec.json.encode(results)
        return super().append(agent, handled, results)


async def test_a_decision_that_cannot_be_written_is_a_failed_handling_and_quarantined() -> None:
    runner = Runner(EncodingJournal(), asyncio.get_event_loop().time, NoPage())
    cell = runner.add(Plain)
    async with living(Life(runner, cell)) as tasks:
        poison = FileDamaged(path="p", problem="x")
        runner.say("eyes", [poison])
        force_setattr(
            poison, "path", "\udc80"
        )  # as a file name that is no UTF-8; it comes back in the answer
        await asyncio.sleep(12)
        assert not tasks[0].done()
        assert cell.counters.failed == 3
    [quarantined] = records(runner)[-1].results
    assert (type(quarantined), quarantined.event) == (EventQuarantined, poison.id)
    assert len(cell.inbox) == 0


async def test_a_listener_that_fails_fails_nobody_else() -> None:
    runner = make()
    heard: list[int] = []

    def broken(_: Record) -> None:
        raise RuntimeError("cannot draw it")

    runner.listeners += [broken, lambda record: heard.append(record.position)]
    cell = runner.add(Plain)
    async with living(Life(runner, cell)) as tasks:
        runner.say("eyes", [FileDamaged(path="p", problem="x")])
        await settle()
        assert not tasks[0].done()
    assert heard == [1, 2]
