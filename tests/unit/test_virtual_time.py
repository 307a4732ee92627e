"""The virtual clock itself."""

import asyncio

import pytest

from tests.fixtures.virtual_time import DeadlockError, VirtualLoop


async def test_a_day_of_sleep_takes_no_time() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(86400)
    assert loop.time() - before == pytest.approx(86400)


def test_waiting_for_nothing_fails_at_once() -> None:
    loop = VirtualLoop()
    with pytest.raises(DeadlockError):
        loop.run_until_complete(loop.create_future())
    loop.close()
