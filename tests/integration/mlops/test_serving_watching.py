from pathlib import Path

from msgspec.structs import replace

from mlops.places import Places
from mlops.registry.pointer import read_pointer, write_pointer
from mlops.registry.registry import Registry
from mlops.serving.slot import Slot
from mlops.serving.watching import CHECK_S, RETRY_S, Follower
from tests.fixtures.served_models import credit
from utils.disk import OsDisk


def watched(root: Path, versions: int = 3) -> tuple[Registry, Slot, Follower]:
    places = Places(root)
    registry = Registry(places, "credit")
    for number in range(versions):
        registry.register(credit(intercept=number / 3))
    slot = Slot(places, "credit")
    return registry, slot, Follower(slot)


def version(slot: Slot) -> int | None:
    return None if slot.champion is None else slot.champion.version


def damage(root: Path, number: int) -> bytes:
    file = Places(root).version("credit", number) / "linear.json"
    whole = file.read_bytes()
    file.write_bytes(b"{}")
    return whole


def name_champion(registry: Registry, number: int | None) -> None:
    """As a writer does that does not look at the files."""
    path = registry.places.pointer("credit")
    pointer = read_pointer(OsDisk(), path)
    assert pointer is not None
    write_pointer(OsDisk(), path, replace(pointer, generation=pointer.generation + 1, champion=number))


def test_promotion_and_rollback_are_followed(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    follower.look(0.0)
    assert (version(slot), slot.problem, slot.figures.swaps) == (1, "", 0)
    registry.promote(3, "better")
    follower.look(0.1)
    registry.rollback("worse")
    assert (version(slot), slot.generation) == (3, 4)
    follower.look(0.2)
    assert (version(slot), slot.figures.swaps, slot.problems) == (1, 2, [])


def test_nothing_is_loaded_again_while_the_pointer_stands_still(tmp_path: Path) -> None:
    _, slot, follower = watched(tmp_path)
    follower.look(0.0)
    before = slot.champion
    for n in range(100):
        follower.look(n / 10)
    assert slot.champion is before


def test_the_challenger_that_is_promoted_is_not_loaded_a_second_time(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    registry.set_challenger(2)
    follower.look(0.0)
    challenger = slot.challenger
    assert challenger is not None
    assert challenger.version == 2
    registry.promote(2, "better")
    follower.look(0.1)
    assert slot.champion is challenger
    assert slot.challenger is None


def test_a_challenger_that_is_withdrawn_or_damaged_scores_no_more(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    registry.set_challenger(2)
    follower.look(0.0)
    registry.set_challenger(None)
    follower.look(0.1)
    assert slot.challenger is None
    registry.set_challenger(2)
    follower.look(0.2)
    assert slot.challenger is not None
    registry.set_challenger(3)
    damage(tmp_path, 3)
    follower.look(0.3)
    assert (version(slot), slot.challenger) == (1, None)
    assert slot.problems[0].startswith("challenger 3 was not taken")


def test_a_champion_that_does_not_load_is_refused_told_and_tried_again(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    follower.look(0.0)
    whole = damage(tmp_path, 2)
    name_champion(registry, 2)
    follower.look(0.1)
    assert (version(slot), slot.figures.swaps_refused) == (1, 1)
    assert slot.problems[0].startswith("champion 2 was not taken")
    follower.look(0.2)
    follower.look(0.1 + RETRY_S)
    assert slot.figures.swaps_refused == 1
    (registry.places.version("credit", 2) / "linear.json").write_bytes(whole)
    follower.look(0.1 + 2 * RETRY_S)
    assert (version(slot), slot.problems) == (2, [])


def test_no_champion_is_a_problem_until_there_is_one(tmp_path: Path) -> None:
    slot = Slot(Places(tmp_path), "credit")
    follower = Follower(slot)
    follower.look(0.0)
    assert (version(slot), slot.problem) == (None, "no version has been trained yet")
    Registry(Places(tmp_path), "credit").register(credit())
    follower.look(0.1)
    assert (version(slot), slot.problem) == (1, "")


def test_a_registry_that_is_gone_leaves_the_champion_in_place(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    follower.look(0.0)
    for path in registry.places.model("credit").glob("*.json*"):
        path.unlink()
    follower.look(0.1)
    assert version(slot) == 1
    assert slot.problems == ["the registry names no champion any more; the last one serves"]


def test_a_pointer_that_is_damaged_is_told_and_the_champion_serves(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    follower.look(0.0)
    (registry.places.model("credit") / "history.jsonl").unlink()
    registry.places.pointer("credit").write_bytes(b"{")
    follower.look(0.1)
    assert version(slot) == 1
    assert "is damaged" in slot.problems[0]


def test_files_that_are_damaged_under_a_champion_that_serves_are_told(tmp_path: Path) -> None:
    registry, slot, follower = watched(tmp_path)
    follower.look(0.0)
    whole = damage(tmp_path, 1)
    follower.look(CHECK_S - 0.1)
    assert slot.problems == []
    follower.look(CHECK_S)
    assert version(slot) == 1
    assert slot.problems[0].startswith("version 1 answers from memory and could not be loaded again")
    (Places(tmp_path).version("credit", 1) / "linear.json").write_bytes(whole)
    follower.look(2 * CHECK_S)
    assert slot.problems == []
    damage(tmp_path, 1)
    follower.look(3 * CHECK_S)
    registry.promote(2, "heals it")
    follower.look(3 * CHECK_S + 0.1)
    assert (version(slot), slot.problems) == (2, [])
