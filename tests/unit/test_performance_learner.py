"""What is normal by hour of the week, what gets worse from day to day, and how long we and our fixes take."""

import math
from random import Random
from typing import Any

from agents.events import (
    DecayNoticed,
    FixStarted,
    FixVerified,
    IncidentClosed,
    IncidentOpened,
    NormExpected,
    ProbeObserved,
    ServiceSampled,
    Tick,
)
from agents.incident.normality import UsualLatencies
from agents.incident.records import Act, Incident
from agents.incident.state import State
from agents.performance_learner import PerformanceLearner
from analysis.learning.norms import Week, packed, unpacked
from config.world import World
from tests.fixtures.chain import world_of
from tests.fixtures.lone_agent import LoneAgent

HOUR_S, DAY_S = 3600.0, 86400.0
MONDAY = 1_767_571_200.0


class Room(LoneAgent):
    def __init__(self, **sections: Any) -> None:
        self.world: World = world_of({"name": "shop"}, **sections)
        self.world.unix = lambda at: MONDAY + at
        super().__init__(PerformanceLearner(self.world))

    def sample(self, value: float, name: str = "probe_latency_s", after_s: float = 60.0) -> list[Any]:
        """One scrape, and the end of its minute."""
        self.tell(ServiceSampled(service="shop", names=(name,), values=(value,)), self.at + after_s)
        return self.tell(Tick())


def busy_at_nine(at: float, random: Random) -> float:
    hour = at // HOUR_S % 24
    return (0.3 if hour == 9 else 0.05) * random.uniform(0.9, 1.1)


def test_the_norm_of_an_hour_is_told_once_it_was_seen_on_three_days() -> None:
    room, random, told = Room(), Random(1), list[NormExpected]()
    while room.at < 4 * DAY_S:
        told += room.sample(busy_at_nine(room.at, random))
    by_hour = {int(norm.at // HOUR_S): norm for norm in told}
    assert min(by_hour) >= 2 * 24
    nine = by_hour[3 * 24 + 9]
    assert nine.names == ("probe_latency_s",)
    assert math.isclose(nine.expected[0], 0.3, rel_tol=0.1)
    assert math.isclose(by_hour[3 * 24 + 8].expected[0], 0.05, rel_tol=0.1)
    assert nine.low[0] < nine.expected[0] < nine.high[0] < 0.35


def test_spikes_do_not_move_what_is_normal_and_what_lasts_does() -> None:
    random, week = Random(2), Week()
    for n in range(600):
        week.learn(5, 100.0 if n % 50 == 49 else random.gauss(10.0, 0.5))
    norm = week.norm(5)
    assert norm is not None
    assert abs(norm[1] - 10.0) < 0.5
    assert norm[2] < 12.0
    for _ in range(600):
        week.learn(5, random.gauss(14.0, 0.5))
    later = week.norm(5)
    assert later is not None
    assert abs(later[1] - 14.0) < 1.0


def test_quantiles_follow_a_skewed_series() -> None:
    random, week = Random(3), Week()
    values = [random.lognormvariate(0.0, 0.5) for _ in range(4000)]
    for value in values:
        week.learn(5, value)
    norm, ordered = week.norm(5), sorted(values)
    assert norm is not None
    for estimate, share in zip(norm, (0.1, 0.5, 0.9), strict=True):
        true = ordered[int(share * len(ordered))]
        assert abs(estimate - true) < 0.25 * true


def test_damaged_norms_are_not_believed() -> None:
    week = Week()
    week.learn(1, 2.0)
    data = bytearray(packed([("shop/cpu_percent", week)]))
    assert unpacked(bytes(data)).keys() == {"shop/cpu_percent"}
    data[-3] ^= 1
    try:
        unpacked(bytes(data))
    except ValueError:
        return
    raise AssertionError("it was believed")


def test_time_of_trouble_teaches_nothing() -> None:
    room = Room()
    room.sample(0.05)
    room.tell(IncidentOpened(incident="i", service="shop", symptom="timeout", reason="r"))
    before = list(room.agent.norms["shop/probe_latency_s"].cells)
    room.sample(9.0)
    room.tell(IncidentClosed(incident="i", service="shop", outcome="healed"))
    room.sample(9.0)
    assert list(room.agent.norms["shop/probe_latency_s"].cells) == before
    room.sample(0.05, after_s=1200.0)
    assert list(room.agent.norms["shop/probe_latency_s"].cells) != before


def days_of(daily: list[float], seed: int = 4, **sections: Any) -> list[DecayNoticed]:
    room, random, told = Room(**sections), Random(seed), list[DecayNoticed]()
    for value in daily:
        for _ in range(72):
            said = room.sample(value * random.uniform(0.8, 1.25), "rss_mib", after_s=DAY_S / 72)
            told += [fact for fact in said if isinstance(fact, DecayNoticed)]
    return told


def test_a_slow_decay_is_told_once_with_its_figures() -> None:
    told = days_of([100.0 * (1.0 + 0.03 * day) for day in range(14)])
    assert len(told) <= 2
    first = told[0]
    assert (first.service, first.metric) == ("shop", "rss_mib")
    assert first.now > 1.2 * first.before
    assert 2.0 < first.per_day < 5.0
    assert "rose from" in first.why


def test_a_weekly_wave_and_noise_are_no_decay() -> None:
    random = Random(5)
    wave = [100.0 * (0.6 if day % 7 in {5, 6} else 1.0) * random.uniform(0.95, 1.05) for day in range(28)]
    assert days_of(wave) == []


def test_it_keeps_how_long_we_and_our_fixes_take() -> None:
    room = Room()
    about: dict[str, Any] = {"incident": "i", "service": "shop"}
    room.tell(IncidentOpened(**about, symptom="timeout", reason="r", first_sign_at=8.0), 10.0)
    of: dict[str, Any] = {"fix": "restart", "cause_name": "hang", "culprit": "shop"}
    room.tell(FixStarted(**about, **of, agent="application_recovery", deadline_s=60), 10.5)
    room.tell(FixVerified(**about, **of, seconds=4.0))
    usual = room.agent.state.usual
    assert (usual["detect"].middle, usual["decide"].middle, usual["shop/restart"].middle) == (2.0, 0.5, 4.0)
    assert room.reloaded() == room.agent.state


def test_switched_off_it_learns_nothing() -> None:
    room = Room(learning={"performance_enabled": False})
    room.sample(0.05)
    assert not room.agent.norms


def test_a_slow_answer_verifies_nothing_until_the_window_is_over() -> None:
    state = State()
    world, usual = (
        world_of({"name": "shop", "probe": {"type": "http", "url": "http://127.0.0.1:1"}}),
        UsualLatencies(),
    )
    incident = Incident("i", "shop", 0.0, 0.0, "timeout", "probe")
    act = Act("a", "restart", "shop", "application", "hang", "shop", 0.0, applied_at=100.0)
    slow = ProbeObserved(service="shop", ok=True, latency_s=1.0, at=101.0)
    assert not usual.hold_back(world.config, state, incident, act, slow)
    norm = {"low": (0.01,), "expected": (0.02,), "high": (0.05,)}
    usual.take(NormExpected(service="shop", names=("probe_latency_s",), **norm))
    assert usual.hold_back(world.config, state, incident, act, slow)
    assert not usual.hold_back(
        world.config, state, incident, act, ProbeObserved(service="shop", ok=True, latency_s=0.04, at=101.0)
    )
    late = ProbeObserved(service="shop", ok=True, latency_s=1.0, at=100_000.0)
    assert not usual.hold_back(world.config, state, incident, act, late)
