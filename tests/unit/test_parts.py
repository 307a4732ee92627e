"""Parts of one whole: none of them ends alone."""

import asyncio

import pytest

from utils.parts import PartLostError, Parts


async def whole(tasks: list["asyncio.Task[None]"], *works: float | Exception) -> None:
    async def work(what: float | Exception) -> None:
        await asyncio.sleep(what if isinstance(what, float) else 1.0)
        if isinstance(what, Exception):
            raise what

    parts = Parts("the whole")
    async with asyncio.TaskGroup() as group:
        tasks += [group.create_task(parts.part(work(what))) for what in works]


async def test_a_part_that_is_cancelled_alone_ends_the_whole() -> None:
    tasks: list[asyncio.Task[None]] = []
    running = asyncio.create_task(whole(tasks, 60.0, 60.0))
    await asyncio.sleep(0.1)
    tasks[0].cancel()
    with pytest.raises(ExceptionGroup) as raised:
        await running
    assert [type(error) for error in raised.value.exceptions] == [PartLostError]
    assert tasks[1].cancelled()


async def test_a_whole_that_is_cancelled_is_cancelled() -> None:
    tasks: list[asyncio.Task[None]] = []
    running = asyncio.create_task(whole(tasks, 60.0, 60.0))
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_error_of_a_part_is_the_only_one() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await whole([], 60.0, ValueError("x"))
    assert [type(error) for error in raised.value.exceptions] == [ValueError]


async def test_a_part_may_have_done_its_work() -> None:
    await whole([], 0.5, 1.0)
