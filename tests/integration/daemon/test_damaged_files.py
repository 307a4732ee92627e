"""What people were told to be taken is not lost with any one file of the state folder, however it is damaged."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.events import (
    DamageFound,
    EventQuarantined,
    FixFailed,
    FixStarted,
    IncidentClosed,
    OperatorCommanded,
)
from config.model import Config
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import STATE, VirtualDaemon
from tests.fixtures.virtual_process import Script

FEW = Config(services=(service("db"), service("web")))
Damage = Callable[[bytes], bytes | None]


def flip(place: float) -> Damage:
    def flipped(whole: bytes) -> bytes:
        at = min(int(place * len(whole)), len(whole) - 2)
        return whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]

    return flipped


DAMAGES: dict[str, Damage] = {
    "removed": lambda _: None,
    "emptied": lambda _: b"",
    "cut in half": lambda whole: whole[: len(whole) // 2],
    "flipped at its beginning": flip(0.0),
    "flipped in the middle": flip(0.5),
    "flipped at its end": flip(1.0),
}


async def stopped(virtual: VirtualDaemon) -> None:
    """`nightwarden stop web`, acknowledged."""
    await virtual.until(virtual.well, 20.0)
    assert virtual.daemon is not None
    told = OperatorCommanded(service="web", command="stop", by="somebody")
    virtual.daemon.runner.say("operator", [told])
    assert await virtual.daemon.journal.durable(virtual.daemon.journal.position)


async def is_lost(virtual: VirtualDaemon, whole: dict[Path, bytes], path: Path, damage: Damage) -> bool:
    """Whether the next life on that one damaged file starts web again."""
    virtual.disk.put(whole)
    virtual.disk.damage(path, damage(whole[path]))
    await virtual.start()
    await asyncio.sleep(3.0)
    assert virtual.failures == []
    virtual.kill()
    if (leader := virtual.world.leader("web")) is None:
        return False
    virtual.world.end(leader, None, 9)
    return True


@pytest.mark.parametrize(
    ("after_s", "snapshot_s", "segment_bytes"),
    [
        pytest.param(3.0, 60.0, 1 << 24, id="moments after"),
        pytest.param(120.0, 5.0, 40_000, id="long after, when snapshots alone tell of it"),
    ],
)
async def test_an_acknowledged_stop_outlives_any_one_damaged_file(
    after_s: float, snapshot_s: float, segment_bytes: int
) -> None:
    slow = {"web": Script(stop_s=1.5)}
    async with VirtualDaemon(FEW, slow, snapshot_s=snapshot_s, segment_bytes=segment_bytes) as virtual:
        await stopped(virtual)
        for _ in range(int(after_s / 3.0)):
            await asyncio.sleep(3.0)
            virtual.faults.kill("db")
        virtual.kill()
        whole = virtual.disk.files()
        assert b'"stopped","items":[["web"' in whole[STATE / "snapshots/application_recovery.jsonl"]
        lost = [
            (path.name, how)
            for path in whole
            if path.parent.name == "journal" or path.name.startswith("application_recovery")
            for how, damage in DAMAGES.items()
            if await is_lost(virtual, whole, path, damage)
        ]
        assert lost == []


async def test_a_journal_that_lost_its_end_goes_on_behind_what_snapshots_hold_and_tells_it_once() -> None:
    async with VirtualDaemon(FEW, snapshot_s=5.0) as virtual:
        await virtual.until(virtual.well, 20.0)
        virtual.faults.kill("db")
        await asyncio.sleep(20.0)
        closed = len(virtual.facts(IncidentClosed))
        virtual.kill()
        [segment] = [path for path in virtual.disk.files() if path.parent.name == "journal"]
        virtual.disk.damage(segment, b"")
        reached = virtual.promised and max(virtual.promised)
        for _ in range(2):
            virtual.promised.clear()  # nothing of it is there any more
            await virtual.start()
            assert await virtual.until(virtual.well, 20.0)
            await asyncio.sleep(15.0)
            assert virtual.daemon is not None
            assert virtual.daemon.journal.position > reached
            assert len(virtual.state("render_self_healing_agent").incidents) == closed
            virtual.kill()
        told = [fact.problem for fact in virtual.facts(DamageFound)]
        assert len(told) == 1, told
        assert "missing at its end" in told[0]
        assert virtual.failures == []


@pytest.mark.parametrize("lost", [False, True])
async def test_an_act_that_was_lost_with_the_journal_holds_up_nobody(*, lost: bool) -> None:
    async with VirtualDaemon(FEW, snapshot_s=5.0) as virtual:
        await virtual.until(virtual.well, 20.0)
        virtual.world.scripts["db"] = Script(exits_after_s=0.2, exit_code=1)
        virtual.faults.kill("db")
        await asyncio.sleep(30.0)
        [act] = virtual.facts(FixStarted, "db")
        virtual.kill()
        virtual.world.scripts["db"] = Script()
        if lost:
            [segment] = [path for path in virtual.disk.files() if path.parent.name == "journal"]
            virtual.disk.damage(segment, b"")
            virtual.promised.clear()
        await virtual.start()
        assert await virtual.until(virtual.well, 30.0)
        told = {(fact.agent, fact.event) for fact in virtual.facts(EventQuarantined)}
        assert (("application_recovery", act.id) in told) is lost
        assert [fact.reason for fact in virtual.facts(FixFailed)] == (
            ["application_recovery failed on it: it was lost with a damaged journal"] if lost else []
        )
        assert lost or told == set()
