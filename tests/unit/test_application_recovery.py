"""Acts of application recovery, with hand-written processes under the real runner."""

import asyncio
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agents.application_recovery import ApplicationRecovery
from agents.events import (
    Cause,
    CauseFound,
    ChangeObserved,
    FixApplied,
    FixVerified,
    HealthChanged,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StartRetried,
)
from config.fixes import load_fixes
from config.model import Release, WatchedFile
from config.world import World
from tests.fixtures.recovery_stage import (
    START_S,
    FakeAgents,
    FakeFiles,
    FakeProber,
    FakeProcesses,
    Stage,
    service,
)


def stage(*services: Any, **more: Any) -> Stage:
    def build(on: Stage) -> ApplicationRecovery:
        return ApplicationRecovery(on.world, on.processes, on.prober, on.files, on.agents)

    return Stage(build, services or (service("shop", depends_on=("model",)), service("model")), **more)


async def settled(on: Stage, seconds: float = 5.0) -> FixApplied:
    await asyncio.sleep(seconds)
    [applied] = on.said(FixApplied)
    return applied  # type: ignore[no-any-return]


async def test_a_crashed_service_is_started_at_once_and_carries_the_id_of_the_act() -> None:
    async with stage() as on:
        act = on.act("shop", "respawn", incarnation="old")
        applied = await settled(on)
        assert [entry[1:] for entry in on.processes.log] == [("start", "shop", act)]
        assert on.processes.starts("shop") == [0.01]
        assert (applied.outcome, applied.incarnation, applied.service) == ("done", act, "shop")
        assert applied.seconds == pytest.approx(0.02, abs=0.01)
        [started] = on.said(ServiceStarted)
        assert (started.incarnation, started.cause) == (act, act)


async def test_a_respawn_leaves_a_living_process_alone() -> None:
    async with stage() as on:
        on.processes.put("shop", "somebody's")
        on.act("shop", "respawn", incarnation="old")
        applied = await settled(on)
        assert (applied.outcome, applied.incarnation) == ("symptom_gone", "somebody's")
        assert on.processes.log == []


async def test_the_acts_of_other_recovery_agents_are_left_to_them() -> None:
    async with stage() as on:
        on.act("shop", "restore_file")
        await asyncio.sleep(1)
        assert (on.said(FixApplied), on.processes.log) == ([], [])


async def test_a_hung_service_is_killed_without_grace_and_started() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: on.processes.current("shop").mark != "old"  # type: ignore[union-attr]
        act = on.act("shop", "kill_restart", "hang", incarnation="old")
        applied = await settled(on)
        assert on.processes.verbs("shop") == ["kill", "start"]
        assert (applied.outcome, applied.incarnation) == ("done", act)


async def test_a_fresh_good_probe_before_the_kill_means_that_nothing_is_touched() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.say(HealthChanged(service="shop", health="unhealthy", incarnation="old"))
        on.act("shop", "kill_restart", "hang", incarnation="old")
        assert (await settled(on)).outcome == "symptom_gone"
        assert on.processes.log == []
        assert len(on.prober.probed) == 1


async def test_a_process_that_is_stopped_by_a_signal_is_asked_nothing_before_it_is_killed() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.processes.state["shop"] = "T"
        on.act("shop", "kill_restart", "hang", incarnation="old")
        await settled(on)
        assert on.processes.verbs("shop") == ["kill", "start"]
        assert on.processes.log[0][0] == 0


async def test_a_leak_is_fixed_though_the_probe_is_good() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.act("shop", "restart", "memory_leak", incarnation="old")
        assert (await settled(on)).outcome == "done"
        assert on.processes.verbs("shop") == ["stop", "start"]


async def test_a_culprit_whose_own_probe_was_good_all_along_is_restarted_for_its_callers_sake() -> None:
    async with stage() as on:
        on.processes.put("model", "old")
        on.say(HealthChanged(service="model", health="healthy", incarnation="old"))
        await asyncio.sleep(1)
        on.act("model", "kill_restart", "network_latency", incarnation="old")
        assert (await settled(on)).outcome == "done"


async def test_waiting_is_an_act_without_hands() -> None:
    async with stage() as on:
        on.act("shop", "wait", "dependency_failure")
        applied = await settled(on, 0.01)
        assert (applied.outcome, on.processes.log, on.prober.probed) == ("done", [], [])


async def test_caches_are_emptied_while_the_service_is_down() -> None:
    async with stage(service("shop", caches=("cache/", "tmp/"))) as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: on.processes.current("shop").mark != "old"  # type: ignore[union-attr]
        on.act("shop", "clear_cache", "unknown", incarnation="old")
        assert (await settled(on)).outcome == "done"
        assert on.processes.verbs("shop") == ["stop", "start"]
        assert on.files.log == [("empty", "cache/"), ("empty", "tmp/")]


