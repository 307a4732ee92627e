"""A cell: the services of one scenario, apart from all others, as users and vandals reach them."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
STARTED = re.compile(rb"started, pid (\d+)")
TAIL = 262_144
LOOK_S = 0.2
ASK_S = 0.8


@dataclass
class Cell:
    """`name` says nothing of what will happen here: it stands in addresses, paths and logs that the daemon reads."""

    name: str
    folder: Path
    ports: dict[str, int]
    state: Path  # the daemon's folder
    config: Path
    watched: list[str] = field(default_factory=list)  # roles with an HTTP health page
    mendable_at: float = 0.0  # from when on it could be healed, where that is later than the fault
    good_since: float = 0.0  # as users see it; 0: not well
    failed_at: float = 0.0  # when users met a failure last
    told: dict[str, Any] = field(default_factory=dict)  # what else the log is to hold
    held: dict[str, Any] = field(default_factory=dict)  # links and partners, by role

    def service(self, role: str) -> str:
        return f"{self.name}-{role}"

    def url(self, role: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[role]}{path}"

    # --- as users ---

    async def ask(
        self, role: str, path: str = "/health", method: str = "GET", timeout_s: float = ASK_S
    ) -> int:
        """The status, 0 for no answer."""
        with contextlib.suppress(OSError, TimeoutError, ValueError, IndexError):
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[role])
                try:
                    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    writer.write(head.encode())
                    await writer.drain()
                    return int((await reader.readline()).split()[1])
                finally:
                    writer.close()
        return 0

    async def use(self) -> None:
        """What users do all the time, at one pace, so that being watched changes nothing; goes on until cancelled."""
        while True:
            good = all([await self.ask(role) == 200 for role in self.watched])
            if good and (well := self.held.get("well")) is not None:  # of what has no page
                good = await asyncio.to_thread(well)
            now = time.time()
            if not good:
                self.good_since, self.failed_at = 0.0, now
            elif not self.good_since:
                self.good_since = now
            await asyncio.sleep(LOOK_S)

    def well_for_s(self) -> float:
        return time.time() - self.good_since if self.good_since else 0.0

    async def steady(self, seconds: float, limit_s: float) -> bool:
        """Wait until everybody has been well for so long, as users saw it."""
        began = time.monotonic()
        while time.monotonic() - began < limit_s:
            if self.well_for_s() >= seconds:
                return True
            await asyncio.sleep(LOOK_S / 2)
        return False

    async def crowd(
        self, role: str, path: str, seconds: float, people: int = 6, pause_s: float = 0.05
    ) -> None:
        """A noisy peak of load: many ask at once, in bursts."""
        end = time.monotonic() + seconds

        async def one(number: int) -> None:
            while time.monotonic() < end:
                for _ in range(5 + 3 * number):
                    await self.ask(role, path, timeout_s=2.0)
                await asyncio.sleep(pause_s * (number + 1))

        await asyncio.gather(*(one(number) for number in range(people)))

    # --- as vandals ---

    async def pid(self, role: str) -> int:
        """Of the newest life, as its own log tells, which costs less than to search the whole machine; 0: it is gone."""
        return await asyncio.to_thread(newest_pid, self.folder / role / "logs/out.log")

    async def signal(self, role: str, number: int = signal.SIGKILL) -> None:
        send(await self.pid(role), number)

    async def fault(self, role: str, what: str) -> None:
        """One of examples/faults.py."""
        await self.ask(role, f"/fault/{what}", "POST", timeout_s=5.0)

    def point_release(self, version: str, role: str = "shop") -> None:
        """As a deployment does: a new link replaces the old one in one step."""
        link = self.folder / role / "releases/current"
        fresh = link.with_name(".fresh")
        fresh.symlink_to(version)
        fresh.replace(link)

    async def operator(self, *words: str) -> tuple[int, str]:
        """Exit code and output of Nightwarden's command line, as a person at a terminal uses it."""
        call = [sys.executable, "-m", "scripts.nightwarden", *words, "--state", str(self.state)]
        process = await asyncio.create_subprocess_exec(
            *call, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace")


def send(pid: int, number: int) -> None:
    """To one process that is there: 0 would mean ourselves and everybody beside us."""
    if pid <= 1:
        raise RuntimeError("there is nobody to send a signal to")
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def newest_pid(log: Path) -> int:
    """As a service's own log tells it; 0 where it is gone."""
    found = STARTED.findall(_tail(log))
    pid = int(found[-1]) if found else 0
    return pid if pid and psutil.pid_exists(pid) else 0


def _tail(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            return file.read()
    except OSError:
        return b""


def listener(port: int) -> int:
    """Who listens there; 0: nobody."""
    for found in psutil.net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
            return found.pid
    return 0
