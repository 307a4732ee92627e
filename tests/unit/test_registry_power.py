"""The registry through a death at every boundary of the disk: one champion before, during and after."""

import copy
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from mlops.errors import BadInputError
from mlops.places import Places
from mlops.registry.registry import Registry
from tests.fixtures.registry_audit import audit, readable
from tests.fixtures.simulated_disk import PowerCut, SimulatedDisk
from tests.fixtures.small_models import made

PLACES = Places(Path("/w"))
Act = Callable[[Registry], object]
ACTS: dict[str, Act] = {
    "register": lambda registry: registry.register(made(9)),
    "promote": lambda registry: registry.promote(4, "better"),
    "challenge": lambda registry: registry.set_challenger(4, "shadow"),
    "rollback": lambda registry: registry.rollback("worse"),
}


def registry(disk: SimulatedDisk) -> Registry:
    return Registry(PLACES, "credit", keep=3, disk=disk, lock=nullcontext)


@pytest.fixture(scope="module")
def world() -> SimulatedDisk:
    """Champion 2 with a way back to 1, and 4, which nobody has judged; one more version is one too many."""
    disk = SimulatedDisk()
    models = registry(disk)
    for n in range(2):
        models.register(made(n))
    models.promote(2, "")
    models.promote(models.register(made(3)), "")
    models.rollback("")
    models.register(made(4))
    return disk


def boundaries(world: SimulatedDisk, act: Act) -> int:
    disk = copy.deepcopy(world)
    before = disk.calls
    act(registry(disk))
    return disk.calls - before


def die_at(world: SimulatedDisk, act: Act, call: int, death: str, seed: int) -> SimulatedDisk:
    disk = copy.deepcopy(world)
    disk.random.seed(seed)
    disk.arm(call)
    with suppress(PowerCut):
        act(registry(disk))
    disk.power_cut() if death == "power" else disk.crash()
    return disk


def wrong(world: SimulatedDisk, disk: SimulatedDisk) -> list[str]:
    """What readers see after the death, and what an audit finds once it is made good."""
    models = registry(disk)
    found = readable(models)
    before, after = registry(world).pointer(), models.pointer()
    if after.generation not in {before.generation, before.generation + 1}:
        found.append(f"generation {before.generation} became {after.generation}")
    if after.generation == before.generation and after != before:
        found.append("the pointer changed and its generation did not")
    models.reconcile()
    return found + audit(models, disk, PLACES)


@pytest.mark.parametrize("death", ["power", "process"])
@pytest.mark.parametrize("name", ACTS)
def test_a_death_at_any_boundary_leaves_one_champion_and_every_record(
    name: str, death: str, world: SimulatedDisk
) -> None:
    count = boundaries(world, ACTS[name])
    assert count >= 10
    for call in range(1, count + 1):
        for seed in range(2):
            disk = die_at(world, ACTS[name], call, death, seed=call + 1000 * seed)
            assert wrong(world, disk) == [], f"{name} died by {death} at {call} of {count}"


def test_what_died_can_be_done_again_by_whoever_comes_next(world: SimulatedDisk) -> None:
    for name, act in ACTS.items():
        for call in range(1, boundaries(world, act) + 1, 2):
            disk = die_at(world, act, call, "power", seed=call)
            with suppress(BadInputError):  # the rollback was done: there is nothing further back
                act(registry(disk))
            registry(disk).register(made())
            assert audit(registry(disk), disk, PLACES) == [], f"{name} at {call}"
