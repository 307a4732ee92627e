"""A write that somebody is about to wait for begins before they do, and is the only one."""

import asyncio
import contextlib

from tests.fixtures.journal_kit import FOLDER, add, open_journal, positions, running
from tests.fixtures.simulated_disk import SimulatedDisk


def fsyncs(disk: SimulatedDisk) -> int:
    return sum(call.startswith("fsync ") for call in disk.trace)


async def test_what_is_hastened_is_on_its_way_before_anybody_waits() -> None:
    loop = asyncio.get_running_loop()
    async with running(open_journal(SimulatedDisk())) as journal:
        await asyncio.sleep(0)
        add(journal, 3)
        began = loop.time()
        journal.hasten()
        await asyncio.sleep(0.0008)
        assert await journal.durable(3)
        assert loop.time() - began < 0.0012, "the write takes 1 ms"


async def test_who_waits_for_what_is_under_way_begins_no_second_write() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        await asyncio.sleep(0)
        add(journal)
        journal.hasten()
        waiting = asyncio.create_task(journal.durable(1))
        await asyncio.sleep(0)
        add(journal)
        assert await waiting
        await asyncio.sleep(0.01)
        assert (journal.durable_to, fsyncs(disk)) == (1, 1)
        await asyncio.sleep(0.05)
        assert (journal.durable_to, fsyncs(disk)) == (2, 2)


async def test_who_waits_for_more_than_is_under_way_is_served_right_behind() -> None:
    loop, disk = asyncio.get_running_loop(), SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        await asyncio.sleep(0)
        add(journal)
        journal.hasten()
        add(journal)
        began = loop.time()
        assert await journal.durable(2)
        assert loop.time() - began < 0.003
    assert fsyncs(disk) == 2


async def test_what_is_hastened_twice_is_written_in_two_groups_of_one_segment() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        await asyncio.sleep(0)
        for _ in range(2):
            add(journal)
            journal.hasten()
        assert await journal.durable(2)
    assert fsyncs(disk) == 2
    assert disk.names(FOLDER) == ["000000000001-1.jsonl"]


async def test_nothing_begins_where_nobody_commits_and_nothing_is_lost_by_it() -> None:
    disk = SimulatedDisk()
    journal = open_journal(disk)
    add(journal)
    calls = len(disk.trace)
    journal.hasten()
    await asyncio.sleep(0.1)
    assert len(disk.trace) == calls
    async with running(journal):
        assert await journal.durable(1)


async def test_a_committer_that_dies_of_its_own_right_after_loses_and_doubles_nothing() -> None:
    disk = SimulatedDisk()
    journal = open_journal(disk)
    for _ in range(3):
        committer = asyncio.create_task(journal.run())
        await asyncio.sleep(0.06)
        add(journal, 2)
        journal.hasten()
        committer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await committer
    await asyncio.sleep(0.1)
    async with running(journal):
        await journal.durable(add(journal))
    disk.power_cut()
    again = open_journal(disk)
    assert positions(again) == list(range(1, 8))
    assert again.damage == []


async def test_there_may_be_nothing_to_write() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        await asyncio.sleep(0)
        journal.hasten()
        await asyncio.sleep(0.01)
        assert await journal.durable(add(journal))
    assert fsyncs(disk) == 1
