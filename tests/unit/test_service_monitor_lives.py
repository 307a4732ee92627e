"""How lives end, what is found dead after a restart of the daemon, and releases that change."""

import asyncio
from pathlib import Path

import pytest

from agents.events import (
    ChangeObserved,
    ConfigChanged,
    FixApplied,
    FixStarted,
    HealthChanged,
    ObservationResumed,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StartRetried,
)
from config.model import ProcessPlatform, Release, Service
from platforms.releases import point_back
from tests.fixtures.monitor_kit import Watching, now, service


def healths(watching: Watching, name: str = "shop") -> list[str]:
    return [event.health for event in watching.heard(HealthChanged, name)]


def act(fix: str, name: str = "shop") -> FixStarted:
    return FixStarted(
        service=name, incident="i1", fix=fix, agent="a", cause_name="x", culprit=name, deadline_s=9
    )


async def test_an_exit_is_told_at_once_with_all_that_is_known() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.platform.end("shop", signal=9)
        told = watching.heard(HealthChanged)[-1]
    assert (told.health, told.symptom, told.signal, told.exit_code) == ("down", "exit", 9, None)
    assert (told.incarnation, told.at) == ("first", 5.0)
    assert told.reason == "was killed by SIGKILL"
    assert "last words" in told.output


async def test_each_boot_of_one_act_that_fails_is_told() -> None:
    watching = Watching(service("shop"))
    async with watching:
        for _ in range(3):
            watching.start("shop", mark="act")
            watching.tell(ServiceStarted(service="shop", incarnation="act", pid=1))
            watching.platform.end("shop", code=1)
    assert healths(watching) == ["starting", "down"] * 3


async def test_what_cannot_even_be_started_is_down_and_told_once() -> None:
    watching = Watching(service("shop"), service("pricing"))
    watching.start("pricing")
    async with watching:
        await asyncio.sleep(5)
        for boot in range(1, 4):
            watching.tell(
                StartRetried(service="shop", boot=boot, wait_s=1.0, reason="the command does not exist")
            )
            watching.tell(
                StartRetried(service="pricing", boot=boot, wait_s=1.0, reason="somebody else said so")
            )
        [told] = watching.heard(HealthChanged, "shop")
        assert (told.health, told.symptom, told.reason) == ("down", "exit", "the command does not exist")
        watching.start("shop", mark="at last")
        await asyncio.sleep(2)
        watching.tell(OperatorCommanded(command="stop", service="shop"))
        await watching.platform.stop("shop", signal="TERM", grace_s=1.0)
        watching.tell(StartRetried(service="shop", boot=1, wait_s=1.0, reason="too late"))
        await asyncio.sleep(1)
    assert healths(watching) == ["down", "starting", "healthy", "stopped"]
    assert healths(watching, "pricing") == ["starting", "healthy"]


async def test_the_end_of_a_life_that_was_never_noticed_is_told() -> None:
    watching = Watching(service("shop"))
    async with watching:
        watching.start("shop")
        watching.platform.end("shop", code=3)
    assert watching.heard(HealthChanged)[-1].exit_code == 3


async def test_an_exit_within_an_act_of_ours_is_no_news() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.tell(act("kill_restart"))
        watching.platform.end("shop", signal=9, wanted=True)
        await asyncio.sleep(3)
        watching.start("shop", mark="act")
        watching.tell(ServiceStarted(service="shop", incarnation="act", pid=1))
        watching.tell(FixApplied(service="shop", fix="kill_restart", outcome="done"))
        await asyncio.sleep(3)
    assert healths(watching) == ["starting", "healthy", "starting", "healthy"]


async def test_what_an_operator_stopped_is_stopped_and_nothing_else() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.tell(OperatorCommanded(command="stop", service="shop"))
        watching.prober.fail("shop")
        await asyncio.sleep(4)
        watching.platform.end("shop", signal=15, wanted=True)
        watching.tell(ServiceStopped(service="shop", why="operator"))
        await asyncio.sleep(10)
        assert healths(watching) == ["starting", "healthy", "stopped"]
        watching.tell(OperatorCommanded(command="start", service="shop"))
        watching.prober.heal("shop")
        watching.start("shop", mark="second")
        watching.tell(ServiceStarted(service="shop", incarnation="second", pid=1))
        await asyncio.sleep(3)
    assert healths(watching)[3:] == ["starting", "healthy"]


async def test_a_stop_that_nobody_commanded_is_told_when_it_is_known_why() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.platform.end("shop", signal=15, wanted=True)
        assert healths(watching)[-1] == "healthy"
        watching.tell(ServiceStopped(service="shop", why="shutdown"))
    assert healths(watching)[-1] == "stopped"


