"""Declared files and figures: when they are looked at, and what becomes of it."""

import asyncio
import os
from itertools import pairwise
from pathlib import Path

from agents.events import FileDamaged, FileRepaired, HealthChanged, OperatorCommanded, ServiceSampled
from config.model import Limits, ProcessPlatform, PrometheusMetrics, WatchedFile
from platforms.platform import ProcessSample
from tests.fixtures.monitor_kit import Watching, now, service, until


def keeper(tmp_path: Path, interval_s: float = 10) -> Watching:
    (tmp_path / "shop.json").write_text("{}")
    platform = ProcessPlatform(command=("serve",), cwd=str(tmp_path))
    watching = Watching(
        service("shop", interval_s=interval_s, platform=platform, files=(WatchedFile(path="shop.json"),))
    )
    watching.start("shop")
    return watching


def write(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shop.json"
    path.write_text(text)
    os.utime(path, ns=(0, int(now() * 1e9)))


async def test_damage_is_told_soon_after_the_file_changed_and_once(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    async with watching:
        await asyncio.sleep(20)
        watching.files.problems["shop.json"] = "not JSON"
        write(tmp_path, "{x")
        damaged_at = now()
        await asyncio.sleep(60)
    [told] = watching.heard(FileDamaged)
    assert (told.service, told.path, told.problem) == ("shop", "shop.json", "not JSON")
    assert 0.2 <= told.at - damaged_at <= 0.75


async def test_damage_that_leaves_no_trace_in_the_directory_is_found_at_the_next_check(
    tmp_path: Path,
) -> None:
    watching = keeper(tmp_path)
    async with watching:
        await asyncio.sleep(20)
        watching.files.problems["shop.json"] = "a page is torn"
        await asyncio.sleep(11)
    assert len(watching.heard(FileDamaged)) == 1


async def test_a_half_written_file_is_not_damage(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    async with watching:
        await asyncio.sleep(20)
        watching.files.problems["shop.json"] = "it ends too early"
        for size in range(6):
            write(tmp_path, "[" * (size + 1))
            await asyncio.sleep(0.15)
        watching.files.problems.clear()
        await asyncio.sleep(20)
    assert watching.heard(FileDamaged) == []


async def test_repair_is_told(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    async with watching:
        await asyncio.sleep(20)
        watching.files.problems["shop.json"] = "not JSON"
        write(tmp_path, "{x")
        await asyncio.sleep(3)
        watching.files.problems.clear()
        write(tmp_path, "{}")
        await asyncio.sleep(1)
    assert [event.path for event in watching.heard(FileRepaired)] == ["shop.json"]
    assert watching.monitor.state.damaged == {}


async def test_known_damage_is_not_told_again_after_a_restart_of_the_daemon(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    watching.files.problems["shop.json"] = "not JSON"
    async with watching:
        await asyncio.sleep(20)
    watching.reopen()
    async with watching:
        await asyncio.sleep(20)
        watching.files.problems.clear()
        await asyncio.sleep(20)
    assert (len(watching.heard(FileDamaged)), len(watching.heard(FileRepaired))) == (1, 1)


async def test_a_file_that_was_never_there_is_not_damaged_and_one_that_went_is(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    (tmp_path / "shop.json").unlink()
    watching.files.problems["shop.json"] = "it is not there"
    async with watching:
        await asyncio.sleep(20)
        assert watching.heard(FileDamaged) == []
        watching.files.problems.clear()
        write(tmp_path, "{}")
        await asyncio.sleep(20)
        watching.files.problems["shop.json"] = "it is not there"
        (tmp_path / "shop.json").unlink()
        await asyncio.sleep(1)
    assert len(watching.heard(FileDamaged)) == 1


async def test_a_file_that_went_while_the_daemon_was_down_is_damaged_if_there_is_a_backup(
    tmp_path: Path,
) -> None:
    watching = keeper(tmp_path)
    (tmp_path / "shop.json").unlink()
    watching.files.old_backup = "copy"
    watching.files.problems["shop.json"] = "it is not there"
    async with watching:
        await asyncio.sleep(20)
    assert len(watching.heard(FileDamaged)) == 1


async def test_a_backup_comes_soon_after_the_first_good_check_and_then_in_time(tmp_path: Path) -> None:
    watching = keeper(tmp_path, interval_s=1)
    async with watching:
        await asyncio.sleep(605)
    times = [at for _, at in watching.files.kept]
    assert len(times) == 3
    assert times[0] < 5
    assert 300 <= times[1] - times[0] <= 302


async def test_no_backup_is_made_of_a_file_whose_service_is_not_healthy(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    watching.prober.fail("shop")
    async with watching:
        await asyncio.sleep(60)
    assert watching.files.kept == []


async def test_files_of_a_stopped_service_are_left_alone(tmp_path: Path) -> None:
    watching = keeper(tmp_path)
    async with watching:
        await asyncio.sleep(20)
        watching.tell(OperatorCommanded(command="stop", service="shop"))
        watching.files.problems["shop.json"] = "not JSON"
        write(tmp_path, "{x")
        await asyncio.sleep(60)
    assert watching.heard(FileDamaged) == []


async def test_files_are_checked_at_once_when_the_service_dies(tmp_path: Path) -> None:
    watching = keeper(tmp_path, interval_s=60)
    async with watching:
        await asyncio.sleep(70)
        watching.files.checked.clear()
        watching.platform.end("shop", code=1)
        died_at = now()
        await until(lambda: bool(watching.files.checked))
    assert now() - died_at <= 0.5


async def test_a_check_that_takes_long_is_made_less_often(tmp_path: Path) -> None:
    watching = keeper(tmp_path, interval_s=1)
    watching.files.cost_s = 2.0
    async with watching:
        await asyncio.sleep(420)
    assert 8 <= len(watching.files.checked) <= 11


# --- figures ---


async def test_process_figures_come_every_five_seconds_with_the_latency_of_the_probe() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(100)
    samples = watching.heard(ServiceSampled, "shop")
    assert 20 <= len(samples) <= 21
    assert max(b.at - a.at for a, b in pairwise(samples)) <= 5.0001
    assert samples[-1].names == ("cpu_percent", "rss_mib", "threads", "open_files", "probe_latency_s")
    assert samples[-1].values == (1.0, 50.0, 2.0, 9.0, 0.01)
    assert samples[-1].incarnation == "first"


async def test_what_grows_or_has_a_memory_limit_is_looked_at_every_second() -> None:
    watching = Watching(
        service("calm"),
        service("limited", limits=Limits(memory_mib=256)),
        service("growing", probe=None),
        service("opening", probe=None),
    )
    watching.start("calm", "limited", "growing", "opening")
    async with watching:
        for second in range(100):
            watching.platform.samples["growing"] = ProcessSample(1.0, 50.0 * 1.05**second, 2, 9)
            watching.platform.samples["opening"] = ProcessSample(1.0, 50.0, 2, 9 + 6 * second)
            await asyncio.sleep(1)
    taken = watching.platform.sampled
    assert taken["calm"] <= 21
    assert taken["limited"] >= 99
    assert taken["growing"] >= 90
    assert taken["opening"] >= 85


async def test_a_prometheus_page_becomes_a_sample_without_what_is_not_finite() -> None:
    url = "http://127.0.0.1/metrics"
    watching = Watching(service("shop", metrics=PrometheusMetrics(url=url)))
    watching.start("shop")
    watching.scraper.pages[url] = {"orders_total": 7.0, "ratio": float("nan"), "top": float("inf")}
    async with watching:
        await asyncio.sleep(100)
    pages = [sample for sample in watching.heard(ServiceSampled) if "orders_total" in sample.names]
    assert 9 <= len(pages) <= 10
    assert (pages[0].names, pages[0].values) == (("orders_total",), (7.0,))


async def test_a_failed_scrape_is_counted_and_no_news() -> None:
    watching = Watching(service("shop", metrics=PrometheusMetrics(url="http://127.0.0.1/none")))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(100)
    assert watching.monitor.scrapes_failed["shop"] >= 9
    assert [event.health for event in watching.heard(HealthChanged)] == ["starting", "healthy"]


async def test_what_does_not_live_has_no_figures() -> None:
    watching = Watching(service("shop", metrics=PrometheusMetrics(url="http://127.0.0.1/none")))
    async with watching:
        await asyncio.sleep(30)
    assert watching.heard(ServiceSampled) == [] and watching.scraper.times == []
