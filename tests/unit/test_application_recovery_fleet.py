"""Starts, replacements and stops of whole configurations, with hand-written processes under the real runner."""

import asyncio
from typing import Any

from msgspec.structs import replace

from agents.application_recovery import ApplicationRecovery
from agents.events import (
    ConfigChanged,
    FixApplied,
    HealthChanged,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StartRetried,
)
from config.model import Config, ProcessPlatform, Stop
from platforms.fleet import section, stop_waves
from platforms.platform import PlatformError
from tests.fixtures.recovery_stage import Stage, service

SHOP, MODEL = service("shop", depends_on=("model",)), service("model")


def stage(*services: Any) -> Stage:
    def build(on: Stage) -> ApplicationRecovery:
        return ApplicationRecovery(on.world, on.processes, on.prober, on.files, on.agents)

    return Stage(build, services or (SHOP, MODEL))


def started(**more: Any) -> ConfigChanged:
    return ConfigChanged(digest="d", **more)


def healthy(name: str, mark: str = "") -> HealthChanged:
    return HealthChanged(service=name, health="healthy", incarnation=mark)


async def running(on: Stage) -> str:
    """The configuration is in force and everything in it healthy; the id of its event."""
    event = started()
    on.say(event)
    for one in on.world.config.services:
        await asyncio.sleep(0.1)
        on.say(healthy(one.name))
    await asyncio.sleep(30)
    for one in on.world.config.services:
        life = on.processes.current(one.name)
        assert life is not None
        on.say(healthy(one.name, life.mark))
    await asyncio.sleep(0.1)
    on.processes.log.clear()
    return event.id


# --- starts ---


async def test_dependencies_start_first_and_dependants_when_those_are_healthy() -> None:
    async with stage() as on:
        event = started()
        on.say(event)
        await asyncio.sleep(3)
        assert [entry[1:] for entry in on.processes.log] == [("start", "model", f"{event.id}:model")]
        on.say(healthy("model", f"{event.id}:model"))
        await asyncio.sleep(1)
        assert on.processes.starts("shop") == [3.01]
        assert [(s.service, s.cause) for s in on.said(ServiceStarted)] == [
            ("model", event.id),
            ("shop", event.id),
        ]


async def test_a_dependant_starts_all_the_same_when_its_dependency_takes_longer_than_it_may() -> None:
    async with stage(SHOP, service("model", start_timeout_s=7)) as on:
        on.say(started())
        await asyncio.sleep(30)
        assert on.processes.starts("shop") == [7.01]


async def test_health_of_an_earlier_life_does_not_count() -> None:
    async with stage() as on:
        on.processes.put("model", "this life")
        on.say(healthy("model", "an earlier life"))
        await asyncio.sleep(0.1)
        on.say(started())
        await asyncio.sleep(5)
        assert on.processes.starts("shop") == []


async def test_a_service_that_cannot_boot_holds_up_nobody_and_is_told_by_its_start() -> None:
    async with stage(service("bad"), service("good")) as on:
        on.processes.lives_s = lambda name: 0.1 if name == "bad" else None
        event = started()
        on.say(event)
        await asyncio.sleep(20)
        assert on.processes.starts("good") == [0.01]
        assert on.processes.starts("bad")[:3] == [0.01, 1.12, 3.23]
        assert {r.cause for r in on.said(StartRetried)} == {event.id}


async def test_what_lives_what_an_operator_stopped_and_what_was_seen_running_is_not_started() -> None:
    async with stage(service("alive"), service("stopped"), service("lost"), service("new")) as on:
        on.processes.put("alive", "m1")
        on.say(OperatorCommanded(command="stop", service="stopped"), healthy("lost", "m2"))
        await asyncio.sleep(0.1)
        on.say(started())
        await asyncio.sleep(10)
        assert [entry[2] for entry in on.processes.log] == ["new"]


async def test_after_an_orderly_end_everything_is_started_again() -> None:
    async with stage() as on:
        await running(on)
        on.say(OperatorCommanded(command="shutdown"))
        await asyncio.sleep(1)
        await on.crash()
        on.processes.log.clear()
        on.say(started())
        await asyncio.sleep(40)
        assert sorted(entry[2] for entry in on.processes.log) == ["model", "shop"]


async def test_what_was_dead_at_an_orderly_end_is_started_again_too() -> None:
    async with stage() as on:
        await running(on)
        on.processes.die("model")
        on.say(HealthChanged(service="model", health="down", incarnation="m"))
        on.say(OperatorCommanded(command="shutdown"))
        await asyncio.sleep(1)
        await on.crash()
        on.processes.log.clear()
        on.say(started())
        await asyncio.sleep(40)
        assert sorted(entry[2] for entry in on.processes.log) == ["model", "shop"]


