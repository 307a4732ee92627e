"""Runs in which nothing is wrong, however it looks: the right number of acts is 0."""

import asyncio
import math
import random
import signal
import time
from typing import Any

from scripts.chaos.cell import Cell, send
from scripts.chaos.households import chain, elsewhere, one, pair, pricing, shop
from scripts.chaos.links import partner_is_there
from scripts.chaos.processes import switch
from scripts.chaos.scenario import Deed, Scenario

CALM, OPERATOR, CHANGE, NOISE = "nothing is wrong", "an operator's will", "a good change", "noise"
LASTS_S = 20.0


async def daily_cycle(cell: Cell) -> None:
    """A day in twenty seconds: load rises and falls as the sun does."""
    began = time.monotonic()
    while (now := time.monotonic() - began) < LASTS_S:
        for _ in range(round(8 * (1 - math.cos(2 * math.pi * now / LASTS_S)))):
            await cell.ask(cell.watched[-1], "/price?sku=mug" if cell.watched[-1] == "shop" else "/metrics")
        await asyncio.sleep(0.2)


async def peak(cell: Cell) -> None:
    await cell.fault("shop", "busy?seconds=8&share=0.3")
    await cell.crowd("shop", "/price?sku=book", 8.0, people=3, pause_s=0.2)


async def short_freezes(cell: Cell) -> None:
    """Pauses of a collector of garbage, each shorter than a probe waits."""
    pid = await cell.pid("pricing")
    for _ in range(6):
        send(pid, signal.SIGSTOP)
        await asyncio.sleep(0.2)
        send(pid, signal.SIGCONT)
        await asyncio.sleep(2.0)


async def one_hiccup(cell: Cell) -> None:
    """A single probe gets no answer: one is no proof."""
    pid = await cell.pid("pricing")
    send(pid, signal.SIGSTOP)
    await asyncio.sleep(0.55)
    send(pid, signal.SIGCONT)
    await asyncio.sleep(10.0)


async def noisy_log(cell: Cell) -> None:
    """Errors of the past, and of others, in the log of a healthy service."""
    lines = (
        "ERROR handled: JSONDecodeError: Expecting value: line 1 column 1",
        "WARNING Traceback (most recent call last): as an example",
        "ERROR retried: no space left on device (of a customer)",
        "CRITICAL too many open files, said the tutorial",
    )
    path = cell.folder / "pricing/logs/out.log"

    def write() -> None:
        with path.open("a") as log:
            log.write("".join(f"{line} {random.random():.3f}\n" for line in lines))

    for _ in range(10):
        await asyncio.to_thread(write)
        await asyncio.sleep(1.0)


async def client_errors(cell: Cell) -> None:
    """Users ask for what is not there."""
    for _ in range(100):
        await cell.ask("shop", "/price?sku=nothing")
        await asyncio.sleep(0.1)


async def warm_up(cell: Cell) -> None:
    """Memory rises to a level and stays there, as a cache does that fills."""
    await cell.fault("pricing", "fill?mib=60&seconds=6")
    await asyncio.sleep(LASTS_S)


def stopped(role: str) -> Deed:
    async def do(cell: Cell) -> None:
        await cell.operator("stop", cell.service(role))
        await asyncio.sleep(8.0)
        cell.told["stayed"] = not await cell.pid(role)
        await cell.operator("start", cell.service(role))
        await asyncio.sleep(4.0)

    return do


async def backup_pause(cell: Cell) -> None:
    """The daemon is told to keep its hands off, then the service is frozen for a backup."""
    await cell.operator("pause")
    await cell.signal("pricing", signal.SIGSTOP)
    await asyncio.sleep(6.0)
    await cell.signal("pricing", signal.SIGCONT)
    await asyncio.sleep(2.0)
    await cell.operator("resume")
    await asyncio.sleep(4.0)


def deployed(version: str) -> Deed:
    async def do(cell: Cell) -> None:
        cell.point_release(version)
        await asyncio.sleep(LASTS_S)

    return do


async def deployed_twice(cell: Cell) -> None:
    cell.point_release("v3")
    await asyncio.sleep(LASTS_S / 2)
    cell.point_release("v1")
    await asyncio.sleep(LASTS_S / 2)


async def touched_file(cell: Cell) -> None:
    """The declared file grows by good orders, and is replaced as it should be."""
    for _ in range(40):
        await cell.ask("shop", "/orders", "POST")
        await cell.ask("shop", "/orders")
        await asyncio.sleep(0.3)


async def partner_unneeded(cell: Cell) -> None:
    """A partner on whom nobody depends goes away: an incident of its own, and nobody's act."""
    await cell.held["partner"].down()
    await asyncio.sleep(8.0)
    await cell.held["partner"].up()
    await asyncio.sleep(4.0)


def beside_partner(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell), elsewhere(cell, "partner", "/")]


def patient(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, env={"START_DELAY_S": "6"}), shop(cell)]


def calm(
    name: str, fault: str, build: Any, do: Deed | None = None, family: str = NOISE, **more: Any
) -> Scenario:
    async def wait(_cell: Cell) -> None:
        await asyncio.sleep(LASTS_S)

    return Scenario(name=name, family=family, fault=fault, build=build, do=do or wait, **more)


def scenarios() -> list[Scenario]:
    return [
        calm("steady-one", "a service by itself", one, family=CALM),
        calm("steady-pair", "two services, one needs the other", pair, family=CALM),
        calm("steady-chain", "three services in a row", chain, family=CALM),
        calm("slow-first-boot", "the first boot takes six seconds", patient, family=CALM),
        calm("daily-cycle", "load rises and falls as in a day", pair, daily_cycle),
        calm("daily-cycle-scraped", "somebody else's scrapes rise and fall", one, daily_cycle),
        calm("load-peak", "a noisy peak of load", pair, peak),
        calm("busy-not-dead", "half of a processor is used up for 15 s", one, switch("pricing", "busy?seconds=15&share=0.5"),
             lasts_s=LASTS_S, regression="busy, not dead"),
        calm("slower-than-usual", "answers take 0.1 s longer", pair, switch("pricing", "slow?seconds=0.1"), lasts_s=LASTS_S),
        calm("short-freezes", "six pauses of 0.2 s", one, short_freezes),
        calm("one-hiccup", "one probe without an answer", one, one_hiccup),
        calm("noisy-log", "old errors in the log of a healthy service", one, noisy_log),
        calm("client-errors", "users ask for what is not there", pair, client_errors),
        calm("memory-plateau", "memory rises by 60 MiB and stays", one, warm_up),
        calm("file-in-use", "the declared file is written all the time", pair, touched_file),
        calm("good-deploy", "a good release", pair, deployed("v3"), CHANGE),
        calm("deploy-and-back", "a good release, and back", pair, deployed_twice, CHANGE),
        calm("same-deploy", "the same release again", pair, deployed("v1"), CHANGE),
        calm("unneeded-partner-away", "a partner nobody needs goes away", beside_partner, partner_unneeded,
             prepare=partner_is_there),
        calm("human-stopped", "an operator stops it", one, stopped("pricing"), OPERATOR,
             regression="human-stopped stays stopped"),
        calm("human-stopped-below", "an operator stops the last of a chain", chain, stopped("worker"), OPERATOR,
             regression="human-stopped stays stopped"),
    ]  # fmt: skip
