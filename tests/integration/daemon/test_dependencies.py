"""What depends on others: boots that cannot succeed yet, callers of a slow service, and who pays for what."""

import asyncio
from typing import Any

import pytest

from agents.events import (
    CauseFound,
    FixStarted,
    FixVerified,
    IncidentClosed,
    IncidentOpened,
    OperatorCommanded,
    StartRetried,
)
from config.model import Config, PrometheusMetrics, Windows
from tests.fixtures.monitor_kit import service
from tests.fixtures.virtual_daemon import VirtualDaemon
from tests.fixtures.virtual_process import Script


def say(virtual: VirtualDaemon, command: Any, name: str) -> None:
    assert virtual.daemon is not None
    virtual.daemon.runner.say("operator", [OperatorCommanded(service=name, command=command, by="somebody")])


async def outage(virtual: VirtualDaemon, for_s: float) -> float:
    """The service `api` dies while what it needs is away for so long; how many seconds after its return it is well."""
    await virtual.until(virtual.well, 20.0)
    say(virtual, "stop", "db")
    await virtual.until(lambda: virtual.world.leader("db") is None, 6.0)
    virtual.faults.kill("api")
    await asyncio.sleep(for_s)
    say(virtual, "start", "db")
    assert await virtual.until(lambda: not virtual.world.answer("db").symptom, 2.0)
    returned_at = virtual.clock.now()
    assert await virtual.until(lambda: not virtual.world.answer("api").symptom, 120.0)
    return virtual.clock.now() - returned_at


def blamed(virtual: VirtualDaemon, name: str) -> tuple[str, str]:
    """The last word on the cause of its incident."""
    best = virtual.facts(CauseFound, name)[-1].best
    return best.name, best.service


def needy(*, declared: bool) -> VirtualDaemon:
    services = (service("db"), service("api", depends_on=("db",) if declared else ()))
    return VirtualDaemon(Config(services=services), {"api": Script(needs=("db",))})


@pytest.mark.parametrize("for_s", [10.0, 40.0, 100.0, 1800.0])
async def test_who_cannot_boot_comes_at_once_when_a_declared_dependency_returns(for_s: float) -> None:
    async with needy(declared=True) as virtual:
        assert await outage(virtual, for_s) <= 2.0
        assert await virtual.until(virtual.well, 20.0)
        acts = virtual.facts(FixStarted, "api")
        assert len(acts) == 1
        assert blamed(virtual, "api") == ("dependency_failure", "db")
        assert len(virtual.facts(StartRetried, "api")) >= 3


@pytest.mark.parametrize("for_s", [10.0, 40.0, 100.0])
async def test_where_only_its_last_words_say_why_it_comes_within_six_seconds(for_s: float) -> None:
    async with needy(declared=False) as virtual:
        assert await outage(virtual, for_s) <= 6.0
        assert blamed(virtual, "api") == ("dependency_failure", "db")
        assert await virtual.until(virtual.well, 60.0)
        assert virtual.facts(IncidentClosed)[-1].outcome == "healed"


@pytest.mark.unmeasured
async def test_nobody_gives_up_in_two_hours_and_nobody_storms() -> None:
    async with needy(declared=False) as virtual:
        assert await outage(virtual, 7200.0) <= 62.0
        assert 7200 / 75 <= virtual.world.count("started", "api") <= 7200 / 55 + 40


@pytest.mark.parametrize("declared", [True, False])
async def test_at_most_thirteen_boots_in_forty_seconds(declared: bool) -> None:
    async with needy(declared=declared) as virtual:
        await outage(virtual, 40.0)
        assert 5 <= virtual.world.count("started", "api") - 1 <= 14  # the last one succeeds


@pytest.mark.parametrize("slow_s", [0.3, 0.45, 0.8, 3.0])
async def test_callers_of_a_slow_service_are_never_restarted(slow_s: float) -> None:
    callers = tuple(
        service(name, timeout_s=timeout_s, depends_on=("db",))
        for name, timeout_s in (("api", 0.2), ("web", 0.4), ("jobs", 1.0))
    )
    scripts = {caller.name: Script(calls=("db",)) for caller in callers}
    async with VirtualDaemon(Config(services=(service("db"), *callers)), scripts) as virtual:
        await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(30.0)  # so that the usual latency is known
        virtual.faults.slow("db", slow_s)
        assert await virtual.until(virtual.well, 120.0)
        await asyncio.sleep(60.0)
        assert virtual.well()
        assert virtual.facts(IncidentOpened, "api")
        assert {
            caller.name: virtual.world.count("started", caller.name) for caller in callers
        } == dict.fromkeys((caller.name for caller in callers), 1)
        assert virtual.world.count("started", "db") == 2