async def test_adopted_processes_are_told_at_a_start_and_left_alone() -> None:
    async with stage() as on:
        await running(on)
        await on.crash()
        on.say(started())
        await asyncio.sleep(30)
        assert on.processes.log == []
        assert len(on.said(ServiceStarted, adopted=True)) == 2


async def test_an_act_takes_over_a_start_that_fails_and_keeps_to_its_waits() -> None:
    async with stage(service("shop")) as on:
        on.processes.lives_s = lambda _: 0.1
        on.say(started())
        await asyncio.sleep(4)  # boots at 0, 1.1, 3.2 s; the next is due at 7.3 s
        on.act("shop", "respawn")
        await asyncio.sleep(2)
        assert len(on.processes.starts("shop")) == 3
        on.processes.lives_s = lambda _: None
        await asyncio.sleep(3)
        assert on.processes.starts("shop")[3:] == [7.34]
        assert [a.outcome for a in on.said(FixApplied)] == ["done"]


async def test_a_start_goes_on_in_a_restarted_agent() -> None:
    async with stage(service("shop")) as on:
        on.processes.lives_s = lambda _: 0.1
        on.say(started())
        await asyncio.sleep(4)
        await on.crash()
        on.processes.lives_s = lambda _: None
        await asyncio.sleep(2)
        assert on.processes.current("shop") is not None


async def test_in_a_dry_run_nothing_is_started() -> None:
    async with stage() as on:
        on.world.dry_run = True
        on.say(started())
        await asyncio.sleep(60)
        assert on.processes.log == []


async def test_a_refused_configuration_changes_nothing() -> None:
    async with stage() as on:
        on.say(started(why="refused", problem="unknown key"))
        await asyncio.sleep(60)
        assert on.processes.log == []


async def test_a_job_that_is_never_restarted_runs_once() -> None:
    async with stage(service("job", restart="never")) as on:
        on.processes.lives_s = lambda _: 0.1
        on.processes.exit_code = 0
        on.say(started())
        await asyncio.sleep(0.2)
        on.say(
            HealthChanged(service="job", health="down", incarnation=on.said(ServiceStarted)[0].incarnation)
        )
        await asyncio.sleep(60)
        assert len(on.processes.starts("job")) == 1
        assert on.said(StartRetried) == []


# --- reloads ---


async def test_a_reload_touches_only_what_changed() -> None:
    async with stage(service("a"), service("b"), service("c")) as on:
        await running(on)
        faster = replace(service("b"), start_timeout_s=5)
        other = replace(
            service("c"), platform=ProcessPlatform(command=("c", "--new")), stop=Stop(signal="INT", grace_s=1)
        )
        on.configure(service("a"), faster, other, service("d"))
        on.say(started(why="reload", changed=("b", "c"), added=("d",)))
        await asyncio.sleep(5)
        assert on.processes.verbs("a") == on.processes.verbs("b") == []
        assert [e[1:3] for e in on.processes.log] == [("stop", "c"), ("start", "d"), ("start", "c")]
        assert [(s.service, s.why) for s in on.said(ServiceStopped)] == [("c", "changed")]
        assert on.said(ServiceStarted, service="c")[-1].section == section(other)


async def test_a_command_that_changed_while_the_daemon_was_down_is_put_in_force_at_its_start() -> None:
    async with stage(service("a")) as on:
        await running(on)
        on.configure(replace(service("a"), platform=ProcessPlatform(command=("a", "--new"))))
        await on.crash()
        on.say(started())
        await asyncio.sleep(5)
        assert on.processes.verbs("a") == ["stop", "start"]


async def test_a_removed_service_is_stopped_as_its_old_configuration_says_and_forgotten() -> None:
    async with stage(service("a"), service("b", stop=Stop(signal="INT", grace_s=1))) as on:
        await running(on)
        on.configure(service("a"))
        on.say(started(why="reload", removed=("b",)))
        await asyncio.sleep(5)
        assert [e[1:] for e in on.processes.log] == [("stop", "b", "INT")]
        assert [(s.service, s.why) for s in on.said(ServiceStopped)] == [("b", "removed")]
        assert "b" not in on.agent.state.lives


