"""The simulated disk keeps the contract of the real one, and forgets what a real one may forget."""

from pathlib import Path

import pytest

from tests.fixtures.disk_conformance import DiskConformance, OffloadConformance
from tests.fixtures.simulated_disk import PowerCut, SimulatedDisk, VirtualOffload
from utils.disk import write_new

FOLDER = Path("/state")
FILE = FOLDER / "a"


@pytest.fixture
def disk() -> SimulatedDisk:
    disk = SimulatedDisk()
    disk.mkdir(FOLDER)
    return disk


@pytest.fixture
def folder() -> Path:
    return FOLDER


@pytest.fixture
def offload() -> VirtualOffload:
    return VirtualOffload()


class TestSimulatedDisk(DiskConformance):
    pass


class TestVirtualOffload(OffloadConformance):
    pass


def outcomes(prepare: str) -> set[bytes | None]:
    """What a file may hold after a power cut, over many seeds."""
    seen: set[bytes | None] = set()
    for seed in range(200):
        disk = SimulatedDisk(seed)
        disk.mkdir(FOLDER)
        write_new(disk, FILE, b"old")
        disk.fsync_dir(FOLDER)
        if prepare == "append":
            disk.open_append(FILE).write(b"12")
        elif prepare == "rename":
            write_new(disk, FOLDER / "b", b"new")
            disk.rename(FOLDER / "b", FILE)
        elif prepare == "failed fsync":
            handle = disk.open_append(FILE)
            handle.write(b"12")
            disk.fault = "fsync"
            with pytest.raises(OSError, match="Input/output"):
                handle.fsync()
            disk.fault = ""
            handle.fsync()  # succeeds, and means nothing
        disk.power_cut()
        seen.add(disk.files().get(FILE))
    return seen


def test_unsynced_bytes_survive_whole_in_part_or_not_at_all() -> None:
    assert outcomes("append") == {b"old", b"old1", b"old12", b"old\0", b"old1\0", b"old\0\0"}


def test_an_unsynced_rename_survives_or_not() -> None:
    assert outcomes("rename") == {b"old", b"new"}


def test_after_a_failed_fsync_another_one_saves_nothing() -> None:
    assert outcomes("failed fsync") == {b"old"}


def test_what_was_synced_survives_and_a_dead_process_writes_no_more(disk: SimulatedDisk) -> None:
    write_new(disk, FILE, b"safe")
    disk.fsync_dir(FOLDER)
    handle = disk.open_append(FILE)
    disk.arm(1)
    with pytest.raises(PowerCut):
        handle.write(b"!")
    with pytest.raises(PowerCut):
        disk.read(FILE)
    disk.crash()
    assert disk.read(FILE) in (b"safe", b"safe!")
    with pytest.raises(PowerCut):
        handle.write(b"?")
    disk.power_cut()
    assert disk.read(FILE).startswith(b"safe")


def test_a_full_disk_takes_a_part_and_a_read_only_one_nothing(disk: SimulatedDisk) -> None:
    handle = disk.create(FILE)
    disk.free_bytes = 3
    with pytest.raises(OSError, match="No space"):
        handle.write(b"12345")
    assert disk.read(FILE) == b"123"
    disk.fault = "read_only"
    with pytest.raises(OSError, match="Read-only"):
        handle.write(b"1")
