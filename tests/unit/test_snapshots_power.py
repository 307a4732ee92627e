"""Power cuts at every boundary of a save, and damaged generations."""

from functools import cache
from random import Random

import pytest
from structlog.testing import capture_logs

from tests.fixtures.simulated_disk import PowerCut, SimulatedDisk
from tests.unit.test_snapshots import FOLDER, State, mark, snapshots, state
from utils.snapshots import Loaded

SLICE_VALUES, STEP = 10, 12  # each generation is longer by more than a line
kept_state = cache(state)  # the sweep saves and compares the same few a thousand times


def load(disk: SimulatedDisk, position: int = 99) -> Loaded[State] | None:
    with capture_logs():
        return snapshots(disk).load("rca", State, position)


async def save_all(disk: SimulatedDisk, saved: list[int], generations: int = 3) -> None:
    for generation in range(1, generations + 1):
        await snapshots(disk).save("rca", kept_state(generation * STEP), mark(generation))
        saved.append(generation)


async def calls_of_all(seed: int) -> int:
    disk = SimulatedDisk(seed)
    await save_all(disk, [])
    return disk.calls


@pytest.mark.parametrize("death", ["power", "process"])
async def test_after_a_death_at_every_boundary_the_last_saved_or_a_newer_state_is_there(
    death: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sweep(death, range(3), monkeypatch)  # many more in tests/integration/sweeps


async def sweep(death: str, seeds: range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utils.snapshots.SLICE_VALUES", SLICE_VALUES)  # as many lines from far fewer values
    for seed in seeds:
        for call in range(1, await calls_of_all(seed) + 1):
            disk, saved = SimulatedDisk(seed), list[int]()
            disk.arm(call)
            with pytest.raises(PowerCut):
                await save_all(disk, saved)
            disk.power_cut() if death == "power" else disk.crash()
            loaded = load(disk)
            newest = saved[-1] if saved else 0
            found = loaded.header.position if loaded else 0
            assert found in (newest, newest + 1)
            assert loaded is None or loaded.state == kept_state(found * STEP)
            await save_all(disk, [], 2)  # what was left behind is in nobody's way
            assert disk.names(FOLDER) == ["rca.jsonl", "rca.prev.jsonl"]


async def generations() -> tuple[SimulatedDisk, bytes]:
    disk = SimulatedDisk()
    await snapshots(disk).save("rca", state(1), mark(1))
    await snapshots(disk).save("rca", state(20), mark(2))
    return disk, disk.read(FOLDER / "rca.jsonl")


def check_previous(disk: SimulatedDisk) -> None:
    store = snapshots(disk)
    with capture_logs():
        loaded = store.load("rca", State, 99)
    assert loaded is not None
    assert loaded.state == state(1)
    [told] = store.damage
    assert told.restored_from == str(FOLDER / "rca.prev.jsonl")
    assert disk.names(FOLDER) == ["rca.jsonl.corrupt", "rca.prev.jsonl"]
    assert load(disk) == loaded


async def test_a_generation_cut_at_every_64th_byte_gives_way_to_the_one_before() -> None:
    _, whole = await generations()
    for length in range(0, len(whole), 64):
        disk, _ = await generations()
        disk.damage(FOLDER / "rca.jsonl", whole[:length])
        check_previous(disk)


async def test_a_generation_with_a_flipped_bit_gives_way_to_the_one_before() -> None:
    _, whole = await generations()
    random = Random(2)
    for _ in range(100):
        disk, _ = await generations()
        data = bytearray(whole)
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        disk.damage(FOLDER / "rca.jsonl", bytes(data))
        check_previous(disk)


async def test_with_both_generations_damaged_the_journal_has_to_do() -> None:
    disk, whole = await generations()
    disk.damage(FOLDER / "rca.jsonl", whole[:-1])
    disk.damage(FOLDER / "rca.prev.jsonl", b"")
    store = snapshots(disk)
    with capture_logs():
        assert store.load("rca", State, 99) is None
    assert {told.restored_from for told in store.damage} == {"the journal"}
    assert store.min_since(["rca"]) == 1