async def test_what_was_stopped_then_removed_starts_when_it_is_configured_again() -> None:
    async with stage(service("a"), service("b")) as on:
        await running(on)
        on.say(OperatorCommanded(service="b", command="stop", by="me"))
        await asyncio.sleep(5)
        on.configure(service("a"))
        on.say(started(why="reload", removed=("b",)))
        await asyncio.sleep(5)
        on.configure(service("a"), service("b"))
        on.say(started(why="reload", added=("b",)))
        await asyncio.sleep(5)
        assert on.processes.current("b") is not None


async def test_one_removed_service_that_cannot_be_stopped_keeps_no_other_running() -> None:
    names = ("b", "c", "d", "e")
    async with stage(service("a"), *(service(name) for name in names)) as on:
        await running(on)
        stop = on.processes.stop

        async def stop_or_not(name: str, **how: Any) -> Any:
            if name == "c":
                raise PlatformError("it does not die")
            return await stop(name, **how)

        on.processes.stop = stop_or_not  # type: ignore[method-assign]
        on.configure(service("a"))
        on.say(started(why="reload", removed=names))
        await asyncio.sleep(1)
        assert [name for name in names if on.processes.current(name)] == ["c"]


async def test_what_left_the_configuration_while_the_daemon_was_down_is_no_orphan() -> None:
    async with stage(service("a"), service("b")) as on:
        await running(on)
        on.configure(service("a"))
        await on.crash()
        on.say(started())
        await asyncio.sleep(5)
        assert on.processes.current("b") is None
        assert [(s.service, s.why) for s in on.said(ServiceStopped)] == [("b", "unused")]


async def test_a_removed_service_ends_its_act() -> None:
    async with stage(service("a"), service("b")) as on:
        on.say(started())
        on.processes.lives_s = lambda _: 0.1
        on.act("b", "respawn")
        await asyncio.sleep(3)
        on.configure(service("a"))
        on.say(started(why="reload", removed=("b",)))
        await asyncio.sleep(1)
        assert [a.detail for a in on.said(FixApplied)] == ["it is no longer in the configuration"]


# --- the end ---


def test_each_service_stops_before_what_it_depends_on() -> None:
    services = (service("web", depends_on=("shop", "model")), SHOP, MODEL, service("alone"))
    waves = [sorted(s.name for s in wave) for wave in stop_waves(Config(services=services))]
    assert waves == [["web"], ["shop"], ["alone", "model"]]


async def test_a_shutdown_stops_dependants_first_and_leaves_what_is_to_stay() -> None:
    async with stage(SHOP, MODEL, service("stays", on_exit="leave")) as on:
        await running(on)
        on.say(OperatorCommanded(command="shutdown"))
        await asyncio.sleep(1)
        assert [e[1:3] for e in on.processes.log] == [("stop", "shop"), ("stop", "model")]
        assert on.processes.current("stays") is not None
        assert [(s.service, s.why) for s in on.said(ServiceStopped)] == [
            ("shop", "shutdown"),
            ("model", "shutdown"),
        ]


async def test_a_shutdown_of_services_that_ignore_their_signal_fits_in_25_s() -> None:
    chain = [service("s0", stop=Stop(signal="TERM", grace_s=60))]
    chain += [
        service(f"s{n}", depends_on=(f"s{n - 1}",), stop=Stop(signal="TERM", grace_s=60)) for n in range(1, 6)
    ]
    async with stage(*chain) as on:
        for one in chain:
            on.processes.put(one.name, "m")
            on.processes.ignores.add(one.name)
        on.say(OperatorCommanded(command="shutdown"))
        await asyncio.sleep(25)
        assert len(on.said(ServiceStopped)) == 6


async def test_a_shutdown_leaves_open_acts_open_and_the_next_start_goes_on_with_them() -> None:
    async with stage() as on:
        on.processes.lives_s = lambda _: 0.1
        act = on.act("shop", "respawn")
        await asyncio.sleep(10)
        on.say(OperatorCommanded(command="shutdown"))
        await asyncio.sleep(20)
        before = len(on.processes.starts("shop"))
        assert before == len([at for at in on.processes.starts("shop") if at < 10])
        assert on.said(FixApplied) == []
        on.processes.lives_s = lambda _: None
        await on.crash()
        await asyncio.sleep(1)
        [applied] = on.said(FixApplied)
        assert (applied.cause, applied.outcome) == (act, "done")


async def test_a_shutdown_that_ended_the_life_before_this_one_stops_nothing_now() -> None:
    async with stage() as on:
        await running(on)
        await on.__aexit__()
        on.say(OperatorCommanded(command="shutdown"))  # recorded, and the daemon died before it was handled
        await asyncio.sleep(1)
        await on.__aenter__()
        await asyncio.sleep(5)
        assert on.processes.log == []
