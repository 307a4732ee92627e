"""The virtual world: its platform passes the real one's tests, and its faults look as they should."""

import asyncio
from pathlib import Path

import pytest

from config.model import (
    HttpProbe,
    ProcessPlatform,
    PrometheusMetrics,
    Release,
    Service,
    WatchedFile,
)
from platforms.platform import Incarnation, Platform, ProbeResult
from tests.fixtures.platform_conformance import PlatformConformance, exits_of
from tests.fixtures.virtual_faults import Faults
from tests.fixtures.virtual_files import VirtualFiles
from tests.fixtures.virtual_platform import VirtualPlatform, VirtualProber, VirtualScraper
from tests.fixtures.virtual_process import Script
from tests.fixtures.virtual_world import VirtualWorld

_PROBE = HttpProbe(url="http://127.0.0.1:1/health", interval_s=1, timeout_s=0.5)


def service(name: str, cwd: str = ".") -> Service:
    return Service(
        name=name,
        platform=ProcessPlatform(command=("x",), cwd=cwd),
        probe=_PROBE,
        metrics=PrometheusMetrics(url=f"http://{name}/metrics"),
        release=Release(),
        files=(WatchedFile(path="data.json"),),
    )


class VirtualRig:
    def __init__(self) -> None:
        scripts = {
            "steady": Script(),
            "stubborn": Script(hears_term=False),
            "failing": Script(exits_after_s=0.01, exit_code=3, last_words="about to fail"),
            "crowd": Script(workers=2),
        }
        self.world = VirtualWorld([service(name) for name in scripts], scripts)

    def daemon(self) -> Platform:
        return VirtualPlatform(self.world)

    def living(self, service: str) -> int:
        return len(self.world.living(service))

    def send(self, life: Incarnation, signal: int) -> None:
        self.world.send([self.world.processes[life.pid]], signal)


class TestVirtualPlatform(PlatformConformance):
    @pytest.fixture
    def rig(self) -> VirtualRig:
        return VirtualRig()


class Fleet:
    """A shop that calls a model, both up."""

    def __init__(self, folder: Path) -> None:
        self.shop, self.model = service("shop", str(folder)), service("model", str(folder / "model"))
        self.world = VirtualWorld(
            [self.shop, self.model], {"shop": Script(calls=("model",), needs=("model",))}
        )
        self.platform = VirtualPlatform(self.world)
        self.faults = Faults(self.world)
        self.files = VirtualFiles(self.world)

    async def up(self) -> "Fleet":
        for name in ("model", "shop"):
            await self.platform.start(name, f"{name}-1")
            await asyncio.sleep(0.3)
        return self

    async def probe(self, service: Service | None = None) -> ProbeResult:
        return await VirtualProber(self.world).probe(service or self.shop, _PROBE)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


async def test_a_service_that_starts_is_refused_until_it_listens(fleet: Fleet) -> None:
    await fleet.platform.start("model", "m")
    assert (await fleet.probe(fleet.model)).symptom == "refused"
    await asyncio.sleep(0.2)
    assert (await fleet.probe(fleet.model)).ok


async def test_a_service_dies_at_boot_while_what_it_needs_is_down(fleet: Fleet) -> None:
    exits = exits_of(fleet.platform)
    await fleet.platform.start("shop", "s")
    await asyncio.sleep(0.3)
    assert [(e.exit_code, e.signal) for e in exits] == [(1, None)]
    assert "cannot reach model" in exits[0].output


@pytest.mark.parametrize("fault", ["freeze", "hang"])
async def test_a_frozen_or_hung_service_gives_no_answer_in_time_and_a_new_life_does(
    fleet: Fleet, fault: str
) -> None:
    await fleet.up()
    getattr(fleet.faults, fault)("model")
    assert (await fleet.probe(fleet.model)).symptom == "timeout"
    assert (await fleet.probe()).symptom == "timeout"
    await fleet.platform.stop("model", signal="KILL", grace_s=0)
    await fleet.platform.start("model", "model-2")
    await asyncio.sleep(0.3)
    assert (await fleet.probe()).ok


