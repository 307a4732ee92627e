"""Scenarios of what runs out: memory, processor, descriptors, disk, and what a service can take at once."""

import asyncio
import time
from typing import Any

from scripts.chaos.cell import Cell
from scripts.chaos.households import chain, one, pair, pricing, shop
from scripts.chaos.processes import SLOW_BOOT_S, slow_boot, switch
from scripts.chaos.scenario import Scenario

RESOURCES, QUEUE, FLOOD, DISK = "resource exhaustion", "queue", "load flood", "disk worn out"
LEAK_MIB_PER_S = 8
FLOOD_S = 12.0


async def fill_cache(cell: Cell) -> None:
    folder = cell.folder / "pricing/cache"

    def fill() -> None:
        for number in range(8):
            (folder / f"old{number}").write_bytes(b"x" * 8192)

    await asyncio.to_thread(fill)


async def full_disk(cell: Cell) -> None:
    """What the cache keeps lands on a device that is full, for as long as this lasts."""
    folder = cell.folder / "pricing/cache"
    target = folder / "check"

    def fill() -> None:
        target.unlink(missing_ok=True)
        target.symlink_to("/dev/full")

    await asyncio.to_thread(fill)
    await asyncio.sleep(FLOOD_S)
    await asyncio.to_thread(target.unlink)
    cell.mendable_at = time.time()


async def flood(cell: Cell) -> None:
    """Twenty times what it can take."""
    end = time.monotonic() + FLOOD_S

    async def one_of_many() -> None:
        while time.monotonic() < end:
            if await cell.ask("shop", "/price?sku=book", timeout_s=2.0) != 200:
                await asyncio.sleep(0.1)

    await asyncio.gather(*(one_of_many() for _ in range(20)))
    cell.mendable_at = time.time()


def caching(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, env={"CACHE_DIR": "cache"}, caches=["cache"])]


def writing(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, env={"CACHE_DIR": "cache"})]


def small(cell: Cell) -> list[dict[str, Any]]:
    services = [pricing(cell), shop(cell, env={"MOST_AT_ONCE": "3"})]
    cell.point_release("v7")
    return services


def scenarios() -> list[Scenario]:
    leak = f"leak?mib_per_s={LEAK_MIB_PER_S}"
    return [
        Scenario(name="memory-leak", family=RESOURCES, fault=f"{LEAK_MIB_PER_S} MiB/s are never given back", build=one,
                 do=switch("pricing", leak), culprit="pricing", causes=("memory_leak",)),
        Scenario(name="leak-and-slow-boot", family=RESOURCES, fault="a leak in a service that boots for 3 s",
                 build=slow_boot, do=switch("pricing", leak), culprit="pricing", causes=("memory_leak",), most_acts=1,
                 regression=f"two healers collide while it boots for {SLOW_BOOT_S} s"),
        Scenario(name="processor-used-up", family=RESOURCES, fault="a loop without end", build=one,
                 do=switch("pricing", "saturate"), culprit="pricing", causes=("cpu_saturation",)),
        Scenario(name="descriptor-leak", family=RESOURCES, fault="10 sockets/s are never closed", build=one,
                 do=switch("pricing", "descriptors?per_s=10"), culprit="pricing", causes=("connection_exhaustion",)),
        Scenario(name="cache-full", family=DISK, fault="a declared cache has used up its quota", build=caching,
                 do=fill_cache, culprit="pricing", causes=("disk_full",)),
        Scenario(name="disk-full", family=DISK, fault="writes say ENOSPC for 12 s, and nothing of ours can be cleaned",
                 build=writing, do=full_disk, culprit="pricing", causes=("disk_full",), mitigable=False),
        Scenario(name="consumer-stopped", family=QUEUE, fault="the worker's consumer stands still, its producers go on",
                 build=chain, do=switch("worker", "slow?seconds=3600"), culprit="worker", causes=("hang",),
                 spared=("shop", "pricing")),
        Scenario(name="flood", family=FLOOD, fault="more requests at once than it can take, for 12 s", build=small,
                 do=flood, culprit="shop", causes=("traffic_spike",), mitigable=False, spared=("shop", "pricing")),
        Scenario(name="dependency-errors", family="failing dependency",
                 fault="a dependency fails each request while its health page is good", build=pair,
                 do=switch("pricing", "errors"), culprit="pricing", causes=("dependency_failure",), spared=("shop",)),
        Scenario(name="dependency-slow", family="failing dependency", fault="a dependency takes 2 s longer", build=pair,
                 do=switch("pricing", "slow?seconds=2"), culprit="pricing", causes=("network_latency",),
                 spared=("shop",)),
    ]  # fmt: skip
