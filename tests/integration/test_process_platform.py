"""The process platform on real processes, with Linux's means and without them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from platforms.processes.table import ProcTable
from platforms.processes.table_psutil import PsutilTable
from tests.fixtures.platform_conformance import PlatformConformance
from tests.fixtures.real_rig import RealRig


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
