"""One actor on Render without a disk or database: the newest instance, through deploys and while Render does not answer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from config.fixes import load_fixes
from config.model import Config, HttpPlatform, Service
from config.world import World
from platforms.lease import MARGIN_S, RENEW_S, TTL_S
from platforms.lease_instances import SETTLE_S, NewestInstance
from platforms.render.api import RenderApi
from platforms.render.client import RenderClient
from platforms.render.failures import RenderError
from scripts.on_render import has_disk
from tests.fixtures.gate import Gate, limit
from tests.fixtures.render_api import ServicePlan, WorldPlan, push
from tests.fixtures.render_wire import MemoryWire, loop_wall, render_in_memory

LOOKS_S = TTL_S + RENEW_S


class Overlap:
    """Our own service on the strict stand-in, and a daemon in each instance that ever ran."""

    def __init__(self) -> None:
        self.world = render_in_memory(
            WorldPlan(services=[ServicePlan("nightwarden", type="background_worker")])
        )
        self.wire = MemoryWire(self.world)
        self.api = RenderApi(RenderClient(self.wire, loop_wall))
        self.service = self.world.world.service("nightwarden")
        self.daemons: dict[str, NewestInstance] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.told: list[tuple[str, bool]] = []
        self.most = 0
        self.gaps = 0

    async def _listed(self) -> Sequence[object]:
        try:
            return await self.api.instances(self.service.id, urgent=True, within_s=4.0)
        except RenderError as error:
            raise OSError(str(error)) from error

    def begin(self, own: str) -> None:
        clock = asyncio.get_running_loop().time
        daemon = NewestInstance(self._listed, own, lambda held: self.told.append((own, held)), clock)  # type: ignore[arg-type]
        self.daemons[own] = daemon
        self.tasks.append(asyncio.create_task(daemon.run()))

    async def pass_time(self, seconds: float) -> None:
        """Each instance that the stand-in runs has a daemon; counts how many would act at the same time."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        while loop.time() < ends_at:
            self.world.world.advance()
            for instance in self.service.instances:
                if instance.id not in self.daemons:
                    self.begin(instance.id)
            acting = sum(not daemon.why_not() for daemon in self.daemons.values())
            self.most = max(self.most, acting)
            self.gaps += acting == 0
            await asyncio.sleep(0.1)

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


async def test_over_a_deploy_never_two_act_and_the_newest_does_in_the_end() -> None:
    overlap = Overlap()
    await overlap.pass_time(10.0)
    [old] = overlap.daemons
    assert overlap.daemons[old].why_not() == "", "alone, it acts at once"
    push(overlap.world.world, overlap.service, "")
    await overlap.pass_time(300.0)
    new = overlap.service.instances[-1].id
    assert new != old
    assert len(overlap.daemons) == 2
    assert overlap.daemons[new].why_not() == ""
    assert overlap.daemons[old].why_not() != ""
    assert overlap.most == 1
    assert [held for own, held in overlap.told if own == old] == [True, False]
    await overlap.end()


async def test_who_does_not_know_does_not_act_and_still_tells() -> None:
    overlap = Overlap()
    await overlap.pass_time(10.0)
    [daemon] = overlap.daemons.values()
    overlap.wire.down = True
    await overlap.pass_time(TTL_S - MARGIN_S - RENEW_S - 1.0)
    assert daemon.why_not() == "", "one lost call is borne"
    await overlap.pass_time(LOOKS_S)
    assert "Render does not say which instance is the newest" in daemon.why_not()
    assert daemon.why_silent() == ""
    overlap.wire.down = False
    await overlap.pass_time(90.0)
    assert daemon.why_not() == ""
    await overlap.end()


class One(Struct):
    id: str
    born_at: float


async def test_an_older_one_that_may_not_know_of_us_is_waited_for_and_no_longer() -> None:
    found = [One("old", 1.0), One("new", 2.0)]

    async def listed() -> Sequence[One]:
        return found

    clock = asyncio.get_running_loop().time
    daemon = NewestInstance(listed, "new", lambda _: None, clock)
    unlisted = NewestInstance(listed, "other", lambda _: None, clock)
    tasks = [asyncio.create_task(each.run()) for each in (daemon, unlisted)]
    await asyncio.sleep(SETTLE_S - 1.0)
    assert "an older instance" in daemon.why_not()
    assert unlisted.why_not() == "Render does not list this instance"
    await asyncio.sleep(RENEW_S + 1.0)
    assert daemon.why_not() == ""
    found[:] = [One("newer", 3.0), *found]
    await asyncio.sleep(RENEW_S + 0.1)
    assert daemon.why_not() == daemon.why_silent() == "a newer instance of this service runs: newer"
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_it_is_about_what_others_reach_too_and_not_about_our_own_children() -> None:
    elsewhere = Service(name="elsewhere", platform=HttpPlatform(url="http://127.0.0.1:1"))
    gate = Gate()
    gate.world.config = Config(services=(*gate.world.config.services, elsewhere))
    gate.world.lease = lambda: "another one may be the one to act"
    assert limit(gate.ask("s0")) == "lease"
    gate.world.apart = True
    assert limit(gate.ask("s1")) == ""
    assert gate.world.why_not_ours(elsewhere) == "another one may be the one to act"


def test_who_tells_is_who_acts_unless_somebody_says_otherwise() -> None:
    world = World(Config(), load_fixes())
    world.lease = lambda: "another daemon"
    assert world.why_silent() == "another daemon"
    world.voice = lambda: ""
    assert world.why_silent() == ""


def test_a_mounted_folder_outlives_a_deploy(tmp_path: Path) -> None:
    assert has_disk(Path("/proc"))
    assert has_disk(Path("/")) is False
