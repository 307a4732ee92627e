"""The journal on a disk without faults: order, groups, reading, forgetting, starting again."""

import asyncio

import pytest

from tests.fixtures.journal_kit import FOLDER, Ended, Happened, add, open_journal, positions, running
from tests.fixtures.simulated_disk import SimulatedDisk, VirtualOffload
from utils.event import UnknownFact
from utils.journal import Journal, JournalFullError


def fsyncs(disk: SimulatedDisk) -> int:
    return sum(call.startswith("fsync ") for call in disk.trace)


async def test_a_record_is_back_after_a_start_as_it_was_written() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        told = [
            Happened(id="a", cause="b", incident="c", service="shop", at=1.5, text="é\n"),
            Ended(number=7),
        ]
        record = journal.append("watcher", "b", told)
        assert await journal.durable(record.position)
    disk.power_cut()
    [again] = open_journal(disk).read(0)
    assert again == record


async def test_what_waits_together_shares_one_fsync() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        add(journal, 100)
        assert all(await asyncio.gather(*(journal.durable(n) for n in range(1, 101))))
    assert fsyncs(disk) == 1


async def test_a_commit_starts_at_once_when_somebody_waits_and_after_50_ms_when_nobody_does() -> None:
    loop = asyncio.get_running_loop()
    async with running(open_journal(SimulatedDisk())) as journal:
        start = loop.time()
        await journal.durable(add(journal))
        assert loop.time() - start < 0.002
        add(journal)
        await asyncio.sleep(0.049)
        assert journal.durable_to == 1
        await asyncio.sleep(0.003)
        assert journal.durable_to == 2


async def test_what_is_appended_during_a_commit_is_committed_in_time_too() -> None:
    async with running(open_journal(SimulatedDisk())) as journal:
        add(journal)
        waiting = asyncio.create_task(journal.durable(1))
        await asyncio.sleep(0.0005)
        add(journal)
        assert await waiting
        await asyncio.sleep(0.06)
        assert journal.durable_to == 2


async def test_a_waiter_that_is_cancelled_disturbs_no_other() -> None:
    async with running(open_journal(SimulatedDisk())) as journal:
        add(journal)
        waiters = [asyncio.create_task(journal.durable(1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[1].cancel()
        assert await waiters[0]
        assert await waiters[2]


async def test_reading_goes_from_disk_into_memory_without_a_seam() -> None:
    async with running(open_journal(SimulatedDisk(), segment_bytes=2000)) as journal:
        for _ in range(10):
            await journal.durable(add(journal, 10))
        add(journal, 5)
        assert positions(journal) == list(range(1, 106))
        assert positions(journal, after=37) == list(range(38, 106))
        assert positions(journal, after=102) == [103, 104, 105]
        assert positions(journal, after=105) == []


async def test_a_reader_meets_what_is_appended_and_committed_while_it_reads() -> None:
    async with running(open_journal(SimulatedDisk())) as journal:
        add(journal, 3)
        reader = journal.read(0)
        assert next(reader).position == 1
        await journal.durable(add(journal))
        assert [record.position for record in reader] == [2, 3, 4]


async def test_single_records_are_fetched_without_reading_the_segment_again() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        for _ in range(20):
            await journal.durable(add(journal, 100, size=300))
        reads: list[int] = []
        original = disk.read
        disk.read = lambda path, offset=0, length=-1: reads.append(length) or original(path, offset, length)  # type: ignore[method-assign, func-returns-value]
        for position in range(500, 600):
            assert next(iter(journal.read(position - 1))).position == position
    assert len(reads) <= 3
    assert max(reads) < 128 * 1024


async def test_segments_are_rolled_and_every_start_opens_a_new_one() -> None:
    disk = SimulatedDisk()
    for _ in range(2):
        async with running(open_journal(disk, segment_bytes=1000)) as journal:
            for _ in range(4):
                await journal.durable(add(journal, 10))
    names = disk.names(FOLDER)
    assert names[0] == "000000000001-1.jsonl"
    assert len(names) == 8
    assert positions(open_journal(disk)) == list(range(1, 81))


async def test_forgetting_removes_whole_segments_and_keeps_the_newest() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk, segment_bytes=500)) as journal:
        for _ in range(5):
            await journal.durable(add(journal, 10))
        journal.forget(before=25)
        assert journal.first == 21
        await asyncio.sleep(0.1)
        assert len(disk.names(FOLDER)) == 3
        journal.forget(before=1000)
        await asyncio.sleep(0.1)
        assert len(disk.names(FOLDER)) == 1
        assert positions(journal, after=40) == list(range(41, 51))
    again = open_journal(disk)
    assert (again.first, again.position, again.damage) == (41, 50, [])


async def test_a_committer_that_is_cancelled_midway_and_started_again_loses_and_doubles_nothing() -> None:
    disk = SimulatedDisk()
    journal = open_journal(disk)
    for _ in range(3):
        async with running(journal):
            add(journal, 2)
            waiting = asyncio.create_task(journal.durable(journal.position))
            await asyncio.sleep(0.0005)  # the write is on its way
        await asyncio.sleep(0.01)
        assert not waiting.done()
    async with running(journal):
        assert await journal.durable(6)
    disk.power_cut()
    again = open_journal(disk)
    assert positions(again) == [1, 2, 3, 4, 5, 6]
    assert again.damage == []


async def test_a_fact_of_an_unknown_kind_stops_no_start_and_is_told_once() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        for number in (1, 2):
            journal.append(
                "agent", "", [Happened(text="1"), Ended(id=f"e{number}", service="shop", number=number)]
            )
        await journal.durable(2)
    older = Journal(disk, FOLDER, Happened, VirtualOffload())
    first, second = older.read(0)
    assert first.results[0] == Happened(text="1")
    unknown = second.results[1]
    assert isinstance(unknown, UnknownFact)
    assert (unknown.kind, unknown.id, unknown.service) == ("Ended", "e2", "shop")
    assert b'"number":2' in unknown.raw
    assert len(older.damage) == 1
    assert "Ended" in older.damage[0].problem


def test_what_cannot_be_encoded_takes_no_position() -> None:
    journal = open_journal(SimulatedDisk())
    with pytest.raises(TypeError):
        journal.append("agent", "", [object()])
    assert add(journal) == 1
    assert positions(journal) == [1]


def test_a_tail_without_end_is_refused_loudly() -> None:
    journal = open_journal(SimulatedDisk(), tail_limit_bytes=1000)
    with pytest.raises(JournalFullError):
        add(journal, 100)
    assert positions(journal) == list(range(1, journal.position + 1))