async def test_a_failing_service_answers_its_status_and_its_caller_blames_it(fleet: Fleet) -> None:
    await fleet.up()
    fleet.faults.fail("model", 503)
    assert (await fleet.probe(fleet.model)).status == 503
    blamed = await fleet.probe()
    assert (blamed.status, "model" in blamed.body) == (502, True)


async def test_a_slow_dependency_slows_its_caller(fleet: Fleet) -> None:
    await fleet.up()
    fleet.faults.slow("model", by_s=0.3)
    assert 0.3 < (await fleet.probe()).latency_s < 0.5
    fleet.faults.slow("model", by_s=0.8)
    assert (await fleet.probe()).symptom == "timeout"


async def test_a_leak_grows_until_the_kernel_ends_it(fleet: Fleet) -> None:
    await fleet.up()
    exits = exits_of(fleet.platform)
    fleet.faults.leak("model", mib_per_s=2, limit_mib=100)
    await asyncio.sleep(10)
    sample = fleet.platform.sample("model")
    assert sample is not None
    assert sample.rss_mib == pytest.approx(60)
    page = await VirtualScraper(fleet.world).scrape("http://model/metrics", 1)
    assert page["process_resident_memory_bytes"] == pytest.approx(60 * 2**20)
    await asyncio.sleep(21)
    assert exits[0].signal == 9


async def test_a_bad_release_fails_until_the_link_and_the_process_are_changed(fleet: Fleet) -> None:
    fleet.faults.deploy("shop", "v1")
    await fleet.up()
    fleet.faults.bad_release("shop", "v2")
    assert (await fleet.probe()).status == 500
    fleet.faults.deploy("shop", "v1")
    assert (await fleet.probe()).ok


async def test_a_damaged_file_fails_its_service_until_it_is_restored_under_a_mark(fleet: Fleet) -> None:
    await fleet.up()
    [file] = fleet.shop.files
    assert await fleet.files.backup(fleet.shop, file) != ""
    assert await fleet.files.backup(fleet.shop, file) == ""
    fleet.faults.corrupt_file("shop", "data.json")
    assert await fleet.files.check(fleet.shop, file) != ""
    assert (await fleet.probe()).status == 500
    await fleet.files.restore(fleet.shop, file, "act1")
    assert (await fleet.probe()).ok
    assert await fleet.files.restored_by(fleet.shop, file) == "act1"


async def test_a_cut_network_hides_what_is_well(fleet: Fleet) -> None:
    await fleet.up()
    fleet.faults.cut_network("shop", "model")
    assert (await fleet.probe()).symptom == "timeout"
    fleet.faults.cut_network()
    assert (await fleet.probe()).ok


async def test_the_world_goes_on_when_a_daemon_dies_in_the_middle_of_a_start(fleet: Fleet) -> None:
    def die(where: str) -> None:
        if where == "start:after":
            raise KeyboardInterrupt

    fleet.world.boundary = die
    with pytest.raises(KeyboardInterrupt):
        await fleet.platform.start("model", "m1")
    fleet.platform.crash()
    fleet.world.boundary = lambda _: None
    second = VirtualPlatform(fleet.world)
    [life] = await second.adopt()
    assert await second.start("model", "m1") == life
    assert [(e.kind, e.mark) for e in fleet.world.effects] == [("started", "m1")]


async def test_everything_is_written_down_with_mark_and_time(fleet: Fleet) -> None:
    await fleet.platform.start("model", "m1")
    await asyncio.sleep(1)
    fleet.faults.kill("model")
    await asyncio.sleep(1)
    await fleet.platform.start("model", "m2")
    await fleet.platform.stop("model", signal="KILL", grace_s=0)
    kinds = [(e.kind, e.mark, round(e.at)) for e in fleet.world.effects]
    assert kinds == [
        ("started", "m1", 0), ("fault", "m1", 1), ("ended", "m1", 1),
        ("started", "m2", 2), ("signalled", "m2", 2), ("ended", "m2", 2),
    ]  # fmt: skip
    assert (fleet.world.count("started"), fleet.world.count("started", "shop")) == (2, 0)
