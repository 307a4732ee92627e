"""Scenarios of bad releases, wrong settings, wrong secrets, and damaged files."""

import asyncio
import json
import time
from typing import Any

from scripts.chaos.cell import Cell
from scripts.chaos.households import KEY, WRONG_KEY, pair, pricing, released_pricing, shop
from scripts.chaos.scenario import Deed, Scenario

RELEASE, AUTH, STATE, MODEL = "bad release", "authentication", "damaged state", "wrong model"
NAN_MODEL = {"version": "nan", "bias": float("nan"), "weights": {"cost": 1.0}, "sample": {"cost": 6.0}}
OTHER_SCHEMA = {
    "version": "other",
    "bias": 1.0,
    "weights": {"price_paid": 1.1},
    "sample": {"price_paid": 6.0},
}


def deploy(version: str, role: str = "shop", *, restart: bool = False) -> Deed:
    async def do(cell: Cell) -> None:
        if restart:
            await cell.operator("stop", cell.service(role))
        cell.point_release(version, role)
        if restart:
            await cell.operator("start", cell.service(role))
            cell.mendable_at = time.time()  # until here it was the deployment that kept users waiting

    return do


async def damage_file(cell: Cell) -> None:
    path = cell.folder / "shop/data/shop.json"
    data = await asyncio.to_thread(path.read_bytes)
    await asyncio.to_thread(path.write_bytes, data[: len(data) // 2] + b"\x00garbage")


async def remove_file(cell: Cell) -> None:
    await asyncio.to_thread((cell.folder / "shop/data/shop.json").unlink)


async def damage_model_and_kill(cell: Cell) -> None:
    """What is in memory goes on working; the next life would not."""
    path = cell.folder / "pricing/model.json"
    await asyncio.to_thread(path.write_text, '{"version": "v1", "bias": ')
    await asyncio.sleep(8.0)
    cell.mendable_at = time.time()
    await cell.signal("pricing")


async def wrong_secret_by_operator(cell: Cell) -> None:
    """An edit of the daemon's own configuration, as a person makes it, and sees twenty seconds later that it was wrong."""
    await _use_key(cell, WRONG_KEY)
    await asyncio.sleep(20.0)
    await _use_key(cell, KEY)
    cell.mendable_at = time.time()


async def _use_key(cell: Cell, key: str) -> None:
    document = json.loads(await asyncio.to_thread(cell.config.read_text))
    for each in document["services"]:
        if each["name"] == cell.service("shop"):
            each["platform"]["env"]["PRICING_KEY"] = key
    fresh = cell.config.with_name(f"{cell.name}.fresh")
    await asyncio.to_thread(fresh.write_text, json.dumps(document))
    fresh.replace(cell.config)
    await asyncio.sleep(2.0)
    await cell.operator("stop", cell.service("shop"))
    await cell.operator("start", cell.service("shop"))  # so that it is read


async def rollback_is_bad_too(cell: Cell) -> None:
    """What would be gone back to is broken by then; after a while a person delivers one that works."""
    await asyncio.to_thread((cell.folder / "shop/releases/v1/settings.json").unlink)
    cell.point_release("v2")
    await asyncio.sleep(25.0)
    cell.point_release("v3")
    cell.mendable_at = time.time()


def guarded(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, env={"PRICING_KEY": KEY}), shop(cell, env={"PRICING_KEY": KEY})]


def declared_model(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, files=[{"path": "model.json", "check": "json", "backup_s": 1}])]


def released(cell: Cell) -> list[dict[str, Any]]:
    return [released_pricing(cell, {"v2": NAN_MODEL})]


def released_below(cell: Cell) -> list[dict[str, Any]]:
    return [released_pricing(cell, {"v2": OTHER_SCHEMA}), shop(cell)]


def scenarios() -> list[Scenario]:
    blame: dict[str, Any] = {"culprit": "shop", "causes": ("bad_deploy",), "spared": ("pricing",)}
    corrupt: dict[str, Any] = {"culprit": "shop", "causes": ("state_corruption",), "spared": ("pricing",)}
    return [
        Scenario(name="release-raises", family=RELEASE, fault="a release with text where a number is calculated with",
                 build=pair, do=deploy("v2"), **blame),
        Scenario(name="release-wrong-port", family=RELEASE, fault="a release that asks its dependency at a wrong port",
                 build=pair, do=deploy("v4"), **blame),
        Scenario(name="release-slow", family=RELEASE, fault="a release that takes 2 s for what took none", build=pair,
                 do=deploy("v6"), **blame),
        Scenario(name="rollback-breaks-it-too", family=RELEASE, fault="a bad release, and the one before is broken by now",
                 build=pair, do=rollback_is_bad_too, mitigable=False, regression="an undo that breaks the system", **blame),
        Scenario(name="release-wrong-secret", family=AUTH, fault="a release with a wrong key: its dependency says 401",
                 build=guarded, do=deploy("v5"), **blame),
        Scenario(name="operator-wrong-secret", family=AUTH, fault="a wrong key is written into the configuration",
                 build=guarded, do=wrong_secret_by_operator, culprit="shop", causes=("config_error",), mitigable=False,
                 spared=("pricing",), lone=True),
        Scenario(name="state-file-damaged", family=STATE, fault="garbage over half of a declared file", build=pair,
                 do=damage_file, **corrupt),
        Scenario(name="state-file-removed", family=STATE, fault="a declared file is removed", build=pair, do=remove_file,
                 **corrupt),
        Scenario(name="model-file-damaged", family=MODEL, fault="garbage in the model file, and 8 s later SIGKILL",
                 build=declared_model, do=damage_model_and_kill, culprit="pricing", causes=("state_corruption",)),
        Scenario(name="model-answers-nan", family=MODEL, fault="a release whose model answers NaN", build=released,
                 do=deploy("v2", "pricing", restart=True), culprit="pricing", causes=("bad_deploy",)),
        Scenario(name="model-wants-other-columns", family=MODEL,
                 fault="a release of a dependency wants other columns; its own health page is good", build=released_below,
                 do=deploy("v2", "pricing", restart=True), culprit="pricing", causes=("bad_deploy",), spared=("shop",)),
    ]  # fmt: skip
