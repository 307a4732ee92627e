"""The process platform on real processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.model import ProcessPlatform as Process
from config.model import Service
from platforms.platform import Incarnation
from platforms.process import ProcessPlatform
from platforms.process_table import ProcessTable, ProcTable
from platforms.process_table_psutil import PsutilTable
from tests.fixtures.platform_conformance import PlatformConformance

_COMMANDS = {
    "steady": ("sleep", "1000"),
    "stubborn": ("sh", "-c", "trap '' TERM; sleep 1000; :"),
    "failing": ("sh", "-c", "echo about to fail; exit 3"),
    "crowd": ("sh", "-c", "sleep 1000 & sleep 1000 & wait"),
}


def service(name: str, *command: str, cwd: str = ".", env: dict[str, str] | None = None) -> Service:
    return Service(name=name, platform=Process(command=command, cwd=cwd, env=env or {}))


def environ_of(pid: int) -> dict[str, str]:
    return psutil.Process(pid).environ()


class RealRig:
    def __init__(self, folder: Path, table: ProcessTable) -> None:
        self.folder = folder
        self.table = table

    def daemon(self) -> ProcessPlatform:
        services = [service(name, *command) for name, command in _COMMANDS.items()]
        return ProcessPlatform(self.folder, services, self.table)

    def living(self, service: str) -> int:
        return len(self.processes(service))

    def processes(self, service: str = "") -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                marks = process.environ()
                dead = process.status() == psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            ours = marks.get("NIGHTWARDEN_STATE") == str(self.folder.resolve())
            if ours and not dead and service in ("", marks.get("NIGHTWARDEN_SERVICE")):
                found.append(process)
        return found

    def send(self, life: Incarnation, signal: int) -> None:
        os.kill(life.pid, signal)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RealRig]:
    rig = RealRig(tmp_path, ProcTable())
    yield rig
    for process in rig.processes():
        process.kill()


class TestProcessPlatform(PlatformConformance):
    """The kernel's own table and pidfds."""


class TestProcessPlatformWithoutLinux(PlatformConformance):
    """psutil's table, and looking instead of pidfds."""

    @pytest.fixture
    def rig(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealRig]:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        rig = RealRig(tmp_path, PsutilTable())
        yield rig
        for process in rig.processes():
            process.kill()