async def test_a_step_that_nobody_knows_is_refused_when_the_agent_is_made() -> None:
    fixes = dict(load_fixes())
    fixes["respawn"] = replace(fixes["respawn"], steps=("reboot_the_world", "start"))
    world = World(config=stage().world.config, fixes=fixes)
    processes = FakeProcesses()
    with pytest.raises(
        ValueError, match=r"'respawn' has the step 'reboot_the_world'.*it knows: empty_caches, kill"
    ):
        ApplicationRecovery(world, processes, FakeProber(processes), FakeFiles(), FakeAgents())


# --- boots that fail ---


async def test_boots_wait_1_2_4_then_5_s_and_every_failure_is_told() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(40)
        starts = on.processes.starts("shop")
        gaps = [round(b - a, 1) for a, b in itertools.pairwise(starts)]
        assert gaps[:5] == [1.1, 2.1, 4.1, 5.1, 5.1]
        assert len(starts) <= 13
        told = on.said(StartRetried)
        assert [t.boot for t in told] == list(range(1, len(starts) + 1))
        assert (told[0].reason, told[0].output) == (
            "it exited with code 1 while it booted",
            "shop says goodbye",
        )
        on.processes.lives_s = lambda _: None
        assert (await settled(on, 6)).outcome == "done"


async def test_boots_go_on_for_ever_up_to_a_minute_apart() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(3600)
        starts = on.processes.starts("shop")
        assert 25 < sum(at < 125 for at in starts) < 30
        assert round(starts[-1] - starts[-2]) == 60
        assert on.said(FixApplied) == []


async def test_a_command_that_cannot_be_run_is_a_failed_boot() -> None:
    async with stage() as on:
        on.processes.broken["shop"] = "no such file: shop"
        on.act("shop", "respawn", patience_boots=2)
        applied = await settled(on)
        assert (applied.outcome, applied.detail) == ("failed", "no such file: shop")
        assert [t.reason for t in on.said(StartRetried)] == ["no such file: shop"]


async def test_the_next_boot_comes_at_once_when_a_declared_dependency_is_healthy_again() -> None:
    async with stage() as on:
        on.say(HealthChanged(service="model", health="down"))
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(38.5)
        assert on.said(StartRetried)[-1].missing == ("model",)
        before = len(on.processes.starts("shop"))
        on.processes.lives_s = lambda _: None
        on.say(HealthChanged(service="model", health="healthy"))
        assert (await settled(on, 0.2)).outcome == "done"
        assert len(on.processes.starts("shop")) == before + 1


async def test_a_dependency_that_returns_during_a_boot_is_not_forgotten_when_that_boot_fails() -> None:
    async with stage() as on:
        on.say(HealthChanged(service="model", health="down"))
        on.processes.lives_s = lambda _: 0.5
        on.prober.good = lambda _: False
        on.act("shop", "respawn")
        await asyncio.sleep(0.3)
        on.say(HealthChanged(service="model", health="healthy"))
        await asyncio.sleep(0.5)
        assert on.processes.starts("shop") == [0.01, 0.52]
        assert on.said(StartRetried)[0].wait_s == 0


async def test_a_dependency_that_came_back_in_vain_speeds_up_one_boot_and_no_more() -> None:
    async with stage() as on:
        on.say(HealthChanged(service="model", health="down"))
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(20)
        before = len(on.processes.starts("shop"))
        on.say(HealthChanged(service="model", health="healthy"))
        await asyncio.sleep(4)
        assert len(on.processes.starts("shop")) == before + 1


async def test_the_return_of_a_service_nobody_declared_changes_nothing() -> None:
    async with stage(service("shop"), service("model")) as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(10)
        before = len(on.processes.starts("shop"))
        on.say(HealthChanged(service="model", health="healthy"))
        await asyncio.sleep(0.5)
        assert len(on.processes.starts("shop")) == before


@pytest.mark.parametrize(
    ("declared", "cause", "gives_way"),
    [
        ({"release": Release()}, "bad_deploy", True),
        ({"files": (WatchedFile(path="a.json"),)}, "state_corruption", True),
        ({}, "bad_deploy", False),  # nothing else could be done
        ({"release": Release()}, "hang", False),  # its fix would start it again, too
    ],
)
async def test_boots_give_way_to_a_fix_that_does_more_once_the_true_cause_is_known(
    declared: dict[str, Any], cause: str, gives_way: bool
) -> None:
    async with stage(service("shop", **declared)) as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(2)
        on.say(CauseFound(incident="i1", service="shop", best=Cause(cause, "shop", 0.9)))
        await asyncio.sleep(0.1)
        said = [(f.outcome, f.detail) for f in on.said(FixApplied)]
        assert said == ([("failed", f"it turned out to be {cause}")] if gives_way else [])