@pytest.mark.parametrize(
    ("restart", "code", "health"),
    [("on-failure", 0, "stopped"), ("on-failure", 1, "down"), ("always", 0, "down"), ("never", 0, "stopped")],
)
async def test_a_service_that_may_finish_is_stopped_when_it_did(restart: str, code: int, health: str) -> None:
    watching = Watching(service("job", probe=None, restart=restart))
    watching.start("job")
    async with watching:
        await asyncio.sleep(5)
        watching.platform.end("job", code=code)
    assert healths(watching, "job")[-1] == health


# --- after a restart of the daemon ---


async def lived(watching: Watching) -> None:
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
    watching.said.clear()
    watching.reopen()


async def test_what_died_while_nobody_looked_is_found_dead_at_once() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    del watching.platform.living["shop"]
    watching.tell(ConfigChanged(digest="d"))
    opened_at = now()
    async with watching:
        await asyncio.sleep(5)
    assert isinstance(watching.said[0], ObservationResumed) and watching.said[0].why == "start"
    [told] = watching.heard(HealthChanged)
    assert (told.health, told.symptom, told.incarnation) == ("down", "found_dead", "first")
    assert told.at == opened_at


async def test_what_is_adopted_is_the_same_life_and_no_news() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    watching.tell(ConfigChanged(digest="d"))
    async with watching:
        watching.tell(ServiceStarted(service="shop", incarnation="first", pid=1, adopted=True))
        await asyncio.sleep(5)
    assert watching.heard(HealthChanged) == []
    assert watching.prober.times("shop")


async def test_what_was_never_started_is_not_found_dead() -> None:
    watching = Watching(service("shop"))
    watching.tell(ConfigChanged(digest="d"))
    async with watching:
        await asyncio.sleep(5)
    assert watching.heard(HealthChanged) == []


async def test_what_was_stopped_in_an_orderly_shutdown_is_not_found_dead() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    del watching.platform.living["shop"]
    watching.tell(ServiceStopped(service="shop", why="shutdown"))  # handled only now: the daemon was going
    watching.tell(ConfigChanged(digest="d"))
    async with watching:
        await asyncio.sleep(5)
    assert watching.heard(HealthChanged) == []


async def test_a_stop_that_is_heard_of_late_still_comes_before_the_verdict() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    del watching.platform.living["shop"]
    async with watching:
        await asyncio.sleep(0.1)
        watching.tell(ServiceStopped(service="shop", why="shutdown"))
        watching.tell(ConfigChanged(digest="d"))
        await asyncio.sleep(5)
    assert healths(watching) == ["stopped"]


async def test_after_a_reboot_nothing_is_found_dead() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    del watching.platform.living["shop"]
    watching.monitor.state.boots["last"] = "another boot"
    watching.tell(ConfigChanged(digest="d"))
    async with watching:
        await asyncio.sleep(5)
    assert watching.heard(HealthChanged) == []


async def test_what_an_open_act_will_start_is_not_found_dead() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    del watching.platform.living["shop"]
    watching.tell(act("kill_restart"))
    watching.tell(ConfigChanged(digest="d"))
    async with watching:
        await asyncio.sleep(5)
        assert watching.heard(HealthChanged) == []
        watching.tell(FixApplied(service="shop", fix="kill_restart", outcome="failed"))
        await asyncio.sleep(2)
    assert healths(watching) == ["down"]


async def test_an_exit_that_was_missed_is_found_within_a_second_or_so() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        del watching.platform.living["shop"]
        await asyncio.sleep(2)
    assert watching.heard(HealthChanged)[-1].symptom == "found_dead"


async def test_a_monitor_whose_life_is_over_is_silent() -> None:
    watching = Watching(service("shop"))
    await lived(watching)
    old_said = len(watching.said)
    watching.platform.end("shop", signal=9)
    assert len(watching.said) == old_said


# --- releases ---


def released(tmp_path: Path) -> Service:
    for version in ("v1", "v2", "v3"):
        (tmp_path / "releases" / version).mkdir(parents=True)
    point(tmp_path, "v1")
    platform = ProcessPlatform(command=("serve",), cwd=str(tmp_path))
    return service("shop", platform=platform, release=Release())


def point(tmp_path: Path, version: str) -> None:
    new = tmp_path / "releases" / "new"
    new.symlink_to(version)
    new.replace(tmp_path / "releases" / "current")


