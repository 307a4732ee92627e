"""The watcher watched: whatever fails in the daemon, who listens to its heartbeat knows within a minute, and is never misled.

The receiver raises its alarm after 45 s of silence. What nobody but the synthetic incident sees has seven minutes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from agents.supervisor import Child
from agents.telling.port import Contacts
from config.model import Config
from scripts.daemon import Daemon
from scripts.disk_probe import DiskProbe
from scripts.drill import Drill
from scripts.goodness import Goodness
from scripts.hands import Hands
from scripts.heartbeat import ALARM_S, EVERY_S
from tests.fixtures.chat import Chat
from tests.fixtures.monitor_kit import freeze, service
from tests.fixtures.virtual_daemon import STATE, VirtualDaemon
from tests.fixtures.virtual_platform import VirtualPlatform

FEW = Config(services=(service("db"), service("api", depends_on=("db",))))
SOON_S, AT_LAST_S = 60.0, 420.0


class Pager:
    """A second way to people."""

    kind: Any = "webhook"

    def __init__(self) -> None:
        self.works = True
        self.sent: list[str] = []

    async def send(self, subject: str, text: str, key: str) -> None:
        await asyncio.sleep(0.05)
        if not self.works:
            raise OSError("no answer")
        self.sent.append(f"{key}: {text}")


class Watched(VirtualDaemon):
    """With its signs of life as the real one has them, but that a call of the address is a line in `beats`."""

    def __init__(self, seed: int, pager: Pager | None = None) -> None:
        super().__init__(FEW, seed=seed)
        self.beats: list[float] = []
        self.chat, self.pager = Chat(), pager
        self.outer: dict[str, str] = {"prometheus": "", "render": ""}
        self.meet = self._signs

    def hands(self, platform: VirtualPlatform, boot: str) -> Hands:
        hands = super().hands(platform, boot)
        hands.contacts = Contacts(messenger=self.chat.open, second=self.pager)
        return hands

    def _signs(self, daemon: Daemon) -> None:
        drill = Drill(daemon)
        probe = DiskProbe(daemon.hands.disk, daemon.hands.offload, STATE)
        outer: dict[str, Callable[[], str]] = {
            name: lambda name=name: self.outer[name] for name in self.outer
        }  # type: ignore[misc]
        outer |= {"telegram": daemon.hands.contacts.why_nobody, "disk": lambda: probe.problem}
        goodness = Goodness(daemon, drill, outer)

        async def beat() -> None:
            while True:
                if not goodness.everything():
                    self.beats.append(self.clock.now())
                await asyncio.sleep(EVERY_S)

        for name, start in (("drill", drill.run), ("probe", probe.run), ("beat", beat)):
            daemon.extras.append(Child(name=name, start=start))

    def green(self) -> bool:
        return bool(self.beats) and self.clock.now() - self.beats[-1] <= ALARM_S

    async def alarm_after_s(self, since: float, within_s: float) -> float | None:
        """How long after `since` the receiver raises its alarm; None: it does not."""
        ends_at = since + within_s + ALARM_S
        while self.clock.now() < ends_at:
            if not self.green():
                return self.clock.now() - since
            await asyncio.sleep(0.25)
        return None


@asynccontextmanager
async def watched(seed: int, pager: Pager | None = None) -> AsyncIterator[Watched]:
    async with Watched(seed, pager) as virtual:
        assert await virtual.until(virtual.well, 30.0)
        await asyncio.sleep(60.0 + Random(seed).uniform(0.0, EVERY_S))
        assert virtual.green()
        yield virtual


def _cut_telegram(virtual: Watched) -> None:
    virtual.chat.down = True


def _cut_prometheus(virtual: Watched) -> None:
    virtual.outer["prometheus"] = "1 servers do not answer"


def _fill(virtual: Watched) -> None:
    virtual.disk.free_bytes = 0


def _read_only(virtual: Watched) -> None:
    virtual.disk.fault = "read_only"


def _kill(virtual: Watched) -> None:
    virtual.kill()


def _stop_time(virtual: Watched) -> None:
    assert virtual.daemon is not None
    virtual.daemon.runner.publish = lambda _: None  # type: ignore[method-assign]


@pytest.mark.parametrize("fault", [_cut_telegram, _cut_prometheus, _fill, _read_only, _kill, _stop_time])
@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(n, marks=pytest.mark.soak) for n in range(3, 30))])
async def test_what_can_be_seen_raises_the_alarm_within_a_minute(
    fault: Callable[[Watched], None], seed: int
) -> None:
    async with watched(seed) as virtual:
        fault(virtual)
        took_s = await virtual.alarm_after_s(virtual.clock.now(), SOON_S)
        assert took_s is not None
        assert took_s <= SOON_S


async def test_a_frozen_loop_is_silent_by_itself() -> None:
    async with watched(0) as virtual:
        last = virtual.beats[-1]
        freeze(70.0)
        await asyncio.sleep(0.5)
        assert next((at for at in virtual.beats if at > last), virtual.clock.now()) - last > ALARM_S


@pytest.mark.parametrize(
    "agent", ["rca_engine", "intelligent_fix_selector", "act_gate", "application_recovery"]
)
async def test_what_only_the_synthetic_incident_sees_raises_it_within_seven_minutes(agent: str) -> None:
    async with watched(3) as virtual:
        assert virtual.daemon is not None

        async def idle(_: object) -> tuple[()]:
            return ()

        cell = virtual.daemon.runner.cells[agent]
        cell.agent.handle = (lambda _: ()) if cell.plain else idle  # type: ignore[assignment]
        took_s = await virtual.alarm_after_s(virtual.clock.now(), AT_LAST_S)
        assert took_s is not None
        assert took_s <= AT_LAST_S


async def test_while_a_second_channel_works_people_can_be_told_and_are() -> None:
    pager = Pager()
    async with watched(4, pager) as virtual:
        virtual.chat.down = True
        assert await virtual.alarm_after_s(virtual.clock.now(), 300.0) is None
        assert [text.split(":")[0] for text in pager.sent] == ["outage"], "once"
        virtual.chat.down = False
        await asyncio.sleep(30.0)
        virtual.chat.down = True
        await asyncio.sleep(30.0)
        assert len(pager.sent) == 2, "another outage"


async def test_a_second_channel_that_fails_too_is_none() -> None:
    pager = Pager()
    async with watched(5, pager) as virtual:
        pager.works, virtual.chat.down = False, True
        took_s = await virtual.alarm_after_s(virtual.clock.now(), SOON_S)
        assert took_s is not None
        assert took_s <= SOON_S
        pager.works = True
        assert await virtual.until(virtual.green, 400.0)


@pytest.mark.parametrize("seed", [6, pytest.param(7, marks=pytest.mark.soak)])
async def test_an_hour_in_which_nothing_fails_but_a_service_raises_none(seed: int) -> None:
    async with watched(seed, Pager()) as virtual:
        for n in range(60 if seed == 7 else 20):
            if n % 5 == 0:
                virtual.faults.kill("db")
            if n % 7 == 0:
                virtual.chat.down = True
                await asyncio.sleep(2.0)
                virtual.chat.down = False
            assert await virtual.alarm_after_s(virtual.clock.now(), 15.0) is None
        assert virtual.well()


async def killed(seed: int) -> tuple[str, float | None, bool, bool]:
    """Any one task of the daemon is cancelled: which, when the alarm came, whether it is green, and heals and tells at the end."""
    async with watched(seed) as virtual:
        tasks = [task for task in virtual._lives[-1]._tasks if not task.done()]
        task = Random(seed).choice(sorted(tasks, key=lambda task: task.get_coro().__qualname__))  # type: ignore[union-attr]
        name = task.get_coro().__qualname__  # type: ignore[union-attr]
        task.cancel()
        took_s = await virtual.alarm_after_s(virtual.clock.now(), AT_LAST_S)
        green = virtual.green()
        heals = not virtual.died.is_set() and virtual.world.leader("db") is not None
        if heals:
            said = virtual.chat.sent
            virtual.faults.kill("db")
            heals = await virtual.until(lambda: virtual.well() and virtual.chat.sent > said, 60.0)
        return name, took_s, green, heals


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 120), marks=pytest.mark.soak)])
async def test_any_task_may_be_killed_and_either_it_comes_back_or_the_alarm_does(seeds: range) -> None:
    for seed in seeds:
        name, took_s, green, heals = await killed(seed)
        assert heals or not green, f"{name}: green, and heals nothing"
        assert heals or (took_s is not None and took_s <= AT_LAST_S), name