async def test_a_cause_that_was_found_before_a_crash_of_ours_is_not_forgotten() -> None:
    async with stage(service("shop", release=Release())) as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(2)
        found = CauseFound(incident="i1", service="shop", best=Cause("bad_deploy", "shop", 0.9))
        await on.crash(lambda: on.say(found))
        assert (await settled(on)).detail == "it turned out to be bad_deploy"


async def test_patience_counts_the_boots_of_this_act_over_a_crash_of_ours() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn", patience_boots=4)
        await asyncio.sleep(4)
        assert len(on.said(StartRetried)) == 3
        await on.crash()
        applied = await settled(on)
        assert (applied.outcome, len(on.processes.starts("shop"))) == ("failed", 4)


async def test_a_verified_start_lets_the_waits_begin_anew() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn", patience_boots=4)
        await asyncio.sleep(10)
        on.say(FixVerified(service="shop", fix="respawn", cause_name="crash", culprit="shop", seconds=1.0))
        on.act("shop", "respawn")
        await asyncio.sleep(0.5)
        assert on.said(StartRetried)[-1].wait_s == 1


async def test_without_a_verified_start_the_waits_go_on_growing() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn", patience_boots=4)
        await asyncio.sleep(10)
        on.act("shop", "respawn")
        await asyncio.sleep(0.5)
        assert on.said(StartRetried)[-1].wait_s == 5


async def test_an_hour_of_health_lets_the_waits_begin_anew() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn", patience_boots=4)
        await asyncio.sleep(10)
        on.say(HealthChanged(service="shop", health="healthy", incarnation="x"))
        await asyncio.sleep(3601)
        on.say(HealthChanged(service="shop", health="down", incarnation="x"))
        assert on.agent.state.boots != {}
        await asyncio.sleep(0.1)
        assert on.agent.state.boots == {}


async def test_a_process_that_lives_but_does_not_become_healthy_fails_the_act_and_is_left_running() -> None:
    async with stage() as on:
        on.prober.good = lambda _: False
        on.act("shop", "respawn")
        await asyncio.sleep(19)
        assert on.said(FixApplied) == []
        applied = await settled(on, 2)
        assert applied.outcome == "failed"
        assert applied.detail == "did not become healthy within 20 s: status 503"
        assert on.processes.current("shop") is not None


async def test_a_process_that_waits_for_its_dependency_is_not_a_failed_start() -> None:
    async with stage() as on:
        on.say(HealthChanged(service="model", health="unhealthy"))
        on.prober.good = lambda _: asyncio.get_running_loop().time() > 100
        on.act("shop", "respawn")
        await asyncio.sleep(90)
        on.say(HealthChanged(service="model", health="healthy"))
        applied = await settled(on, 15)
        assert (applied.outcome, on.processes.starts("shop")) == ("done", [0.01])


async def test_a_service_without_probe_is_up_when_it_lived_for_a_second() -> None:
    async with stage(service("shop", probe=None)) as on:
        on.act("shop", "respawn")
        await asyncio.sleep(0.9)
        assert on.said(FixApplied) == []
        assert (await settled(on, 0.2)).outcome == "done"


# --- crashes of ours ---


async def test_after_a_crash_of_ours_the_process_that_carries_the_act_is_not_started_again() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: False
        act = on.act("shop", "kill_restart", "hang", incarnation="old")
        await asyncio.sleep(1)
        await on.crash()
        await asyncio.sleep(1)
        on.prober.good = lambda _: True
        applied = await settled(on)
        assert on.processes.verbs("shop") == ["kill", "start"]
        assert (applied.outcome, applied.incarnation) == ("found_done", act)


async def test_an_act_that_named_no_incarnation_does_not_kill_its_own_process_after_a_crash_of_ours() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: False
        on.act("shop", "kill_restart", "hang")
        await asyncio.sleep(1)
        await on.crash()
        await asyncio.sleep(1)
        assert on.processes.verbs("shop") == ["kill", "start"]


async def test_a_process_that_took_the_place_of_the_hung_one_is_not_killed_for_it() -> None:
    async with stage() as on:
        on.processes.put("shop", "new")
        on.prober.good = lambda _: asyncio.get_running_loop().time() > 3
        on.act("shop", "kill_restart", "hang", incarnation="old")
        applied = await settled(on)
        assert (on.processes.log, applied.outcome, applied.incarnation) == ([], "found_done", "new")