def stalling(callers: int, *, words: bool, timeout_s: float = 0.5, **windows: float) -> VirtualDaemon:
    """A service, so many that call it, and one that does not."""
    names = [f"caller{n}" for n in range(callers)]
    script = Script(calls=("db",), gives_up_s=0.2 if words else float("inf"))
    services = [service(name, timeout_s=timeout_s, depends_on=("db",)) for name in names]
    config = Config(services=(service("db"), *services, service("mail")), windows=Windows(**windows))  # type: ignore[arg-type]
    return VirtualDaemon(config, dict.fromkeys(names, script))


def starts(virtual: VirtualDaemon) -> dict[str, int]:
    return {name: virtual.world.count("started", name) for name in virtual.world.services}


@pytest.mark.parametrize(
    ("callers", "words", "within_s"),
    [(1, True, 10.0), (2, True, 4.0), (3, True, 4.0), (2, False, 10.0), (3, False, 4.0)],
)
async def test_who_answers_its_own_probe_and_fails_its_callers_is_restarted_soon(
    callers: int, words: bool, within_s: float
) -> None:
    async with stalling(callers, words=words) as virtual:
        await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(30.0)
        virtual.faults.stall("db")
        assert await virtual.until(lambda: starts(virtual)["db"] == 2, within_s)
        assert await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(40.0)
        assert virtual.well()
        assert starts(virtual) == {**dict.fromkeys(starts(virtual), 1), "db": 2}
        assert {fact.best.service for fact in virtual.facts(CauseFound)} == {"db"}


async def test_what_passes_by_itself_within_seconds_is_waited_for() -> None:
    async with stalling(1, words=True) as virtual:
        await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(30.0)
        virtual.faults.stall("db")
        await asyncio.sleep(5.0)
        virtual.faults.stall("db", stalls=False)
        await asyncio.sleep(40.0)
        assert virtual.well()
        assert set(starts(virtual).values()) == {1}
        assert [act.fix for act in virtual.facts(FixVerified)] == ["wait"]


async def test_where_waiting_helped_often_there_is_no_haste() -> None:
    async with stalling(1, words=True) as virtual:
        await virtual.until(virtual.well, 20.0)
        for stalled_s in (5.0, 5.0, 5.0, 20.0):
            await asyncio.sleep(90.0)
            virtual.faults.stall("db")
            await asyncio.sleep(stalled_s)
            virtual.faults.stall("db", stalls=False)
        await asyncio.sleep(40.0)
        assert virtual.well()
        assert set(starts(virtual).values()) == {1}


async def test_a_dependency_that_was_just_started_is_given_its_time() -> None:
    async with stalling(3, words=True) as virtual:
        await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(30.0)
        virtual.faults.kill("db")
        assert await virtual.until(
            lambda: starts(virtual)["db"] == 2 and not virtual.world.answer("db").symptom, 5.0
        )
        await asyncio.sleep(2.0)
        virtual.faults.stall("db")
        await asyncio.sleep(6.0)
        virtual.faults.stall("db", stalls=False)
        await asyncio.sleep(60.0)
        assert virtual.well()
        assert starts(virtual)["db"] == 2


async def test_a_peak_of_load_that_slows_a_dependency_down_is_waited_for() -> None:
    """Its callers suffer, and its figures say that it has far more to do than usual."""
    page = PrometheusMetrics(url="http://127.0.0.1/db/metrics", interval_s=2.0)
    callers = tuple(service(name, timeout_s=0.1, depends_on=("db",)) for name in ("api", "web"))
    scripts = {caller.name: Script(calls=("db",)) for caller in callers}
    async with VirtualDaemon(Config(services=(service("db", metrics=page), *callers)), scripts) as virtual:
        await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(180.0)  # so that its usual figures are known
        virtual.faults.load("db", 25.0)
        await asyncio.sleep(20.0)
        virtual.faults.load("db", 1.0)
        await asyncio.sleep(40.0)
        assert virtual.facts(IncidentOpened)
        assert virtual.well()
        assert set(starts(virtual).values()) == {1}


async def test_of_two_that_fail_the_one_that_calls_the_other_is_no_witness_against_what_both_need() -> None:
    services = (service("db"), service("api", depends_on=("db",)), service("web", depends_on=("api", "db")))
    scripts = {"web": Script(calls=("api",))}
    async with VirtualDaemon(Config(services=services), scripts) as virtual:
        await virtual.until(virtual.well, 20.0)
        await asyncio.sleep(30.0)
        virtual.faults.hang("api")
        assert await virtual.until(lambda: starts(virtual)["api"] == 2, 4.0)
        await asyncio.sleep(60.0)
        assert virtual.well()
        assert starts(virtual) == {"db": 1, "api": 2, "web": 1}
