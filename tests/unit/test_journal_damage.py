"""Journals cut short and with flipped bits: noticed, kept aside, told; never believed, never a start refused."""

import asyncio
from random import Random

from structlog.testing import capture_logs

from tests.fixtures.journal_kit import FOLDER, add, open_journal, positions, running
from tests.fixtures.simulated_disk import SimulatedDisk
from utils.journal import Journal


async def written(groups: int = 3) -> SimulatedDisk:
    disk = SimulatedDisk()
    async with running(open_journal(disk, segment_bytes=500)) as journal:
        for _ in range(groups):
            await journal.durable(add(journal, 5))
    return disk


def damaged(disk: SimulatedDisk, name: str, data: bytes) -> Journal:
    disk.damage(FOLDER / name, data)
    with capture_logs():
        return open_journal(disk)


async def test_every_cut_at_every_64th_byte_is_noticed_and_what_stands_before_it_stays() -> None:
    disk = await written()
    for name in disk.names(FOLDER):
        whole = disk.read(FOLDER / name)
        first = int(name.split("-")[0])
        for length in range(0, len(whole), 64):
            disk = await written()
            journal = damaged(disk, name, whole[:length])
            kept = first - 1 + whole[:length].count(b"\n")
            expected = [p for p in range(1, 16) if p <= kept or p > first + 4]
            assert positions(journal) == expected
            last = first == 11
            assert journal.position == (kept if last else 15)
            if not whole[:length].endswith(b"\n") and length:
                rest = whole[:length].rpartition(b"\n")[2]
                assert disk.read(FOLDER / f"{name}.corrupt") == rest
                assert str(kept) in journal.damage[0].problem
            if not last:
                assert "missing" in journal.damage[-1].problem


async def test_flipped_bits_are_noticed_wherever_they_are() -> None:
    await bits_flipped(60)  # many more in tests/integration/sweeps


async def bits_flipped(times: int) -> None:
    whole = (await written()).files()
    random = Random(1)
    for _ in range(times):
        disk = await written()
        path = random.choice(list(whole))
        data = bytearray(whole[path])
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        journal = damaged(disk, path.name, bytes(data))
        assert journal.damage
        assert f"{path.name}.corrupt" in disk.names(FOLDER)
        found = positions(journal)  # checks each against its content
        assert set(found) < set(range(1, 16))
        async with running(journal):
            assert await journal.durable(add(journal))
        again = open_journal(disk)
        assert positions(again) == [*found, journal.position]
        assert [d for d in again.damage if "bad from" in d.problem] == []  # told once


async def test_a_segment_whose_lines_are_all_bad_still_says_which_positions_were_taken() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk, segment_bytes=500)) as journal:
        for _ in range(3):
            await journal.durable(add(journal, 5))
        journal.forget(before=12)
        await asyncio.sleep(0.1)
    [name] = disk.names(FOLDER)
    for _ in range(2):
        journal = damaged(disk, name, b"?" + disk.read(FOLDER / name)[1:])
        assert (journal.first, journal.position) == (11, 10)


async def test_damage_that_comes_while_we_run_is_told_by_whoever_reads() -> None:
    disk = await written()
    with capture_logs():
        journal = open_journal(disk)
        path = FOLDER / disk.names(FOLDER)[0]
        disk.damage(path, disk.read(path)[:-100])
        assert positions(journal) == [1, 2, 3, 4, *range(6, 16)]
    assert "passed over" in journal.damage[0].problem


async def test_a_line_that_is_gone_or_doubled_is_noticed_though_each_line_is_good() -> None:
    whole = await written()
    name = whole.names(FOLDER)[-1]
    lines = whole.read(FOLDER / name).splitlines(keepends=True)
    for wrong in (lines[:2] + lines[3:], lines[:2] + lines[1:]):
        journal = damaged(await written(), name, b"".join(wrong))
        assert positions(journal) == list(range(1, 13))
        assert "bad from" in journal.damage[0].problem


async def test_an_empty_segment_of_a_dead_process_hides_no_later_one_that_goes_back_before_it() -> None:
    disk = SimulatedDisk()
    async with running(open_journal(disk)) as journal:
        await journal.durable(add(journal, 5))
    disk.damage(FOLDER / "000000000006-2.jsonl", b"")
    async with running(open_journal(disk, segment_bytes=1)) as journal:
        await journal.durable(5)
        await journal.durable(add(journal, 5))
    disk.remove(FOLDER / "000000000001-1.jsonl")
    again = open_journal(disk)
    assert positions(again) == list(range(1, 11))
    assert again.damage == []


async def test_positions_that_snapshots_rest_on_are_not_given_again() -> None:
    disk = await written()
    name = disk.names(FOLDER)[-1]
    disk.damage(FOLDER / name, disk.read(FOLDER / name)[:100])
    with capture_logs():
        journal = open_journal(disk, saved=lambda last: max(last, 40))
    assert (journal.position, journal.durable_to) == (40, 40)
    assert positions(journal) == list(range(1, 11))
    assert [damage.problem for damage in journal.damage][-1].startswith("positions 11 to 40 are missing")
    async with running(journal):
        assert await journal.durable(add(journal, 2))
    assert positions(journal) == [*range(1, 11), 41, 42]
    with capture_logs():
        assert positions(open_journal(disk)) == [*range(1, 11), 41, 42]


async def test_what_stands_before_a_lost_end_stays_whole() -> None:
    disk = await written()
    with capture_logs():
        journal = open_journal(disk, saved=lambda _: 16)
    assert positions(journal) == list(range(1, 16))
    assert journal.position == 16


async def test_snapshots_that_the_journal_reaches_beyond_change_nothing() -> None:
    disk = await written()
    asked: list[int] = []
    journal = open_journal(disk, saved=lambda last: asked.append(last) or last)  # type: ignore[func-returns-value]
    assert (journal.position, asked, journal.damage) == (15, [15], [])
