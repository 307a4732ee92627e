"""Power cuts and deaths of the process at every boundary of the journal."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from tests.fixtures.journal_kit import add, open_journal, positions, running
from tests.fixtures.lives import Lives
from tests.fixtures.simulated_disk import SimulatedDisk

Story = Callable[[Lives], Awaitable[None]]


async def ordinary(lives: Lives) -> None:
    """Groups, rolled segments, forgetting, a tail that nobody waits for."""
    for count in (1, 3, 8, 2):
        await lives.commit(count)
    lives.forgotten = 6
    lives.journal.forget(before=7)
    await lives.commit(5)
    lives.add(3)
    await asyncio.sleep(0.06)
    lives.note_durable()
    lives.add(2)
    await asyncio.sleep(0.01)


async def failing(lives: Lives) -> None:
    """An fsync fails in the middle, then the disk is full for a while."""
    await lives.commit(4)
    lives.disk.fault = "fsync"
    assert not await lives.commit(3)
    lives.disk.fault = ""
    lives.add(2)
    await asyncio.sleep(1.1)
    assert await lives.commit(3)
    lives.note_durable()
    lives.disk.free_bytes = 100
    assert not await lives.commit(5)
    lives.disk.free_bytes = None
    await asyncio.sleep(1.1)
    assert await lives.commit(2)
    lives.note_durable()


async def calls_of(story: Story, seed: int) -> int:
    lives = Lives(seed)
    assert await lives.live(story)
    return lives.disk.calls


EVERY = [(story, death) for story in (ordinary, failing) for death in ("power", "process")]


async def sweep(story: Story, death: str, seeds: range) -> None:
    for seed in seeds:
        for call in range(1, await calls_of(story, seed) + 1):
            await live_and_die(story, death, call, seed)


@pytest.mark.parametrize(("story", "death"), EVERY)
async def test_what_was_acknowledged_survives_a_death_at_every_boundary(story: Story, death: str) -> None:
    await sweep(story, death, range(1))  # many more in tests/integration/sweeps


async def live_and_die(story: Story, death: str, call: int, seed: int) -> None:
    """A death in the story, one soon after the next start, often within it, then a life to the end."""
    lives = Lives(seed)
    lives.disk.arm(call)
    assert not await lives.live(story)
    end(lives, death)
    lives.disk.arm(1 + seed)
    await lives.live(ordinary)
    end(lives, death)
    assert await lives.live(ordinary)
    end(lives, "power")
    assert await lives.live(ordinary)


def end(lives: Lives, death: str) -> None:
    lives.disk.fault, lives.disk.free_bytes = "", None
    if death == "power":
        lives.disk.power_cut()
    else:
        lives.disk.crash()


async def test_removing_many_segments_leaves_no_gap_whenever_the_power_goes() -> None:
    for seed in range(40):
        disk = SimulatedDisk(seed)
        async with running(open_journal(disk, segment_bytes=1)) as journal:
            for _ in range(6):
                await journal.durable(add(journal))
            disk.arm(1 + seed % 8)
            journal.forget(before=6)
            await asyncio.sleep(0.1)
        disk.power_cut()
        with capture_logs():
            again = open_journal(disk)
        assert again.damage == []
        assert positions(again) == list(range(again.first, 7))
