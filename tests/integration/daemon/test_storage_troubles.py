"""The state folder fails: healing goes on with safe fixes, people are told, and what was not written is written later."""

import asyncio
from collections.abc import Callable

import pytest

from agents.events import DamageFound, FixStarted, FixVerified, StorageChanged
from config.model import Config
from tests.fixtures.daemon_audit import audit
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon

FEW = Config(services=(service("db"), service("api", depends_on=("db",))))


def _full(virtual: VirtualDaemon) -> None:
    virtual.disk.free_bytes = 0


def _read_only(virtual: VirtualDaemon) -> None:
    virtual.disk.fault = "read_only"


def _no_fsync(virtual: VirtualDaemon) -> None:
    virtual.disk.fault = "fsync"


def _mend(virtual: VirtualDaemon) -> None:
    virtual.disk.free_bytes = None
    virtual.disk.fault = ""


TROUBLES = pytest.mark.parametrize("trouble", [_full, _read_only, _no_fsync])


@TROUBLES
async def test_healing_goes_on_without_a_disk_and_everything_is_written_later(
    trouble: Callable[[VirtualDaemon], None],
) -> None:
    async with VirtualDaemon(FEW, snapshot_s=5.0) as virtual:
        assert await virtual.until(virtual.well, 20.0)
        trouble(virtual)
        virtual.faults.kill("db")
        assert await virtual.until(virtual.well, 10.0)
        assert await virtual.until(lambda: any(not f.ok for f in virtual.facts(StorageChanged)), 1.0)
        virtual.faults.kill("api")
        assert await virtual.until(lambda: len(virtual.facts(FixVerified)) == 2, 10.0)
        assert any("STATE FOLDER" in line for line in virtual.told)
        _mend(virtual)
        assert await virtual.until(lambda: virtual.facts(StorageChanged)[-1].ok, 40.0)
        assert virtual.state("act_gate").storage == {}
        virtual.kill(power=True)
        await virtual.start()
        assert await virtual.until(virtual.well, 60.0)
        await asyncio.sleep(0.5)
        assert audit(virtual) == []


@TROUBLES
async def test_a_daemon_that_starts_without_a_disk_heals_and_says_so(
    trouble: Callable[[VirtualDaemon], None],
) -> None:
    async with VirtualDaemon(FEW) as virtual:
        assert await virtual.until(virtual.well, 20.0)
        virtual.kill()
        trouble(virtual)
        await virtual.start()
        await asyncio.sleep(3.0)
        virtual.faults.kill("db")
        assert await virtual.until(lambda: len(virtual.facts(FixVerified)) == 1, 10.0)
        assert not virtual.facts(StorageChanged)[-1].ok
        _mend(virtual)
        assert await virtual.until(lambda: virtual.facts(StorageChanged)[-1].ok, 40.0)
        await asyncio.sleep(0.5)
        assert audit(virtual) == []


async def test_a_trouble_that_was_over_before_the_start_holds_nothing_back() -> None:
    async with VirtualDaemon(FEW) as virtual:
        assert await virtual.until(virtual.well, 20.0)
        assert virtual.daemon is not None
        virtual.daemon.runner.say("runner", [StorageChanged(ok=False, problem="No space left on device")])
        await asyncio.sleep(1.0)
        assert virtual.state("act_gate").storage
        virtual.kill()
        await virtual.start()
        await asyncio.sleep(1.0)
        assert virtual.state("act_gate").storage == {}
        assert virtual.facts(FixStarted) == []


async def test_a_first_start_on_a_folder_that_cannot_be_written_runs_and_says_so() -> None:
    virtual = VirtualDaemon(FEW)
    virtual.disk.fault = "read_only"
    async with virtual:
        assert virtual.failures == []
        assert await virtual.until(lambda: virtual.world.leader("api") is not None, 20.0)
        virtual.faults.kill("db")
        assert await virtual.until(lambda: len(virtual.facts(FixVerified)) == 1, 10.0)
        assert virtual.state("act_gate").storage
        assert any("STATE FOLDER" in line for line in virtual.told)
        _mend(virtual)
        assert await virtual.until(lambda: virtual.facts(StorageChanged)[-1].ok, 40.0)
        virtual.kill(power=True)
        await virtual.start()
        assert await virtual.until(virtual.well, 60.0)
        await asyncio.sleep(0.5)
        assert audit(virtual) == []


async def test_damage_that_is_found_while_it_runs_is_told_too() -> None:
    async with VirtualDaemon(FEW) as virtual:
        assert await virtual.until(virtual.well, 20.0)
        assert virtual.daemon is not None
        [segment] = [path for path in virtual.disk.files() if path.parent.name == "journal"]
        data = bytearray(virtual.disk.files()[segment])
        data[len(data) // 2] ^= 1
        virtual.disk.damage(segment, bytes(data))
        list(virtual.daemon.journal.read(0))
        [told] = virtual.facts(DamageFound)
        assert told.path == str(segment)
