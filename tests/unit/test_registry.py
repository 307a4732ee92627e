"""The registry of one model: champion, challenger, the way back, and what is kept."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops.errors import BadInputError
from mlops.models.folder import DamagedModelError
from mlops.places import Places
from mlops.registry.registry import ChangedMeanwhileError, Registry
from tests.fixtures.simulated_disk import SimulatedDisk
from tests.fixtures.small_models import made

PLACES = Places(Path("/w"))
ROW = {"age": 30, "income": 2000.0, "home": "rent"}


def registry(disk: SimulatedDisk, keep: int = 5) -> Registry:
    return Registry(
        PLACES, "credit", keep=keep, disk=disk, lock=nullcontext, now=lambda: "2026-01-01T00:00:00.000Z"
    )


def with_versions(count: int, keep: int = 5) -> tuple[Registry, SimulatedDisk]:
    disk = SimulatedDisk()
    found = registry(disk, keep)
    for intercept in range(count):
        found.register(made(intercept))
    return found, disk


def test_the_first_version_is_champion_and_later_ones_are_not() -> None:
    models, _ = with_versions(3)
    assert (models.champion(), models.challenger(), models.versions()) == (1, None, (1, 2, 3))
    assert models.load_champion().version == 1
    assert models.load(3).score_row(ROW) == made(2).model.score_row(ROW)


def test_promotion_leaves_a_way_back_and_rollback_takes_it() -> None:
    models, _ = with_versions(3)
    models.promote(2, "better")
    models.promote(3, "better still")
    assert models.rollback("worse") == 2
    assert models.rollback("worse too") == 1
    assert models.champion() == 1
    with pytest.raises(BadInputError, match="no earlier version to go back to"):
        models.rollback("once more")
    assert [(each.kind, each.from_version, each.to_version) for each in models.history()][3:] == [
        ("promoted", 1, 2), ("promoted", 2, 3), ("rolled_back", 3, 2), ("rolled_back", 2, 1),
    ]  # fmt: skip


def test_a_rollback_with_nothing_to_go_back_to_changes_nothing() -> None:
    models, disk = with_versions(1)
    before = disk.files()
    with pytest.raises(BadInputError):
        models.rollback("no")
    assert disk.files() == before
    with pytest.raises(BadInputError):
        registry(SimulatedDisk()).rollback("nothing at all")


def test_a_change_that_was_decided_about_another_champion_is_not_made() -> None:
    models, disk = with_versions(3)
    models.promote(2, "", over=1)
    before = disk.files()
    with pytest.raises(ChangedMeanwhileError, match="the champion of 'credit' is version 2 by now, not 1"):
        models.promote(3, "", over=1)
    with pytest.raises(ChangedMeanwhileError):
        models.rollback("", of=3)
    assert disk.files() == before
    assert models.rollback("", of=2) == 1


def test_a_version_that_was_rolled_back_is_no_way_back() -> None:
    models, _ = with_versions(3)
    models.promote(2, "")
    models.rollback("bad")
    models.promote(3, "")
    assert models.rollback("bad too") == 1


def test_a_challenger_that_is_promoted_is_challenger_no_more() -> None:
    models, _ = with_versions(2)
    models.set_challenger(2)
    assert models.challenger() == 2
    models.promote(2, "")
    assert (models.champion(), models.challenger()) == (2, None)
    with pytest.raises(BadInputError, match="is the champion already"):
        models.set_challenger(2)
    models.set_challenger(1)
    models.set_challenger(None)
    assert models.challenger() is None


def test_versions_that_are_too_many_go_but_never_champion_challenger_or_the_way_back() -> None:
    models, disk = with_versions(2, keep=3)
    models.promote(2, "")
    models.set_challenger(models.register(made()))
    for _ in range(6):
        models.register(made())
    assert models.versions() == (1, 2, 3, 9)
    folders = {path.parts[5] for path in disk.files() if "versions" in path.parts}
    assert folders == {"1", "2", "3", "9"}
    assert models.rollback("") == 1


def test_numbers_are_never_given_twice() -> None:
    models, _ = with_versions(4, keep=2)
    assert models.versions() == (1, 4)
    assert models.register(made()) == 5


def test_a_version_that_is_not_kept_is_told() -> None:
    models, _ = with_versions(2)
    with pytest.raises(BadInputError, match="has no version 7; kept are: 1, 2"):
        models.promote(7, "")


def test_rollbacks_are_logged_newest_last_with_what_led_to_them() -> None:
    models, disk = with_versions(3)
    models.promote(2, "")
    models.promote(3, "")
    models.rollback("accuracy 0.65 is below 0.70", details={"current_metric": 0.65, "threshold": 0.7})
    models.rollback("again")
    log = json.loads(disk.read(PLACES.rollback_log))
    assert log[0] == {
        "timestamp": "2026-01-01T00:00:00.000Z", "model": "credit", "from_version": 3, "to_version": 2,
        "reason": "accuracy 0.65 is below 0.70", "current_metric": 0.65, "threshold": 0.7, "generation": 6,
    }  # fmt: skip
    assert (log[1]["from_version"], log[1]["to_version"], log[1]["current_metric"]) == (2, 1, None)


def test_a_damaged_champion_is_told_and_can_be_rolled_back() -> None:
    models, disk = with_versions(2)
    models.promote(2, "")
    disk.damage(PLACES.version("credit", 2) / "linear.json", b"{}")
    with pytest.raises(DamagedModelError, match=r"versions/2: 'linear\.json' is not what was saved"):
        models.load_champion()
    assert models.rollback("damaged") == 1
    assert models.load_champion().version == 1


def test_a_rollback_goes_past_a_damaged_version_and_says_so() -> None:
    models, disk = with_versions(3)
    models.promote(2, "")
    models.promote(3, "")
    disk.damage(PLACES.version("credit", 2) / "card.json", b"")
    assert models.rollback("") == 1
    assert "versions/2" in str(models.history()[-1].details["skipped"])


def test_a_damaged_version_is_not_promoted() -> None:
    models, disk = with_versions(2)
    disk.damage(PLACES.version("credit", 2) / "card.json", None)
    with pytest.raises(DamagedModelError):
        models.promote(2, "")
    assert models.champion() == 1


def test_a_folder_of_another_version_is_told() -> None:
    models, disk = with_versions(2)
    for name in disk.names(PLACES.version("credit", 1)):
        disk.damage(PLACES.version("credit", 1) / name, disk.read(PLACES.version("credit", 2) / name))
    with pytest.raises(DamagedModelError, match="holds version 2 of 'credit'"):
        models.load_champion()


@pytest.mark.parametrize("damage", [b"", b"{", None])
def test_a_damaged_or_lost_pointer_comes_back_from_the_history(damage: bytes | None) -> None:
    models, disk = with_versions(2)
    models.promote(2, "")
    whole = disk.read(PLACES.pointer("credit"))
    disk.damage(PLACES.pointer("credit"), damage)
    assert models.champion() == 2
    models.reconcile()
    assert disk.read(PLACES.pointer("credit")) == whole
    aside = disk.names(PLACES.model("credit"))
    assert ("pointer.json.corrupt" in aside) == (damage is not None)


def test_a_damaged_pointer_without_a_history_is_told() -> None:
    models, disk = with_versions(1)
    disk.damage(PLACES.pointer("credit"), b"{")
    disk.damage(PLACES.model("credit") / "history.jsonl", None)
    with pytest.raises(BadInputError, match=r"pointer\.json: is damaged"):
        models.champion()


def test_a_history_cut_short_goes_on_behind_the_torn_line() -> None:
    models, disk = with_versions(2)
    path = PLACES.model("credit") / "history.jsonl"
    disk.damage(path, disk.read(path)[:-20])
    models.promote(2, "")
    assert [each.generation for each in models.history()] == [1, 2, 3]


def test_a_damaged_log_of_rollbacks_is_set_aside() -> None:
    models, disk = with_versions(2)
    models.promote(2, "")
    disk.damage(PLACES.rollback_log, b"[{]")
    models.rollback("x")
    assert len(json.loads(disk.read(PLACES.rollback_log))) == 1
    assert disk.read(PLACES.models / "rollback_log.json.corrupt") == b"[{]"


def test_a_full_disk_keeps_nothing_half_and_tells() -> None:
    models, disk = with_versions(1)
    room = sum(len(data) for path, data in disk.files().items() if "versions" in path.parts)
    for free in range(0, room, 100):
        disk.free_bytes = free
        with pytest.raises(BadInputError, match="No space left on device"):
            models.register(made())
        disk.free_bytes = None
        assert (models.champion(), models.versions()) == (1, (1,))
    assert models.register(made()) == 2


def test_a_rollback_does_not_need_room_for_its_records() -> None:
    models, disk = with_versions(2)
    models.promote(2, "")
    disk.free_bytes = len(disk.read(PLACES.pointer("credit"))) + 20
    assert models.rollback("disk is full") == 1
    disk.free_bytes = None
    models.reconcile()
    assert models.history()[-1].reason == "disk is full"
    assert len(json.loads(disk.read(PLACES.rollback_log))) == 1


def test_nobody_is_champion_before_the_first_training() -> None:
    models = registry(SimulatedDisk())
    assert (models.champion(), models.history(), models.versions()) == (None, [], ())
    with pytest.raises(BadInputError, match="has no version; train it"):
        models.load_champion()


def test_the_pointer_is_a_document_that_people_can_read() -> None:
    models, disk = with_versions(2)
    models.promote(2, "better", details={"f1": 0.5})
    pointer: dict[str, Any] = msgspec.json.decode(disk.read(PLACES.pointer("credit")))
    assert pointer == {
        "generation": 3, "champion": 2, "challenger": None, "previous": [1], "versions": [1, 2], "last_version": 2,
        "change": {
            "generation": 3, "at": "2026-01-01T00:00:00.000Z", "kind": "promoted", "from_version": 1, "to_version": 2,
            "reason": "better", "details": {"f1": 0.5},
        },
        "format": 1,
    }  # fmt: skip


class MovingDisk(SimulatedDisk):
    """Lets something happen just before a file of a version is read for the first time."""

    meanwhile: Callable[[], None] | None = None

    def read(self, path: Path, offset: int = 0, length: int = -1) -> bytes:
        if "versions" in path.parts and self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        return super().read(path, offset, length)


def test_a_reader_whose_champion_is_replaced_and_removed_meanwhile_gets_the_new_one() -> None:
    disk = MovingDisk()
    models = registry(disk, keep=2)
    models.register(made())

    def move_on() -> None:
        for _ in range(3):
            models.promote(models.register(made()), "")

    disk.meanwhile = move_on
    assert registry(disk).load_champion().version == 4
    assert 1 not in models.versions()
