"""A model as a folder: it comes back as it was, and what is damaged or foreign is refused."""

from pathlib import Path

import msgspec
import pytest

from mlops.models.folder import DamagedModelError, load, save
from tests.fixtures.simulated_disk import SimulatedDisk
from tests.fixtures.small_models import small_model

MODELS = Path("/models")
FOLDER = MODELS / "credit/versions/1"
ROW = {"age": 30, "income": 2000.0, "home": "rent"}


def saved() -> SimulatedDisk:
    disk = SimulatedDisk()
    save(small_model(), FOLDER, disk=disk)
    return disk


def test_it_comes_back_as_it_was() -> None:
    model = load(FOLDER, inside=MODELS, disk=saved())
    assert model.score_row(ROW) == small_model().score_row(ROW)
    assert model.card == small_model().card


@pytest.mark.parametrize("name", ["card.json", "encoder.json", "linear.json", "manifest.json"])
def test_every_damaged_byte_and_every_lost_file_is_refused(name: str) -> None:
    disk = saved()
    whole = disk.read(FOLDER / name)
    for at in range(0, len(whole) - 2, 7):
        disk.damage(FOLDER / name, whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with pytest.raises(DamagedModelError, match=str(FOLDER)):
            load(FOLDER, inside=MODELS, disk=disk)
    disk.damage(FOLDER / name, None)
    with pytest.raises(DamagedModelError, match="cannot be read"):
        load(FOLDER, inside=MODELS, disk=disk)


@pytest.mark.parametrize("name", ["model.pkl", "notes.txt", "__init__.py"])
def test_a_file_that_is_no_part_of_a_model_is_refused(name: str) -> None:
    disk = saved()
    disk.damage(FOLDER / name, b"cos\nsystem\n")
    with pytest.raises(DamagedModelError, match=f"holds '{name}', which is no part of a model"):
        load(FOLDER, inside=MODELS, disk=disk)
    manifest = msgspec.json.decode(disk.read(FOLDER / "manifest.json"))
    manifest["files"][name] = "00"
    disk.damage(FOLDER / "manifest.json", msgspec.json.encode(manifest))
    with pytest.raises(DamagedModelError, match=f"holds '{name}', which is no part of a model"):
        load(FOLDER, inside=MODELS, disk=disk)


def test_a_folder_outside_is_refused() -> None:
    disk = saved()
    with pytest.raises(DamagedModelError, match="lies outside /models/housing"):
        load(FOLDER, inside=MODELS / "housing", disk=disk)
    with pytest.raises(DamagedModelError, match="lies outside"):
        load(MODELS / "../models2", inside=MODELS, disk=disk)


def test_a_file_that_leads_outside_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models/credit"
    save(small_model(), folder)
    (folder / "card.json").rename(tmp_path / "card.json")
    (folder / "card.json").symlink_to(tmp_path / "card.json")
    with pytest.raises(DamagedModelError, match=r"'card\.json' leads outside"):
        load(folder, inside=tmp_path / "models")


def test_a_format_of_later_is_told() -> None:
    disk = saved()
    manifest = msgspec.json.decode(disk.read(FOLDER / "manifest.json")) | {"format": 2}
    disk.damage(FOLDER / "manifest.json", msgspec.json.encode(manifest))
    with pytest.raises(DamagedModelError, match="is of format 2, this version reads 1"):
        load(FOLDER, inside=MODELS, disk=disk)


def test_parts_of_different_models_are_refused_though_each_is_whole() -> None:
    disk = SimulatedDisk()
    model = small_model()
    model.encoder = msgspec.structs.replace(model.encoder, categories=())
    save(model, FOLDER, disk=disk)
    with pytest.raises(DamagedModelError, match="4 weights for 2 places"):
        load(FOLDER, inside=MODELS, disk=disk)
