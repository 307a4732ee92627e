"""The service monitor's probes: rates, verdicts, dependencies."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from agents.events import (
    ConfigChanged,
    FixStarted,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    ProbeObserved,
    ServiceSampled,
    ServiceStarted,
)
from config.model import Config, Probe, Service
from platforms.platform import ProbeResult, ProcessSample
from tests.fixtures.monitor_kit import ToldProber, Watching, now, service, until


def healths(watching: Watching, name: str = "shop") -> list[str]:
    return [event.health for event in watching.heard(HealthChanged, name)]


async def test_a_new_incarnation_is_starting_and_its_first_good_probe_makes_it_healthy_at_once() -> None:
    watching = Watching(service("shop", interval_s=60))
    async with watching:
        await asyncio.sleep(5)
        watching.prober.fail("shop")
        watching.start("shop")
        watching.tell(ServiceStarted(service="shop", incarnation="first", pid=1))
        await asyncio.sleep(3)
        watching.prober.heal("shop")
        healed_at = now()
        await asyncio.sleep(1)
    assert healths(watching) == ["starting", "healthy"]
    assert watching.heard(HealthChanged)[1].at - healed_at <= 0.27
    assert {event.incarnation for event in watching.heard(HealthChanged)} == {"first"}


async def test_a_new_incarnation_is_noticed_without_being_told() -> None:
    watching = Watching(service("shop"))
    async with watching:
        watching.start("shop")
        await asyncio.sleep(1)
    assert healths(watching) == ["starting", "healthy"]


async def test_probes_come_at_a_fixed_rate_whatever_they_take() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.began.clear()
        watching.prober.delay_s["shop"] = 0.4
        await asyncio.sleep(100)
    times = watching.prober.times("shop")
    assert len(times) == 100
    assert times[-1] - times[0] == pytest.approx(99.0, abs=1e-6)


async def test_a_slow_probe_delays_no_other_service_and_no_service_has_two_at_once() -> None:
    watching = Watching(service("slow", interval_s=1, timeout_s=1), service("shop"))
    watching.start("slow", "shop")
    watching.prober.delay_s["slow"] = 30
    async with watching:
        await asyncio.sleep(60)
    assert len(watching.prober.times("shop")) >= 60
    assert watching.prober.most_in_flight == 1


class LingeringProber(ToldProber):
    """As in the world: an answer that is given up comes a little after its deadline."""

    async def probe(self, service: Service, probe: Probe) -> ProbeResult:
        result = await super().probe(service, probe)
        await asyncio.sleep(0.002)
        return result


async def test_a_probe_that_fails_at_its_deadline_costs_no_slot_though_the_deadline_is_the_interval() -> None:
    watching = Watching(service("shop", interval_s=1, timeout_s=1))
    watching.prober = LingeringProber()
    watching.reopen()
    watching.start("shop")
    watching.prober.delay_s["shop"] = 30
    async with watching:
        await asyncio.sleep(20)
    gaps_s = [later - earlier for earlier, later in pairwise(watching.prober.times("shop"))]
    assert len(gaps_s) > 15
    assert max(gaps_s) < 1.1
    assert watching.prober.most_in_flight == 1


async def test_phases_are_spread() -> None:
    names = [f"s{n}" for n in range(50)]
    watching = Watching(*(service(name) for name in names))
    watching.start(*names)
    async with watching:
        await asyncio.sleep(10)
        watching.prober.began.clear()
        await asyncio.sleep(1)
    at = [int(time * 10) for _, time in watching.prober.began]
    assert len(at) == 50
    assert max(at.count(tenth) for tenth in at) <= 15


async def test_the_second_failed_probe_in_a_row_makes_unhealthy_with_all_that_was_seen() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.fail("shop", symptom="bad_status", body="Traceback: out of stock")
        watching.platform.samples["shop"] = ProcessSample(0, 1, 1, 1, "T")
        failing_since = now()
        await asyncio.sleep(10)
    [told] = [event for event in watching.heard(HealthChanged) if event.health == "unhealthy"]
    assert told.at - failing_since <= 2.1
    assert (told.symptom, told.status, told.process_state) == ("bad_status", 500, "T")
    assert told.reason == "shop said no"
    assert "out of stock" in told.output and "shop printed this" in told.output
    assert told.incarnation == "first"


async def test_one_failed_probe_is_no_news() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        for _ in range(10):
            watching.prober.fail("shop")
            await watching.first_failure("shop")
            watching.prober.heal("shop")
            await asyncio.sleep(2)
    assert healths(watching) == ["starting", "healthy"]


async def test_a_booting_service_is_unhealthy_only_after_its_start_timeout() -> None:
    watching = Watching(service("shop", start_timeout_s=20))
    watching.prober.fail("shop")
    watching.start("shop")
    async with watching:
        await asyncio.sleep(30)
    told = watching.heard(HealthChanged)
    assert [event.health for event in told] == ["starting", "unhealthy"]
    assert told[1].at == pytest.approx(20, abs=1)
    failed = [probe for probe in watching.heard(ProbeObserved) if probe.at < 20]
    assert len(failed) >= 70 and not any(probe.ok for probe in failed)


async def test_a_streak_does_not_reach_over_to_the_next_incarnation() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.fail("shop")
        await watching.first_failure("shop")
        watching.platform.end("shop", signal=9)
        watching.start("shop", mark="second")
        await asyncio.sleep(5)
    assert healths(watching) == ["starting", "healthy", "down", "starting"]


async def test_a_probe_in_flight_says_nothing_about_the_next_life_even_under_the_same_mark() -> None:
    watching = Watching(service("shop", interval_s=1, timeout_s=1))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.delay_s["shop"] = 0.9
        watching.prober.fail("shop")
        probes = len(watching.prober.began)
        await until(lambda: len(watching.prober.began) > probes)
        watching.platform.end("shop", signal=9)
        watching.start("shop")
        observed = len(watching.heard(ProbeObserved))
        watching.prober.delay_s.clear()
        watching.prober.heal("shop")
        await asyncio.sleep(3)
    assert all(probe.ok for probe in watching.heard(ProbeObserved)[observed:])


async def test_a_service_without_a_probe_is_healthy_when_it_has_lived_a_second() -> None:
    watching = Watching(service("worker", probe=None))
    async with watching:
        watching.start("worker")
        await asyncio.sleep(5)
    told = watching.heard(HealthChanged)
    assert [event.health for event in told] == ["starting", "healthy"]
    assert 1.0 <= told[1].at - told[0].at <= 1.25


@pytest.mark.parametrize("probe", [{}, {"probe": None}])
async def test_what_is_stopped_by_a_signal_is_unhealthy_though_its_probe_is_good_or_it_has_none(
    probe: dict[str, Any],
) -> None:
    watching = Watching(service("raw", **probe))
    watching.start("raw")
    async with watching:
        await asyncio.sleep(5)
        watching.platform.frozen.add("raw")
        watching.platform.samples["raw"] = ProcessSample(0, 1, 1, 1, "T")
        frozen_at = now()
        await asyncio.sleep(10)
        watching.platform.frozen.clear()
        await asyncio.sleep(3)
    told = watching.heard(HealthChanged)
    assert [event.health for event in told] == ["starting", "healthy", "unhealthy", "healthy"]
    assert 1.0 <= told[2].at - frozen_at <= 2.1
    assert (told[2].process_state, told[2].reason) == ("T", "its process is stopped by a signal")


@pytest.mark.parametrize("probe", [{}, {"probe": None}])
async def test_a_stop_of_half_a_second_is_no_news(probe: dict[str, Any]) -> None:
    watching = Watching(service("shop", **probe))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        for _ in range(20):
            watching.platform.frozen.add("shop")
            await asyncio.sleep(0.5)
            watching.platform.frozen.clear()
            await asyncio.sleep(1.1)
    assert healths(watching) == ["starting", "healthy"]


async def test_looks_that_a_failing_caller_asks_for_do_not_make_two_failures_of_one_blip() -> None:
    watching = Watching(service("shop"), service("page", depends_on=("shop",)))
    watching.start("shop", "page")
    async with watching:
        await asyncio.sleep(5)
        for _ in range(10):
            watching.prober.fail("shop", "page")
            await asyncio.sleep(0.4)
            watching.prober.heal("shop", "page")
            await asyncio.sleep(2.1)
    assert healths(watching) == ["starting", "healthy"]


async def test_what_does_not_live_is_not_probed() -> None:
    watching = Watching(service("shop"))
    async with watching:
        await asyncio.sleep(10)
    assert watching.prober.began == []


async def test_in_a_dry_run_a_service_that_somebody_else_runs_is_probed_too() -> None:
    watching = Watching(service("shop"), service("worker", probe=None), dry_run=True)
    async with watching:
        await asyncio.sleep(5)
        watching.prober.fail("shop")
        await asyncio.sleep(5)
    assert healths(watching) == ["starting", "healthy", "unhealthy"]
    assert healths(watching, "worker") == []


async def test_it_looks_closer_while_an_incident_is_open_and_not_after_people_were_told() -> None:
    watching = Watching(service("shop", interval_s=30), service("pricing", interval_s=30))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(60)
        watching.prober.began.clear()
        watching.tell(IncidentOpened(service="shop", incident="i1", symptom="timeout", reason=""))
        await asyncio.sleep(20)
        assert len(watching.prober.times("shop")) >= 19
        assert len(watching.prober.times("pricing")) <= 1
        watching.tell(
            FixStarted(service="pricing", incident="i1", fix="kill_restart", agent="a", cause_name="hang",
                       culprit="pricing", deadline_s=9)
        )  # fmt: skip
        await asyncio.sleep(20)
        assert len(watching.prober.times("pricing")) >= 19
        watching.tell(IncidentEscalated(service="shop", incident="i1", reason=""))
        await asyncio.sleep(2)
        watching.prober.began.clear()
        await asyncio.sleep(30)
        assert len(watching.prober.times("shop")) <= 2
        watching.tell(IncidentClosed(service="shop", incident="i1", outcome="healed"))
        assert watching.monitor.state.incidents == {}


async def test_dependencies_are_looked_at_and_told_with_their_usual_latency() -> None:
    shop = service("shop", timeout_s=0.3, depends_on=("pricing", "stock"))
    pricing = service("pricing", interval_s=10, timeout_s=2, depends_on=("base",))
    watching = Watching(shop, pricing, service("base", interval_s=10), service("stock"))
    watching.start("shop", "pricing", "base")
    async with watching:
        await asyncio.sleep(30)
        watching.prober.delay_s.update(shop=9, pricing=1.5)
        watching.prober.fail("base")
        await asyncio.sleep(4)
    told = next(event for event in watching.heard(HealthChanged, "shop") if event.health == "unhealthy")
    seen = {dependency.name: dependency for dependency in told.dependencies}
    assert set(seen) == {"pricing", "stock", "base"}
    assert seen["pricing"].ok and seen["pricing"].latency_s == 1.5
    assert seen["pricing"].usual_latency_s == pytest.approx(0.01)
    assert seen["base"].ok is False and seen["base"].reason == "base said no"
    assert seen["stock"].ok is False and seen["stock"].reason == "it does not run"


async def test_a_caller_hears_how_busy_its_dependency_was_since_the_first_failure() -> None:
    watching = Watching(service("shop", depends_on=("pricing",)), service("pricing"))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(7)
        watching.prober.fail("shop")
        await watching.first_failure("shop")
        failed_at = now()
        watching.platform.samples["pricing"] = ProcessSample(77.0, 50.0, 2, 9, "S")
        await asyncio.sleep(2)
    told = next(event for event in watching.heard(HealthChanged, "shop") if event.health == "unhealthy")
    assert [seen.cpu_percent for seen in told.dependencies] == [77.0]
    samples = [(e.at, e.values[0]) for e in watching.heard(ServiceSampled, "pricing") if e.at <= told.at]
    assert [cpu for _, cpu in samples[-2:]] == [1.0, 77.0]
    assert [at for at, _ in samples[-2:]] == pytest.approx([failed_at, told.at], abs=0.01)


async def test_a_first_failure_makes_it_look_at_the_dependencies_without_delay() -> None:
    watching = Watching(service("shop", depends_on=("pricing",)), service("pricing"))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(20)
        watching.prober.fail("shop")
        await watching.first_failure("shop")
        failed_at = watching.heard(ProbeObserved, "shop")[-1].at
        await asyncio.sleep(0.01)
    assert watching.prober.times("pricing")[-1] == failed_at


async def test_unhealthy_waits_for_the_looks_at_dependencies_but_not_for_ever() -> None:
    shop = service("shop", interval_s=0.5, timeout_s=0.2, depends_on=("pricing",))
    watching = Watching(shop, service("pricing", interval_s=10, timeout_s=5))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(20)
        watching.prober.delay_s["pricing"] = 60
        watching.prober.fail("shop")
        failing_since = now()
        await asyncio.sleep(10)
    told = next(event for event in watching.heard(HealthChanged, "shop") if event.health == "unhealthy")
    assert told.dependencies[0].ok is False
    assert 4 < told.at - failing_since < 7


async def test_a_service_that_recovers_while_its_dependencies_are_looked_at_is_not_told() -> None:
    shop = service("shop", interval_s=0.5, timeout_s=0.2, depends_on=("pricing",))
    watching = Watching(shop, service("pricing", interval_s=10, timeout_s=5))
    watching.start("shop", "pricing")
    async with watching:
        await asyncio.sleep(20)
        watching.prober.delay_s["pricing"] = 60
        watching.prober.fail("shop")
        await asyncio.sleep(2)
        watching.prober.heal("shop")
        await asyncio.sleep(10)
    assert healths(watching) == ["starting", "healthy"]


async def test_a_first_failure_makes_it_look_at_all_others_at_once() -> None:
    names = [f"s{n}" for n in range(60)]
    watching = Watching(service("shop"), *(service(name, interval_s=60) for name in names))
    watching.start("shop", *names)
    async with watching:
        await asyncio.sleep(70)
        watching.prober.fail("shop")
        await watching.first_failure("shop")
        watching.prober.began.clear()
        await asyncio.sleep(0.12)
        looked_at = {name for name, _ in watching.prober.began}
    assert 48 <= len(looked_at) <= 52
    assert "shop" not in looked_at


async def test_a_prober_that_breaks_says_nothing_about_the_service() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.prober.broken.add("shop")
        await asyncio.sleep(10)
    assert healths(watching) == ["starting", "healthy"]
    assert watching.heard(ProbeObserved)[-1].ok is None


async def test_a_reload_touches_only_what_changed() -> None:
    watching = Watching(service("same", interval_s=10), service("gone"), service("other"))
    watching.start("same", "gone", "other", "new")
    async with watching:
        await asyncio.sleep(20)
        watching.world.config = Config(
            services=(service("same", interval_s=10), service("other", interval_s=5), service("new"))
        )
        watching.tell(
            ConfigChanged(digest="d", why="reload", added=("new",), removed=("gone",), changed=("other",))
        )
        watching.prober.began.clear()
        await asyncio.sleep(20)
    assert watching.prober.times("gone") == []
    assert len(watching.prober.times("same")) == 2
    assert 4 <= len(watching.prober.times("other")) <= 6
    assert healths(watching, "same") == ["starting", "healthy"]
    assert healths(watching, "new") == ["starting", "healthy"]
    assert "gone" not in watching.monitor.state.lives


async def test_a_refused_configuration_changes_nothing() -> None:
    watching = Watching(service("shop"))
    watching.start("shop")
    async with watching:
        await asyncio.sleep(5)
        watching.tell(ConfigChanged(digest="d", why="refused", problem="line 3"))
        await asyncio.sleep(5)
    assert len(watching.prober.times("shop")) >= 10