async def test_after_a_crash_between_kill_and_start_only_the_start_is_left_to_do() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: on.processes.current("shop").mark != "old"  # type: ignore[union-attr]
        on.act("shop", "kill_restart", "hang", incarnation="old")
        await asyncio.sleep(0.015)
        await on.crash(on.processes._lives.clear)
        assert (await settled(on)).outcome == "done"
        assert on.processes.verbs("shop").count("start") == 1


async def test_without_the_look_at_what_happened_a_crash_would_kill_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ApplicationRecovery, "happened_since", lambda *_: {})
    async with stage() as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: False
        on.act("shop", "kill_restart", "hang", incarnation="old")
        await asyncio.sleep(1)
        await on.crash()
        await asyncio.sleep(1)
        assert on.processes.verbs("shop") == ["kill", "start", "kill", "start"]


# --- releases ---


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    for version in ("v1", "v2", "v3"):
        (tmp_path / "releases" / version).mkdir(parents=True)
    (tmp_path / "releases" / "current").symlink_to("v3")
    return tmp_path


def released(folder: Path) -> Any:
    plain = service("shop", release=Release())
    return replace(plain, platform=replace(plain.platform, cwd=str(folder)))


async def test_a_bad_release_is_pointed_back_then_the_service_is_restarted(releases: Path) -> None:
    async with stage(released(releases)) as on:
        on.processes.put("shop", "old")
        link = releases / "releases" / "current"
        on.prober.good = lambda _: link.readlink().name == "v2"
        on.act("shop", "rollback_release", "bad_deploy", incarnation="old")
        applied = await settled(on)
        assert applied.outcome == "done"
        assert str(link.readlink()) == "v2"
        assert applied.undo == "point the release again from v2 to v3"
        assert on.processes.verbs("shop") == ["kill", "start"]


async def test_the_release_that_was_healthy_last_is_better_than_the_one_before_in_name(
    releases: Path,
) -> None:
    async with stage(released(releases)) as on:
        on.say(HealthChanged(service="shop", health="healthy", incarnation="a", release="v1"))
        on.say(HealthChanged(service="shop", health="stopped", incarnation="a"))
        await asyncio.sleep(0.1)
        on.say(
            ChangeObserved(service="shop", kind="release", what="releases/current", before="v1", after="v3")
        )
        on.act("shop", "rollback_release", "bad_deploy")
        assert (await settled(on)).outcome == "done"
        assert (releases / "releases" / "current").readlink().name == "v1"


async def test_a_release_that_was_ill_when_it_was_replaced_is_none_to_go_back_to(releases: Path) -> None:
    async with stage(released(releases)) as on:
        for release, health in (("v2", "healthy"), ("v1", "healthy"), ("v1", "unhealthy")):
            on.say(HealthChanged(service="shop", health=health, incarnation="a", release=release))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        on.say(
            ChangeObserved(service="shop", kind="release", what="releases/current", before="v1", after="v3")
        )
        on.act("shop", "rollback_release", "bad_deploy")
        assert (await settled(on)).outcome == "done"
        assert (releases / "releases" / "current").readlink().name == "v2"


@pytest.mark.parametrize("crash_at_s", [0.012, 0.02, 0.025, 0.035, 0.5])
async def test_a_rollback_goes_back_one_release_whenever_we_crash(releases: Path, crash_at_s: float) -> None:
    async with stage(released(releases)) as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: False
        on.act("shop", "rollback_release", "bad_deploy", incarnation="old")
        await asyncio.sleep(crash_at_s)
        await on.crash()
        on.prober.good = lambda _: on.processes.current("shop").mark != "old"  # type: ignore[union-attr]
        applied = await settled(on)
        assert (releases / "releases" / "current").readlink().name == "v2"
        assert on.processes.verbs("shop") == ["kill", "start"]
        assert applied.undo == "point the release again from v2 to v3"


async def test_without_an_earlier_release_the_act_fails_and_says_so(releases: Path) -> None:
    (releases / "releases" / "current").unlink()
    (releases / "releases" / "current").symlink_to("v1")
    async with stage(released(releases)) as on:
        on.processes.put("shop", "old")
        on.prober.good = lambda _: False
        on.act("shop", "rollback_release", "bad_deploy", incarnation="old")
        applied = await settled(on)
        assert applied.outcome == "failed"
        assert "no earlier release than v1" in applied.detail
        assert on.processes.verbs("shop") == []


# --- our own agents ---


