"""Faults of the network itself, below every program: packets to and from a port are lost, by the kernel's netem."""

import asyncio
from pathlib import Path
from shutil import which
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from config.model import HttpProbe, Service, TcpProbe
from platforms.chaos.fault import Fault, FaultRefused, Ground, Plan
from platforms.platform import PlatformError

HANDLE = "4e57:"  # ours, by which it is found again
_NET_ADMIN = 12  # the capability's number


class CutOptions(Struct, frozen=True, forbid_unknown_fields=True):
    device: str = "lo"
    port: int = 0  # 0: that of the probe


class PacketLossOptions(CutOptions, frozen=True, forbid_unknown_fields=True):
    percent: Annotated[float, Meta(gt=0, le=100)] = 30.0


class Lossy(Plan, frozen=True, kw_only=True):
    device: str
    port: int
    percent: float


class NetemFault(Fault[Lossy, Any]):
    plan_type = Lossy

    def __init__(self, name: str, ground: Ground) -> None:
        super().__init__(name, ground)
        self.options = CutOptions if name == "cut" else PacketLossOptions

    async def plan(self, service: Service, plan_id: str, options: Any, for_s: float) -> Lossy:
        del for_s
        if which("tc") is None:
            raise FaultRefused("the network cannot be disturbed here: tc (iproute2) is not installed")
        if not await asyncio.to_thread(_may):
            raise FaultRefused("the network cannot be disturbed here: that needs CAP_NET_ADMIN")
        port = options.port
        if not port and isinstance(service.probe, HttpProbe | TcpProbe):
            port = urlsplit(service.probe.url).port or 0
        if not port:
            raise FaultRefused(f"the probe of {service.name} names no port; name one with the option port")
        try:
            has = await _tc("qdisc", "show", "dev", options.device)
        except PlatformError as error:
            raise FaultRefused(str(error)) from error
        if any(" root " in f"{line} " and "noqueue" not in line for line in has.splitlines()):
            raise FaultRefused(f"{options.device} has a queueing discipline already: {has.splitlines()[0]}")
        return Lossy(
            id=plan_id, service=service.name, fault=self.name, device=options.device, port=port,
            percent=getattr(options, "percent", 100.0),
        )  # fmt: skip

    async def inject(self, plan: Lossy) -> str:
        """All other traffic goes through the bands before ours, as without it."""
        dev = ("dev", plan.device)
        bands = (
            "bands",
            "4",
            "priomap",
            *["1", "2", "2", "2", "1", "2", "0", "0", "1", "1", "1", "1", "1", "1", "1", "1"],
        )
        await _tc("qdisc", "add", *dev, "root", "handle", HANDLE, "prio", *bands)
        await _tc("qdisc", "add", *dev, "parent", f"{HANDLE}4", "netem", "loss", f"{plan.percent:g}%")
        for end in ("dport", "sport"):
            await _tc(
                "filter", "add", *dev, "parent", HANDLE, "protocol", "ip", "prio", "1", "u32",
                "match", "ip", end, str(plan.port), "0xffff", "flowid", f"{HANDLE}4",
            )  # fmt: skip
        return f"{plan.percent:g} % of the packets of port {plan.port} on {plan.device} are lost"

    async def undo(self, plan: Lossy) -> str:
        if not await self.verify(plan):
            return f"{plan.device} is as before already"
        await _tc("qdisc", "del", "dev", plan.device, "root", "handle", HANDLE)
        return f"{plan.device} loses nothing any more"

    async def verify(self, plan: Lossy) -> str:
        has = await _tc("qdisc", "show", "dev", plan.device)
        return f"{plan.device} still has our queueing discipline {HANDLE}" if f" {HANDLE} " in has else ""


def _may() -> bool:
    try:
        [line] = [
            line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff")
        ]
    except (OSError, ValueError):
        return False
    return bool(int(line.split()[1], 16) >> _NET_ADMIN & 1)


async def _tc(*words: str) -> str:
    try:
        tc = await asyncio.create_subprocess_exec(
            "tc", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await tc.communicate()
    except OSError as error:
        raise PlatformError(f"tc cannot be run: {error.strerror}") from error
    if tc.returncode:
        raise PlatformError(f"tc {' '.join(words)}: {out.decode(errors='replace').strip()}")
    return out.decode(errors="replace")


FAULT = NetemFault
