"""What is found out as soon as a process ended, for its next start: quick, and never at the price of a leftover."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from platforms.platform import Incarnation, PlatformError
from platforms.process import ProcessPlatform
from platforms.processes.group import Strangers
from platforms.processes.ready import READY_S
from platforms.processes.table import ProcTable
from tests.fixtures.platform_conformance import exits_of, until
from tests.fixtures.real_rig import RealRig, environ_of, service


class Counting(ProcTable):
    """Counts how often it is looked for orphans, and who is asked for the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[int] = Counter()
        self.looks = 0

    def heirs(self) -> Iterator[int]:
        self.looks += 1
        return super().heirs()

    def environ(self, pid: int) -> bytes:
        self.asked[pid] += 1
        return super().environ(pid)


@pytest.fixture
def table() -> Counting:
    return Counting()


@pytest.fixture
def rig(tmp_path: Path, table: Counting) -> Iterator[RealRig]:
    rig = RealRig(tmp_path, table)
    yield rig
    for process in rig.processes():
        process.kill()


async def ended(platform: ProcessPlatform, life: Incarnation) -> None:
    """Killed, seen, and what follows from it done."""
    exits = exits_of(platform)
    os.kill(life.pid, 9)
    await until(lambda: bool(exits))
    await asyncio.sleep(0.02)


async def test_a_start_right_after_the_end_need_not_look_for_orphans_any_more(
    rig: RealRig, table: Counting
) -> None:
    platform = ProcessPlatform(rig.folder, [service("one", "sleep", "1000")], table)
    await ended(platform, await platform.start("one", "m1"))
    looks = table.looks
    life = await platform.start("one", "m2")
    assert table.looks == looks
    await until(lambda: environ_of(life.pid).get("NIGHTWARDEN_INCARNATION") == "m2")
    await platform.close()


async def test_a_worker_that_outlives_its_leader_is_ended_before_the_next_start(rig: RealRig) -> None:
    command = ("sh", "-c", "setsid sleep 1000 & sleep 1000 & sleep 1000")
    platform = ProcessPlatform(rig.folder, [service("one", *command)], ProcTable())
    life = await platform.start("one", "m1")
    await until(lambda: len(rig.processes("one")) == 4)
    await ended(platform, life)
    assert len(rig.processes("one")) == 2 + 1  # the worker in the foreground goes on too
    await platform.start("one", "m2")
    await until(lambda: len(rig.processes("one")) == 4)
    assert {environ_of(p.pid)["NIGHTWARDEN_INCARNATION"] for p in rig.processes("one")} == {"m2"}
    await platform.close()


async def test_what_was_found_out_holds_for_one_start_only(rig: RealRig, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    command = ("sh", "-c", f"test -e {flag} && (setsid sleep 1000 &); sleep 1000")
    platform = ProcessPlatform(rig.folder, [service("one", *command)], ProcTable())
    first = await platform.start("one", "m1")
    await until(lambda: len(rig.processes("one")) == 2)
    os.killpg(first.pid, 9)
    await until(lambda: platform.current("one") is None)
    await asyncio.sleep(0.02)
    flag.touch()
    second = await platform.start("one", "m2")
    await until(lambda: len(rig.processes("one")) == 3)
    os.killpg(second.pid, 9)
    await until(lambda: platform.current("one") is None)
    await platform.start("one", "m3")
    await until(lambda: len(rig.processes("one")) == 3)
    assert {environ_of(p.pid)["NIGHTWARDEN_INCARNATION"] for p in rig.processes("one")} == {"m3"}
    await platform.close()


async def test_a_later_start_looks_for_itself(rig: RealRig, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexec sleep 1000\n")
    tool.chmod(0o755)
    platform = ProcessPlatform(rig.folder, [service("one", "./tool", cwd=str(tmp_path))], ProcTable())
    await ended(platform, await platform.start("one", "m1"))
    tool.unlink()
    await asyncio.sleep(READY_S)
    with pytest.raises(PlatformError, match=r"one: the command \./tool does not exist"):
        await platform.start("one", "m2")


async def test_a_program_that_went_away_a_moment_ago_is_told_in_words(rig: RealRig, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexec sleep 1000\n")
    tool.chmod(0o755)
    platform = ProcessPlatform(rig.folder, [service("one", "./tool", cwd=str(tmp_path))], ProcTable())
    await ended(platform, await platform.start("one", "m1"))
    tool.unlink()
    with pytest.raises(PlatformError, match=r"one: the command \./tool cannot be started: No such file"):
        await platform.start("one", "m2")


async def test_a_new_declaration_is_what_is_started(rig: RealRig) -> None:
    platform = ProcessPlatform(
        rig.folder, [service("one", "sleep", "1000", env={"COLOUR": "red"})], ProcTable()
    )
    await ended(platform, await platform.start("one", "m1"))
    platform.configure([service("one", "sleep", "999", env={"COLOUR": "blue"})])
    life = await platform.start("one", "m2")
    await until(lambda: psutil.Process(life.pid).cmdline()[1:] == ["999"])
    assert environ_of(life.pid)["COLOUR"] == "blue"
    await platform.close()


def test_each_stranger_is_asked_once_and_anew_when_its_number_is_somebody_elses(
    rig: RealRig, table: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers, stranger = Strangers(), os.getppid()
    monkeypatch.setattr(table, "heirs", lambda: iter([stranger]))
    for _ in range(3):
        assert strangers.orphans(table, str(rig.folder), "one") == []
    assert table.asked[stranger] == 1
    monkeypatch.setattr(table, "identity", lambda pid: (pid, "another process"))
    strangers.orphans(table, str(rig.folder), "one")
    assert table.asked[stranger] == 2


def test_the_identity_of_a_process_is_its_own_and_ends_with_it(table: Counting) -> None:
    mine, parent = table.identity(os.getpid()), table.identity(os.getppid())
    assert mine is not None and parent is not None and mine != parent
    assert table.identity(os.getpid()) == mine
    assert table.identity(2**22 + 1) is None


def test_who_cannot_be_read_yet_is_asked_again(rig: RealRig, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Counting()
    strangers = Strangers()
    monkeypatch.setattr(table, "heirs", lambda: iter([os.getppid()]))
    monkeypatch.setattr(ProcTable, "environ", lambda *_: b"")
    for _ in range(2):
        strangers.orphans(table, str(rig.folder), "one")
    assert table.asked[os.getppid()] == 2
