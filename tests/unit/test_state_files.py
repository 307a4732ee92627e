"""Documents for people: complete at every instant, damage set aside."""

from pathlib import Path

import msgspec
import pytest

from tests.fixtures.simulated_disk import PowerCut, SimulatedDisk
from utils.state_files import read_document, write_document

FOLDER = Path("/state")
FILE = FOLDER / "metrics.json"


def disk_with_folder(seed: int = 0) -> SimulatedDisk:
    disk = SimulatedDisk(seed)
    disk.mkdir(FOLDER)
    return disk


def write(disk: SimulatedDisk, data: object) -> None:
    write_document(disk, FILE, data, "1970-01-01T00:00:01.500Z")


def test_a_document_says_its_version_and_when_it_was_saved() -> None:
    disk = disk_with_folder()
    write(disk, {"a": [1, 2]})
    assert msgspec.json.decode(disk.read(FILE)) == {
        "version": 1,
        "saved_at": "1970-01-01T00:00:01.500Z",
        "data": {"a": [1, 2]},
    }
    assert read_document(disk, FILE, dict[str, list[int]]) == ({"a": [1, 2]}, None)


def test_what_was_never_written_is_no_damage() -> None:
    assert read_document(disk_with_folder(), FILE, dict[str, int]) == (None, None)


@pytest.mark.parametrize("death", ["power", "process"])
def test_it_is_one_whole_document_after_a_death_at_every_boundary(death: str) -> None:
    for seed in range(20):
        for call in range(1, 6):
            disk = disk_with_folder(seed)
            write(disk, {"old": 1})
            disk.arm(call)
            with pytest.raises(PowerCut):
                write(disk, {"new": 2})
                write(disk, {"new": 2})
            disk.power_cut() if death == "power" else disk.crash()
            assert read_document(disk, FILE, dict[str, int]) in (({"old": 1}, None), ({"new": 2}, None))


def test_a_document_cut_short_is_set_aside_and_told() -> None:
    disk = disk_with_folder()
    write(disk, {f"key{n}": n for n in range(50)})
    whole = disk.read(FILE)
    for length in range(0, len(whole) - 1, 64):
        disk = disk_with_folder()
        disk.damage(FILE, whole[:length])
        data, damage = read_document(disk, FILE, dict[str, int])
        assert data is None
        assert damage is not None
        assert disk.names(FOLDER) == ["metrics.json.corrupt"]
        assert disk.read(FOLDER / "metrics.json.corrupt") == whole[:length]


def test_a_document_of_another_shape_or_version_is_not_believed() -> None:
    for text in (
        b'{"version": 2, "saved_at": "", "data": {}}',
        b'{"version": 1, "saved_at": "", "data": []}',
        b"\xff",
    ):
        disk = disk_with_folder()
        disk.damage(FILE, text)
        data, damage = read_document(disk, FILE, dict[str, int])
        assert data is None
        assert damage is not None
