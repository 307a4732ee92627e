"""The lease over random networks and deaths: never two who may act, and somebody may again soon after a death."""

import asyncio
from random import Random

import pytest

from platforms.lease import RENEW_S, TTL_S, Lease


class Row:
    def __init__(self) -> None:
        self.holder, self.token, self.expires_at = "", 0, -1.0


class TwinStore:
    """Implements `LeaseStore` over one row: each call takes its time on the way there and back, or gets lost."""

    def __init__(self, row: Row, random: Random, longest_s: float, lost: float) -> None:
        self.row, self.random, self.longest_s, self.lost = row, random, longest_s, lost
        self.cut = False

    async def _way(self) -> None:
        await asyncio.sleep(self.random.uniform(0.0, self.longest_s))
        if self.cut or self.random.random() < self.lost:
            raise OSError("lost")

    async def take(self, holder: str, ttl_s: float) -> int | None:
        await self._way()
        now, row = asyncio.get_running_loop().time(), self.row
        taken = row.expires_at < now or row.holder == holder
        if taken:
            row.holder, row.token, row.expires_at = holder, row.token + 1, now + ttl_s
        token = row.token
        await self._way()
        return token if taken else None

    async def renew(self, holder: str, token: int, ttl_s: float) -> bool:
        await self._way()
        row, now = self.row, asyncio.get_running_loop().time()
        good = (row.holder, row.token) == (holder, token)
        if good:
            row.expires_at = now + ttl_s
        await self._way()
        return good

    async def release(self, holder: str, token: int) -> None:
        await self._way()
        if (self.row.holder, self.row.token) == (holder, token):
            self.row.expires_at = asyncio.get_running_loop().time() - 1.0

    async def close(self) -> None:
        return None


class Daemon:
    def __init__(self, row: Row, random: Random, longest_s: float = 1.0, lost: float = 0.1) -> None:
        self.store = TwinStore(row, random, longest_s, lost)
        self.told: list[tuple[bool, int]] = []
        clock = asyncio.get_running_loop().time
        self.lease = Lease(
            self.store, f"d{random.random()}", lambda held, token, _: self.told.append((held, token)), clock
        )
        self.task = asyncio.create_task(self.lease.run())

    def acts(self) -> bool:
        return not self.lease.why_not()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def die(self) -> None:
        """Without a word to anybody."""
        self.store.cut = True
        await self.stop()


@pytest.mark.parametrize("seed", range(20))
async def test_never_two_may_act_whatever_the_network_does(seed: int) -> None:
    await live(seed)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(100))
async def test_never_two_may_act_whatever_the_network_does_for_long(block: int) -> None:
    for seed in range(100 + block * 10, 110 + block * 10):
        await live(seed)


async def live(seed: int) -> None:
    random, row = Random(seed), Row()
    daemons = [
        Daemon(row, random, random.choice((0.01, 1.0, 4.0)), random.choice((0.0, 0.1, 0.5))) for _ in range(3)
    ]
    acted = 0
    for _ in range(400):
        await asyncio.sleep(random.uniform(0.0, 1.0))
        acting = [daemon for daemon in daemons if daemon.acts()]
        assert len(acting) <= 1, f"two at once, seed {seed}"
        acted += len(acting)
        victim = random.choice(daemons)
        if random.random() < 0.02:
            await random.choice((victim.stop, victim.die))()
            daemons[daemons.index(victim)] = Daemon(row, random)
        elif random.random() < 0.02:
            victim.store.cut = not victim.store.cut
    for daemon in daemons:
        await daemon.die()
    assert acted > 20, f"hardly anybody acted, seed {seed}"


async def test_tokens_rise_with_every_holder() -> None:
    random, row, seen = Random(1), Row(), []
    for _ in range(5):
        daemon = Daemon(row, random, 0.01, 0.0)
        await asyncio.sleep(2 * TTL_S)
        seen.append(daemon.lease.token)
        await daemon.stop()
    assert seen == sorted(set(seen))
    assert 0 not in seen


async def test_after_a_death_the_next_one_acts_when_the_time_is_over_and_after_a_stop_at_once() -> None:
    random, row = Random(2), Row()
    first, second = Daemon(row, random, 0.01, 0.0), None
    await asyncio.sleep(1.0)
    second = Daemon(row, random, 0.01, 0.0)
    await asyncio.sleep(1.0)
    assert (first.acts(), second.acts()) == (True, False)
    assert "another daemon holds" in second.lease.why_not()
    await first.die()
    await asyncio.sleep(TTL_S + RENEW_S)
    assert second.acts()
    third = Daemon(row, random, 0.01, 0.0)
    await asyncio.sleep(1.0)
    await second.stop()
    await asyncio.sleep(RENEW_S)
    assert third.acts()
    await third.die()


async def test_who_cannot_reach_the_store_stops_acting_before_anybody_else_may_and_says_so() -> None:
    random, row = Random(3), Row()
    daemon = Daemon(row, random, 0.01, 0.0)
    await asyncio.sleep(1.0)
    daemon.store.cut = True
    await asyncio.sleep(TTL_S)
    assert "cannot be reached" in daemon.lease.why_not()
    assert [held for held, _ in daemon.told] == [True, False]
    daemon.store.cut = False
    await asyncio.sleep(RENEW_S)
    assert daemon.acts()
    await daemon.die()
