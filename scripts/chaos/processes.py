"""Scenarios of processes that die, freeze, or cannot boot."""

import asyncio
import os
import signal
import time
from typing import Any

from scripts.chaos.cell import Cell
from scripts.chaos.households import chain, elsewhere, one, pair, pricing, shop, worker
from scripts.chaos.partner import Partner
from scripts.chaos.scenario import Deed, Scenario

KILLED, HUNG, BOOT = "process killed", "process frozen", "cannot boot"
CANNOT_BOOT_S = 15.0
SLOW_BOOT_S = "3"


def signalled(role: str, number: int = signal.SIGKILL) -> Deed:
    async def do(cell: Cell) -> None:
        await cell.signal(role, number)

    return do


def switch(role: str, what: str) -> Deed:
    async def do(cell: Cell) -> None:
        await cell.fault(role, what)

    return do


async def again_and_again(cell: Cell) -> None:
    """Each time it has been well for a while: a count of failures that is not reset would end it."""
    for _ in range(3):
        await cell.signal("pricing")
        await asyncio.sleep(1.0)
        await cell.steady(2.5, 30.0)
    cell.mendable_at = time.time()
    await cell.signal("pricing")


async def partner_is_there(cell: Cell) -> None:
    cell.held["partner"] = partner = Partner(cell.ports["partner"])
    await partner.up()


async def boots_without_partner(cell: Cell) -> None:
    await cell.held["partner"].down()
    await cell.signal("worker")
    await asyncio.sleep(CANNOT_BOOT_S)
    await cell.held["partner"].up()
    cell.mendable_at = time.time()


async def boots_without_model(cell: Cell) -> None:
    model = cell.folder / "pricing/model.json"
    away = model.with_name("away.json")
    await asyncio.to_thread(os.replace, model, away)
    await cell.signal("pricing")
    await asyncio.sleep(CANNOT_BOOT_S)
    await asyncio.to_thread(os.replace, away, model)
    cell.mendable_at = time.time()


def with_partner(cell: Cell) -> list[dict[str, Any]]:
    needs = [cell.service("shop"), cell.service("partner")]
    waiting = worker(cell, {"WAIT_FOR": cell.url("partner", "/")}, depends_on=needs)
    return [pricing(cell), shop(cell), waiting, elsewhere(cell, "partner", "/")]


def slow_boot(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, env={"START_DELAY_S": SLOW_BOOT_S})]


def scenarios() -> list[Scenario]:
    return [
        Scenario(name="killed", family=KILLED, fault="SIGKILL from outside", build=one, do=signalled("pricing"),
                 culprit="pricing", causes=("crash",)),
        Scenario(name="terminated", family=KILLED, fault="SIGTERM from a stranger", build=one,
                 do=signalled("pricing", signal.SIGTERM), culprit="pricing", causes=("crash",)),
        Scenario(name="error-nobody-caught", family=KILLED, fault="an exception ends the process, code 3", build=pair,
                 do=switch("shop", "exit?code=3"), culprit="shop", causes=("crash",), spared=("pricing",)),
        Scenario(name="dependency-killed", family=KILLED, fault="SIGKILL of the one below a chain of three", build=chain,
                 do=signalled("pricing"), culprit="pricing", causes=("crash",), spared=("shop", "worker")),
        Scenario(name="killed-four-times", family=KILLED, fault="SIGKILL, and again each time it was well", build=one,
                 do=again_and_again, culprit="pricing", causes=("crash",), regression="failure counter not reset"),
        Scenario(name="killed-while-slow-to-boot", family=KILLED, fault="SIGKILL of a service that boots for 3 s",
                 build=slow_boot, do=signalled("pricing"), culprit="pricing", causes=("crash",), most_acts=1,
                 regression="the booting process is restarted"),
        Scenario(name="no-boot-dependency-away", family=BOOT, fault="killed; for 15 s it cannot boot for want of a partner",
                 build=with_partner, prepare=partner_is_there, do=boots_without_partner, culprit="partner",
                 causes=("dependency_failure", "crash"), spared=("pricing", "shop"), limit_s=75.0),
        Scenario(name="no-boot-file-away", family=BOOT, fault="killed; for 15 s its model file is not there", build=one,
                 do=boots_without_model, culprit="pricing", causes=("crash", "config_error"), limit_s=75.0),
        Scenario(name="frozen", family=HUNG, fault="SIGSTOP", build=one, do=signalled("pricing", signal.SIGSTOP),
                 culprit="pricing", causes=("hang",)),
        Scenario(name="dependency-frozen", family=HUNG, fault="SIGSTOP of a dependency", build=pair,
                 do=signalled("pricing", signal.SIGSTOP), culprit="pricing", causes=("hang",), spared=("shop",)),
        Scenario(name="handler-hangs", family=HUNG, fault="requests get no answer while the process lives", build=pair,
                 do=switch("shop", "hang"), culprit="shop", causes=("hang",), spared=("pricing",),
                 regression="one check that never returns"),
    ]  # fmt: skip
