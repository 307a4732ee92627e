"""The journal on a disk that is full, read-only, failing or silent: it says so, goes on, and catches up."""

import asyncio
from collections.abc import Callable

import pytest

from tests.fixtures.journal_kit import FOLDER, add, open_journal, positions, running
from tests.fixtures.simulated_disk import SimulatedDisk
from utils.journal import Health


def fill(disk: SimulatedDisk) -> None:
    disk.free_bytes = 10


def lock(disk: SimulatedDisk) -> None:
    disk.fault = "read_only"


def break_fsync(disk: SimulatedDisk) -> None:
    disk.fault = "fsync"


def cure(disk: SimulatedDisk) -> None:
    disk.fault, disk.free_bytes = "", None


@pytest.mark.parametrize("fault", [fill, lock, break_fsync])
async def test_it_says_so_goes_on_and_catches_up(fault: Callable[[SimulatedDisk], None]) -> None:
    disk, told = SimulatedDisk(), list[Health]()
    async with running(open_journal(disk, on_health=told.append)) as journal:
        assert await journal.durable(add(journal, 3))
        fault(disk)
        assert not await journal.durable(add(journal, 3))
        assert journal.failing
        assert [health.ok for health in told] == [False]
        assert "3 records" in told[0].problem
        add(journal, 50)
        assert not await journal.durable(journal.position)
        assert await journal.durable(3)
        assert positions(journal) == list(range(1, 57))
        cure(disk)
        await asyncio.sleep(1.1)
        assert [health.ok for health in told] == [False, True]
        assert await journal.durable(journal.position)
    disk.power_cut()
    again = open_journal(disk)
    assert positions(again) == list(range(1, 57))
    assert again.damage == [] or fault is fill  # half a line stands where the disk was full


async def test_a_failed_fsync_is_never_tried_again_on_the_same_file() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        assert await journal.durable(add(journal))
        disk.fault = "fsync"
        assert not await journal.durable(add(journal))
        disk.fault = ""
        await asyncio.sleep(1.1)
        assert await journal.durable(add(journal))
    synced = [call.split()[1] for call in disk.trace if call.startswith("fsync ")]
    assert synced == ["000000000001-1.jsonl"] * 2 + ["000000000002-2.jsonl"] * 2


async def test_it_asks_a_failing_disk_less_and_less_often_and_leaves_no_litter() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        disk.fault = "fsync"
        add(journal)
        await asyncio.sleep(600)
        tries = sum(call.startswith("fsync ") for call in disk.trace)
        assert 20 <= tries <= 25  # 1, 2, 4, 8, 16, then every 30 s
        assert disk.names(FOLDER) == []
        disk.fault = ""
        await asyncio.sleep(31)
        assert journal.durable_to == 1


@pytest.mark.parametrize("fault", [fill, lock, break_fsync])
async def test_it_starts_on_a_failing_disk_and_catches_up(fault: Callable[[SimulatedDisk], None]) -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        await journal.durable(add(journal, 5))
    disk.crash()
    fault(disk)
    async with running(open_journal(disk)) as journal:
        assert positions(journal) == [1, 2, 3, 4, 5]
        add(journal, 5)
        await asyncio.sleep(2)
        assert journal.failing
        cure(disk)
        await asyncio.sleep(30)
        assert await journal.durable(10)
    disk.power_cut()
    assert positions(open_journal(disk)) == list(range(1, 11))


async def test_a_disk_that_does_not_answer_holds_nobody_up() -> None:
    disk, told = SimulatedDisk(), list[Health]()
    journal = open_journal(disk, on_health=told.append, stall_s=5.0)
    offload = journal._offload
    offload.delay_s = 60.0  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    async with running(journal):
        assert not await journal.durable(add(journal))
        assert loop.time() == pytest.approx(5.0, abs=0.1)
        assert "has not answered" in told[0].problem
        await asyncio.sleep(60)
        assert journal.durable_to == 1
        assert told[-1].ok
