"""Predictive maintenance: what is foreseen becomes a plan in a quiet hour, moves with the forecast, and fades with it."""

from typing import Any

from msgspec.structs import force_setattr

from agents.events import (
    ConfigChanged,
    Event,
    Fact,
    FailurePredicted,
    HealthChanged,
    HourEnded,
    IncidentOpened,
    MaintenanceCancelled,
    MaintenanceScheduled,
    MaintenanceVetoed,
    ServiceSampled,
    Tick,
)
from agents.predictive_maintenance import PredictiveMaintenance
from config.fixes import load_fixes
from config.model import Config, Limits, ProcessPlatform, Service
from config.world import World

HOUR_S = 3600.0
LIMIT_MIB = 300.0


class Desk:
    """Time passes in looks of five minutes; `memory` says what a service holds at a time."""

    def __init__(self, **service: Any) -> None:
        usual: dict[str, Any] = {
            "name": "shop", "platform": ProcessPlatform(command=("serve",)), "limits": Limits(memory_mib=LIMIT_MIB),
        }  # fmt: skip
        world = World(Config(services=(Service(**(usual | service)),)), load_fixes())
        world.unix = lambda at: at
        self.agent = PredictiveMaintenance(world)
        self.said: list[Any] = []
        self.at = 0.0
        self.tell(HealthChanged(service="shop", health="starting", incarnation="one"))
        self.tell(Tick())

    def tell(self, event: Event) -> list[Any]:
        force_setattr(event, "at", self.at)
        results = list(self.agent.handle(event))
        if isinstance(event, Fact):
            self.agent.apply(event)
        for result in results:
            force_setattr(result, "at", self.at)
            self.agent.apply(result)
        self.said += results
        return results

    def live(self, hours: float, memory: Any, cpu: Any = lambda _: 3.0) -> None:
        for _ in range(round(hours * 12)):
            self.at += 300.0
            values = (cpu(self.at), float(memory(self.at)))
            self.tell(
                ServiceSampled(
                    service="shop", names=("cpu_percent", "rss_mib"), values=values, incarnation="one"
                )
            )
            self.tell(Tick())

    def plans(self) -> list[MaintenanceScheduled]:
        return [fact for fact in self.said if isinstance(fact, MaintenanceScheduled)]

    def cancelled(self) -> list[str]:
        return [fact.why for fact in self.said if isinstance(fact, MaintenanceCancelled)]


def rising(at: float) -> float:
    """50 MiB, and 20 more each hour: at the ceiling after 12.5 hours."""
    return 50.0 + 20.0 * at / HOUR_S


def predicted(lead_s: float, failure: Any = "disk_full", metric: str = "disk_percent") -> FailurePredicted:
    return FailurePredicted(
        service="shop", failure=failure, metric=metric, value=80.0, limit=100.0, lead_time_s=lead_s, confidence=0.9, incarnation="one",
    )  # fmt: skip


def test_a_leak_is_planned_for_before_it_reaches_the_ceiling_with_a_restart_with_grace() -> None:
    desk = Desk()
    desk.live(5, rising)
    plan = desk.plans()[0]
    assert (plan.failure, plan.metric, plan.fix, plan.moved) == ("memory_leak", "rss_mib", "restart", False)
    assert abs(plan.fails_at - 12.5 * HOUR_S) < 0.5 * HOUR_S
    assert plan.at < plan.start_at < plan.latest_at < plan.fails_at - 900.0
    assert {move.plan for move in desk.plans()} == {plan.plan}


def test_a_plan_fades_with_its_trend() -> None:
    desk = Desk()
    desk.live(4, rising)
    desk.live(4, lambda _: 130.0)
    assert desk.cancelled() == ["faded"]


def test_a_plan_ends_with_the_life_that_it_is_about_and_with_an_incident() -> None:
    desk = Desk()
    desk.live(4, rising)
    desk.tell(HealthChanged(service="shop", health="starting", incarnation="two"))
    desk.live(0.2, rising)
    assert desk.cancelled() == ["other_life"]
    other = Desk()
    other.live(4, rising)
    count = len(other.plans())
    other.tell(IncidentOpened(service="shop", symptom="timeout", reason="r"))
    other.live(1, rising)
    assert other.cancelled() == ["trouble"]
    assert len(other.plans()) == count, "what is ill is not planned for"


def test_a_vetoed_failure_is_not_planned_for_again_in_the_same_life() -> None:
    desk = Desk()
    desk.live(4, rising)
    [first, *_] = desk.plans()
    count = len(desk.plans())
    desk.tell(MaintenanceVetoed(service="shop", plan=first.plan, by="ann"))
    desk.live(4, rising)
    assert len(desk.plans()) == count


def test_what_no_fix_prevents_and_what_nobody_allowed_us_is_for_people() -> None:
    desk = Desk()
    desk.tell(predicted(9 * 86_400.0, "unknown", "x"))
    desk.tell(predicted(9 * 86_400.0))
    desk.live(0.2, lambda _: 50.0)
    [plan] = desk.plans()
    assert (plan.failure, plan.fix) == ("disk_full", "")
    shy = Desk(autonomy="suggest")
    shy.live(5, rising)
    assert {plan.fix for plan in shy.plans()} == {""}


def test_what_is_near_is_left_to_the_owner_of_incidents() -> None:
    desk = Desk(caches=("cache/",))
    desk.tell(predicted(800.0))
    desk.live(0.2, lambda _: 50.0)
    assert desk.plans() == []
    desk.tell(predicted(4 * HOUR_S))
    desk.live(0.2, lambda _: 50.0)
    assert [plan.fix for plan in desk.plans()] == ["clear_cache"]


def test_minutes_of_memory_alone_plan_nothing() -> None:
    desk = Desk()
    desk.tell(predicted(3000.0, "memory_leak", "rss_mib"))
    desk.live(0.5, lambda _: 150.0)
    assert desk.plans() == []


def test_the_hours_of_the_week_are_learnt_and_told_once_each() -> None:
    desk = Desk()
    desk.live(3, lambda _: 50.0, cpu=lambda at: 1.0 + (at - 1.0) // HOUR_S)
    ended = [fact for fact in desk.said if isinstance(fact, HourEnded)]
    assert [fact.hour for fact in ended] == [72, 73, 74], "1970 began on a Thursday"
    assert [round(fact.loads[0], 1) for fact in ended] == [1.0, 2.0, 3.0]
    assert desk.agent.state.loads["shop"].loads[73] == ended[1].loads[0]


def test_who_leaves_the_configuration_is_forgotten() -> None:
    desk = Desk()
    desk.live(4, rising)
    desk.tell(ConfigChanged(digest="d", removed=("shop",), why="reload"))
    assert desk.cancelled() == ["removed"]
    assert desk.agent.state.lives == {}
