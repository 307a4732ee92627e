"""The optimizer: one setting at a time, measured before and after, undone where it does not help or there is trouble."""

from typing import Any

from agents.events import (
    AnomalyDetected,
    ConfigChanged,
    IncidentClosed,
    IncidentOpened,
    NormExpected,
    ProbeObserved,
    SettingChanged,
    SettingProposed,
    Tick,
)
from agents.system_optimizer import SystemOptimizer
from tests.fixtures.chain import world_of
from tests.fixtures.lone_agent import LoneAgent

PROBE = {"type": "http", "url": "http://127.0.0.1:1", "interval_s": 10, "timeout_s": 1}
FLEET: tuple[dict[str, Any], ...] = ({"name": "shop", "probe": PROBE}, {"name": "worker", "probe": PROBE})
HOUR_S = 3600.0


class Bench(LoneAgent):
    def __init__(self, **learning: Any) -> None:
        super().__init__(SystemOptimizer(world_of(*FLEET, learning={"quiet_h": 2, "trial_h": 1} | learning)))
        self.tell(ConfigChanged(why="start", digest="d", services=("shop", "worker")))

    def watch(self, hours: float, obeys: bool = True) -> list[Any]:
        """Probes go on at the pace in force; `obeys`: the monitor does as it is told."""
        said: list[Any] = []
        ends = self.at + hours * HOUR_S
        due = dict.fromkeys(("shop", "worker"), self.at)
        while self.at < ends:
            name = min(due, key=lambda one: due[one])
            self.tell(ProbeObserved(service=name, ok=True), due[name])
            factor = self.agent.state.settings.get(f"probe_stretch:{name}", 1.0) if obeys else 1.0
            due[name] += 10.0 * factor
            said += self.tell(Tick())
        return said

    def trouble(self, service: str = "shop", outcome: Any = "healed", seconds: float = 200.0) -> list[Any]:
        said = self.tell(IncidentOpened(incident="i", service=service, symptom="timeout", reason="r"))
        self.tell(IncidentClosed(incident="i", service=service, outcome=outcome, seconds=seconds))
        return said


def steps(said: list[Any]) -> list[tuple[str, str]]:
    return [(one.step, one.service) for one in said if isinstance(one, SettingChanged)]


def test_nothing_is_changed_before_a_service_was_quiet_for_long() -> None:
    assert Bench().watch(1.9) == []


def test_one_setting_at_a_time_is_tried_measured_and_kept() -> None:
    said = Bench().watch(8.0)
    assert steps(said) == [("tried", "shop"), ("kept", "shop"), ("tried", "worker"), ("kept", "worker")]
    tried, kept, *_ = said
    assert tried.before == 1.0
    assert 1.3 < tried.value <= 1.75
    assert "360 -> 2" in kept.why
    assert said[2].at >= kept.at


def test_a_change_that_saves_nothing_is_undone_and_rests() -> None:
    bench = Bench()
    said = bench.watch(5.0, obeys=False)
    assert steps(said)[:2] == [("tried", "shop"), ("undone", "shop")]
    assert said[1].value == 1.0
    assert ("tried", "shop") not in steps(bench.watch(24.0))


def test_trouble_undoes_it_at_once_and_it_comes_back_when_quiet() -> None:
    bench = Bench()
    bench.watch(4.0)
    assert steps(bench.trouble()) == [("undone", "shop")]
    assert ("tried", "shop") not in steps(bench.watch(1.9))
    assert ("tried", "shop") in steps(bench.watch(6.0))


def test_a_service_whose_troubles_pass_at_once_keeps_its_slow_second_look() -> None:
    bench = Bench()
    bench.watch(1.0)
    bench.trouble(outcome="passed_by_itself", seconds=3.0)
    assert ("tried", "shop") not in steps(bench.watch(24.0))


def test_no_setting_leaves_its_declared_bounds() -> None:
    assert steps(Bench(probe_stretch_at_most=1.0).watch(6.0)) == []
    said = Bench(probe_stretch_at_most=1.2).watch(6.0)
    assert {one.value for one in said if one.step == "tried"} == {1.2}


def test_switched_off_it_undoes_what_it_changed() -> None:
    bench = Bench()
    bench.watch(4.0)
    bench.agent.world = world_of(*FLEET, learning={"optimizer_enabled": False})
    assert ("undone", "shop") in steps(bench.watch(0.1))
    assert bench.agent.state.settings == {}


def test_memory_is_proposed_once_where_no_limit_is_declared() -> None:
    bench = Bench()
    norm = {"low": (90.0,), "expected": (95.0,), "high": (100.0,)}
    [proposal] = bench.tell(NormExpected(service="shop", names=("rss_mib",), **norm))
    assert isinstance(proposal, SettingProposed)
    assert (proposal.setting, proposal.value) == ("limits.memory_mib", 160.0)
    assert bench.tell(NormExpected(service="shop", names=("rss_mib",), **norm)) == []


def test_more_alarms_than_promised_outside_of_incidents_are_told() -> None:
    bench, said = Bench(), list[Any]()
    alarm: dict[str, Any] = {
        "service": "shop",
        "metric": "queue",
        "value": 9.0,
        "expected": 1.0,
        "sigmas": 9.0,
    }
    for _ in range(4):
        said += bench.tell(AnomalyDetected(**alarm), bench.at + HOUR_S)
    assert [one.setting for one in said] == ["anomalies per day"]
    assert "queue" in said[0].why


def test_alarms_inside_of_an_incident_are_no_noise() -> None:
    bench = Bench()
    bench.tell(IncidentOpened(incident="i", service="shop", symptom="timeout", reason="r"))
    alarm: dict[str, Any] = {
        "service": "shop",
        "metric": "queue",
        "value": 9.0,
        "expected": 1.0,
        "sigmas": 9.0,
    }
    assert [bench.tell(AnomalyDetected(**alarm), bench.at + HOUR_S) for _ in range(4)] == [[]] * 4


def test_the_state_survives_a_snapshot() -> None:
    bench = Bench()
    bench.watch(2.5)
    assert bench.agent.state.trials
    assert bench.reloaded() == bench.agent.state