@pytest.mark.parametrize(
    ("lives_since", "immortal", "outcome", "detail"),
    [
        (900.0, False, "done", ""),
        (1001.0, False, "found_done", ""),
        (900.0, True, "failed", "no new life of it began in time"),
        (None, False, "failed", "no agent of ours is called nightwarden:notifier"),
    ],
)
async def test_an_agent_of_our_own_is_started_anew_unless_it_was_since_the_permission(
    lives_since: float | None, immortal: bool, outcome: str, detail: str
) -> None:
    async with stage() as on:
        on.agents.lives = {} if lives_since is None else {"notifier": lives_since}
        on.agents.immortal = immortal
        on.act("nightwarden:notifier", "restart_agent")
        applied = await settled(on)
        assert (applied.outcome, applied.detail) == (outcome, detail)
        assert on.agents.restarted == (["notifier"] if outcome == "done" else [])
        assert on.processes.log == []


# --- operators ---


async def test_an_operator_stop_ends_a_boot_loop_at_once() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(30.5)
        on.say(OperatorCommanded(command="stop", service="shop"))
        applied = await settled(on, 0.1)
        assert (applied.outcome, applied.detail) == ("failed", "stopped by operator")
        assert [s.why for s in on.said(ServiceStopped)] == ["operator"]
        before = len(on.processes.starts("shop"))
        await asyncio.sleep(60)
        assert len(on.processes.starts("shop")) == before


async def test_what_an_operator_stopped_is_not_acted_on_over_a_crash_of_ours_either() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.say(OperatorCommanded(command="stop", service="shop"))
        await asyncio.sleep(1)
        await on.crash()
        on.act("shop", "respawn")
        applied = await settled(on)
        assert (applied.outcome, on.processes.verbs("shop")) == ("failed", ["stop"])


@pytest.mark.parametrize("by", ["anna", "file PAUSE"])
async def test_a_pause_holds_the_boots_of_an_act_that_is_under_way(by: str) -> None:
    async with stage(service("shop")) as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(2)
        on.say(OperatorCommanded(command="pause", by=by))
        await asyncio.sleep(2)
        before = len(on.processes.starts("shop"))
        on.say(
            OperatorCommanded(command="pause", by="file B"), OperatorCommanded(command="resume", by="file B")
        )
        await asyncio.sleep(600)
        assert len(on.processes.starts("shop")) == before
        await on.crash()
        await asyncio.sleep(600)
        assert len(on.processes.starts("shop")) <= before + 1, "a start of ours starts what is declared, once"
        on.processes.lives_s = lambda _: None
        on.say(OperatorCommanded(command="resume", by=by))
        await asyncio.sleep(2)
        assert on.processes.lasts("shop")
        assert [applied.outcome for applied in on.said(FixApplied)] == ["done"]


async def test_an_operator_start_is_tried_in_a_pause_too() -> None:
    async with stage(service("shop")) as on:
        on.processes.lives_s = lambda _: 0.1
        on.act("shop", "respawn")
        await asyncio.sleep(0.5)
        on.say(OperatorCommanded(command="pause", by="anna"))
        await asyncio.sleep(60)
        before = len(on.processes.starts("shop"))
        on.say(OperatorCommanded(service="shop", command="start", by="anna"))
        await asyncio.sleep(60)
        assert len(on.processes.starts("shop")) == before + 1


async def test_an_operator_start_starts_what_an_operator_stopped() -> None:
    async with stage() as on:
        on.processes.put("shop", "old")
        on.say(OperatorCommanded(command="stop", service="shop"))
        on.say(OperatorCommanded(command="start", service="shop"))
        await asyncio.sleep(1)
        assert on.processes.verbs("shop") == ["stop", "start"]
        assert on.agent.state.stopped == {}
        assert len(on.said(ServiceStarted)) == 1


async def test_a_start_that_an_act_takes_over_in_its_first_moment_is_told_and_not_doubled() -> None:
    async with stage() as on:
        on.say(OperatorCommanded(command="start", service="shop"))
        await asyncio.sleep(START_S / 2)
        on.act("shop", "respawn")
        applied = await settled(on)
        [started] = on.said(ServiceStarted)
        assert started.section
        assert on.processes.starts("shop") == [START_S]
        assert (applied.outcome, applied.incarnation) == ("found_done", started.incarnation)


async def test_in_a_dry_run_no_command_moves_anything() -> None:
    async with stage() as on:
        on.world = dataclasses.replace(on.world, dry_run=True)
        on.runner.rebuild(on.cell, None, None)
        await on.crash()
        on.processes.put("shop", "old")
        on.say(OperatorCommanded(command="stop", service="shop"))
        await asyncio.sleep(1)
        assert on.processes.log == []