async def test_a_deploy_is_noticed_within_half_a_second(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        assert watching.heard(ChangeObserved) == []
        point(tmp_path, "v2")
        await asyncio.sleep(0.5)
    [change] = watching.heard(ChangeObserved)
    assert (change.service, change.kind, change.what) == ("shop", "release", "releases/current")
    assert (change.before, change.after) == ("v1", "v2")


async def test_a_bad_deploy_is_never_later_than_its_symptom(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5.1)
        point(tmp_path, "v2")
        watching.platform.end("shop", code=1)
        told = watching.said[-2:]
    assert [type(event) for event in told] == [ChangeObserved, HealthChanged]


async def test_a_deploy_while_the_daemon_was_down_is_noticed(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    await lived(watching)
    point(tmp_path, "v2")
    async with watching:
        await asyncio.sleep(1)
    assert [(change.before, change.after) for change in watching.heard(ChangeObserved)] == [("v1", "v2")]


async def test_our_own_rollback_is_no_news_and_the_next_deploy_is(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        point(tmp_path, "v2")
        await asyncio.sleep(1)
        watching.tell(act("rollback_release"))
        point(tmp_path, "v1")
        watching.tell(FixApplied(service="shop", fix="rollback_release", outcome="done"))
        await asyncio.sleep(1)
        assert len(watching.heard(ChangeObserved)) == 1
        point(tmp_path, "v3")
        await asyncio.sleep(1)
    assert [change.after for change in watching.heard(ChangeObserved)] == ["v2", "v3"]


async def test_our_own_rollback_is_no_news_either_before_we_hear_of_the_act_and_explains_one_change(
    tmp_path: Path,
) -> None:
    """The daemon died in the act: what it did stands in the world, while its start still waits in our inbox."""
    watching = Watching(released(tmp_path))
    point(tmp_path, "v2")
    await lived(watching)
    point_back(tmp_path / "releases" / "current", "act", ())
    async with watching:
        await asyncio.sleep(1)
        assert watching.heard(ChangeObserved) == []
        for version in ("v2", "v1"):
            point(tmp_path, version)
            await asyncio.sleep(1)
    assert [change.after for change in watching.heard(ChangeObserved)] == ["v2", "v1"]


async def test_another_act_explains_no_deploy(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.tell(act("respawn"))
        point(tmp_path, "v2")
        await asyncio.sleep(1)
    assert len(watching.heard(ChangeObserved)) == 1


async def test_health_says_which_release_it_was(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
    assert {event.release for event in watching.heard(HealthChanged)} == {"v1"}


async def test_a_link_that_is_absent_for_an_instant_is_no_change(tmp_path: Path) -> None:
    watching = Watching(released(tmp_path))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        (tmp_path / "releases" / "current").unlink()
        await asyncio.sleep(1)
        point(tmp_path, "v1")
        await asyncio.sleep(1)
    assert watching.heard(ChangeObserved) == []


async def test_another_command_in_the_configuration_is_a_change() -> None:
    watching = Watching(service("shop"), service("pricing"))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(5)
        changed = service("shop", platform=ProcessPlatform(command=("serve", "--fast")))
        slower = service("pricing", interval_s=5)
        watching.world.config = type(watching.world.config)(services=(changed, slower))
        watching.tell(ConfigChanged(digest="d2", why="reload", changed=("shop", "pricing")))
    [change] = watching.heard(ChangeObserved)
    assert (change.service, change.kind, change.after) == ("shop", "config", "d2")


async def test_logs_of_this_life_are_part_of_what_was_seen(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("Traceback of long ago\n")
    platform = ProcessPlatform(command=("serve",), cwd=str(tmp_path))
    watching = Watching(service("shop", platform=platform, logs=("shop.log",)))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        with log.open("a") as file:
            file.write("MemoryError\n")
        watching.platform.end("shop", code=1)
    output = watching.heard(HealthChanged)[-1].output
    assert "MemoryError" in output and "last words" in output and "long ago" not in output


async def test_output_is_bounded_however_much_was_said(tmp_path: Path) -> None:
    platform = ProcessPlatform(command=("serve",), cwd=str(tmp_path))
    watching = Watching(service("shop", platform=platform, logs=("a.log", "b.log")))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        for log in ("a.log", "b.log"):
            (tmp_path / log).write_text("é" * 90_000 + f"\nend of {log}")
        watching.prober.fail("shop", body="ü" * 3000 + "end of body")
        await asyncio.sleep(5)
    output = watching.heard(HealthChanged)[-1].output
    assert len(output.encode()) <= 4096
    assert "end of b.log" in output and "end of body" in output and "shop printed this" in output
