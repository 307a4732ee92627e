"""Snapshots on a disk without faults."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct, field

from tests.fixtures.simulated_disk import SimulatedDisk, VirtualOffload
from utils.snapshot_format import Header
from utils.snapshots import Snapshots, StorageFailingError, furthest

FOLDER = Path("/state/snapshots")


class Value(Struct, frozen=True):
    count: int
    text: str = ""


class State(Struct):
    values: dict[str, Value] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


async def all_durable(position: int) -> bool:
    return position > 0


def snapshots(disk: SimulatedDisk) -> Snapshots:
    return Snapshots(disk, FOLDER, VirtualOffload(), all_durable, now=lambda: 0.0)


def mark(position: int, since: int = 1) -> Header:
    return Header(position=position, read_to=position, unhandled=("f1", "f2"), since=since)


def state(count: int) -> State:
    return State(values={f"k{n}": Value(n, "é\n") for n in range(count)}, names={"a": "b"})


async def test_a_state_comes_back_whole_with_its_mark() -> None:
    disk = SimulatedDisk()
    await snapshots(disk).save("rca", state(1234), mark(7, since=3))
    loaded = snapshots(disk).load("rca", State, 7)
    assert loaded is not None
    assert loaded.state == state(1234)
    assert loaded.header == Header(
        saved_at="1970-01-01T00:00:00.000Z", position=7, read_to=7, unhandled=("f1", "f2"), since=3
    )
    lines = disk.read(FOLDER / "rca.jsonl").splitlines()
    assert len(lines) == 6
    assert all(len(msgspec.json.decode(line)["items"]) <= 500 for line in lines[1:-1])


async def test_what_changes_while_it_is_being_saved_is_not_in_it() -> None:
    disk, live = SimulatedDisk(), state(5000)
    saving = asyncio.create_task(snapshots(disk).save("rca", live, mark(7)))
    await asyncio.sleep(0)
    while not saving.done():
        live.values.pop(next(iter(live.values)))
        live.values[f"new{len(live.values)}"] = Value(1)
        await asyncio.sleep(0.0001)
    loaded = snapshots(disk).load("rca", State, 7)
    assert loaded is not None
    assert loaded.state == state(5000)


async def test_nobody_and_nothing_saved_is_nothing_and_an_empty_state_is_one() -> None:
    disk = SimulatedDisk()
    assert snapshots(disk).load("rca", State, 9) is None
    await snapshots(disk).save("rca", State(), mark(1))
    loaded = snapshots(disk).load("rca", State, 9)
    assert loaded is not None
    assert loaded.state == State()


async def test_nothing_is_written_before_the_journal_is_durable() -> None:
    disk, asked = SimulatedDisk(), []

    async def never(position: int) -> bool:
        asked.append(position)
        return False

    with pytest.raises(StorageFailingError):
        await Snapshots(disk, FOLDER, VirtualOffload(), never).save("rca", state(3), mark(7))
    assert asked == [7]
    assert disk.trace == []


async def test_the_journal_is_needed_from_the_oldest_generation_on() -> None:
    disk = SimulatedDisk()
    store = snapshots(disk)
    assert store.min_since([]) == 1
    for position in (10, 20, 30):
        await store.save("rca", state(1), mark(position, since=position - 5))
    assert store.min_since(["rca"]) == 15
    assert store.min_since(["rca", "owner"]) == 1
    await store.save("owner", state(1), mark(40, since=40))
    assert store.min_since(["rca", "owner"]) == 1  # one generation alone may turn out damaged
    await store.save("owner", state(1), mark(50, since=50))
    assert store.min_since(["rca", "owner"]) == 15


async def test_a_snapshot_ahead_of_the_journal_is_set_aside_for_good() -> None:
    disk = SimulatedDisk()
    store = snapshots(disk)
    await store.save("rca", state(1), mark(10))
    await store.save("rca", state(2), mark(20))
    loaded = store.load("rca", State, 15)
    assert loaded is not None
    assert loaded.state == state(1)
    disk.power_cut()
    later = snapshots(disk)
    again = later.load("rca", State, 25)  # the journal has gone on, with other records
    assert again is not None
    assert again.state == state(1)
    assert "rca.jsonl.corrupt" in disk.names(FOLDER)
    [told] = store.damage
    assert "journal only to 15" in told.problem
    assert told.restored_from.endswith("rca.prev.jsonl")
    assert later.damage == []


async def test_a_table_that_is_no_more_is_passed_over_and_a_new_one_is_empty() -> None:
    class Newer(Struct):
        names: dict[str, str] = field(default_factory=dict)
        fresh: dict[str, int] = field(default_factory=dict)

    disk = SimulatedDisk()
    await snapshots(disk).save("rca", state(2), mark(1))
    loaded = snapshots(disk).load("rca", Newer, 1)
    assert loaded is not None
    assert loaded.state == Newer(names={"a": "b"})


async def test_values_that_do_not_fit_are_never_silently_empty() -> None:
    class Other(Struct):
        values: dict[str, int] = field(default_factory=dict)

    disk = SimulatedDisk()
    store = snapshots(disk)
    await store.save("rca", state(2), mark(1))
    assert store.load("rca", Other, 1) is None
    assert store.damage[0].restored_from == "the journal"


async def test_a_save_without_room_leaves_the_old_generations_and_no_litter() -> None:
    disk = SimulatedDisk()
    store = snapshots(disk)
    await store.save("rca", state(1), mark(1))
    disk.free_bytes = 5000
    with pytest.raises(OSError, match="No space"):
        await store.save("rca", state(1000), mark(2))
    assert disk.names(FOLDER) == ["rca.jsonl"]
    assert disk.free_bytes == 5000
    loaded = store.load("rca", State, 2)
    assert loaded is not None
    assert loaded.state == state(1)


async def test_a_damaged_spare_is_told_before_it_is_needed() -> None:
    disk = SimulatedDisk()
    for position in (1, 2):
        await snapshots(disk).save("rca", state(position), mark(position))
    spare = FOLDER / "rca.prev.jsonl"
    disk.damage(spare, disk.read(spare)[:64])
    again = snapshots(disk)
    loaded = again.load("rca", State, 2)
    assert loaded is not None
    assert loaded.state == state(2)
    [damage] = again.damage
    assert (damage.path, damage.restored_from) == (str(spare), str(FOLDER / "rca.jsonl"))
    assert "rca.prev.jsonl.corrupt" in disk.names(FOLDER)


async def test_the_furthest_whole_snapshot_says_where_the_journal_has_been() -> None:
    disk = SimulatedDisk()
    assert furthest(disk, FOLDER, 5) == 5
    store = snapshots(disk)
    await store.save("rca", state(1), mark(10))
    await store.save("owner", state(1), mark(20, since=31))
    await store.save("gate", state(1), mark(40))
    disk.damage(FOLDER / "gate.jsonl", disk.read(FOLDER / "gate.jsonl")[:-30])
    assert furthest(disk, FOLDER, 5) == 30
    assert furthest(disk, FOLDER, 35) == 35
