"""Somebody planted a fix that is said to cure everything: it is found out, taken back, trusted less, and people are told."""

import asyncio
from pathlib import Path

import pytest
from msgspec import Struct

from agents.events import FixChosen, FixFailed, FixStarted, HarmFound
from tests.fixtures.planted import GOOD, HARMS, PLANTED, Plant, PlantedDaemon, plant_of

WITHIN_S = 240.0


class Outcome(Struct, frozen=True):
    plant: Plant
    acted: bool
    undone: bool = False
    called_harmful: bool = False
    told: bool = False
    untrusted: bool = False
    first_again: bool = False
    well: bool = False


async def live(folder: Path, plant: Plant) -> Outcome:
    async with PlantedDaemon(folder, plant) as virtual:
        assert await virtual.until(virtual.well, 30.0)
        await asyncio.sleep(5.0)
        virtual.break_shop()

        def planted() -> list[FixStarted]:
            return [act for act in virtual.facts(FixStarted) if act.fix == PLANTED and not act.undo_of]

        if not await virtual.until(lambda: bool(planted()), 20.0):
            return Outcome(plant, acted=False)
        await virtual.until(lambda: virtual.world.version("shop") == GOOD and virtual.well(), WITHIN_S)
        await asyncio.sleep(3.0)
        act = planted()[0]
        trust = virtual.state("act_gate").trust.get(f"{act.cause_name} {PLANTED}")
        rate = virtual.state("intelligent_fix_selector").rates.get(f"{act.cause_name}/{PLANTED}")
        failed = [f for f in virtual.facts(FixFailed) if f.fix == PLANTED]
        lines = [
            line for line in virtual.told if PLANTED in line and ("worse" in line or "did not help" in line)
        ]
        harmful = any(f.harmful for f in failed) or any(f.fix == PLANTED for f in virtual.facts(HarmFound))
        undone = {started.undo_of for started in virtual.facts(FixStarted) if started.undo_of}
        seen, well = len(virtual.facts(FixChosen, "shop")), virtual.well()
        if well:
            virtual.break_shop()
            await virtual.until(lambda: len(virtual.facts(FixChosen, "shop")) > seen, 20.0)
        again = virtual.facts(FixChosen, "shop")[seen:][:1]
        return Outcome(
            plant,
            acted=True,
            undone=act.id in undone and virtual.world.version("shop") == GOOD,
            called_harmful=harmful,
            told=bool(lines),
            untrusted=trust is not None and trust.failures > 0 and trust.successes == 0 and bool(trust.harms) == harmful
            and rate is not None and rate.by_service["shop"].failures > 0,
            first_again=bool(again) and again[0].fix == PLANTED,
            well=well,
        )  # fmt: skip


async def lives(tmp_path: Path, seeds: range, *, useless: bool = False) -> list[Outcome]:
    return [await live(tmp_path / f"{seed}", plant_of(seed, useless=useless)) for seed in seeds]


def share(found: list[Outcome], what: str) -> float:
    return sum(bool(getattr(outcome, what)) for outcome in found) / len(found)


@pytest.mark.parametrize("seeds", [range(60), pytest.param(range(60, 1000), marks=pytest.mark.soak)])
async def test_a_fix_that_makes_things_worse_is_undone_and_demoted_and_people_are_told(
    tmp_path: Path, seeds: range
) -> None:
    found = await lives(tmp_path, seeds)
    assert share(found, "acted") == 1.0, "the plant was not even tried"
    assert {outcome.plant.harm for outcome in found} == set(HARMS)
    for what in ("undone", "told", "untrusted", "well"):
        assert share(found, what) >= 0.99, [o.plant for o in found if not getattr(o, what)]
    assert share(found, "first_again") <= 0.01, "the same fix is not the first choice again"
    of_others = [o for o in found if o.plant.harm not in {"errors", "hang"}]  # an old symptom is no worse
    assert share(of_others, "called_harmful") >= 0.99


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 200), marks=pytest.mark.soak)])
async def test_a_fix_that_does_nothing_is_undone_and_demoted_and_is_not_called_harmful(
    tmp_path: Path, seeds: range
) -> None:
    found = await lives(tmp_path, seeds, useless=True)
    for what in ("acted", "undone", "told", "untrusted", "well"):
        assert share(found, what) >= 0.99, [o.plant for o in found if not getattr(o, what)]
    assert share(found, "called_harmful") == 0.0
