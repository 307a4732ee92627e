"""When a fix counts as having helped or failed, and what time it gets: the rules themselves."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.events import HealthChanged
from agents.incident import verification as rules
from agents.incident.records import Act, Incident
from agents.incident.verification import Streak
from config.model import Config, HttpProbe, Windows
from tests.fixtures.incident_owner import service

ACT = Act("act", "kill_restart", "shop", "application", "hang", "shop", 0.0, outcome="applied", after="new")
INCIDENT = Incident("i", "shop", 0.0, 0.0, "timeout", "probe", incarnation="old")
PREDICTED = replace(INCIDENT, kind="prediction")
FOR_CULPRIT = replace(ACT, target="model", culprit="model")
WAIT = replace(ACT, fix="wait", after="")


def window_s(act: Act, interval_s: float = 1.0, timeout_s: float = 0.5, **more: Any) -> float:
    probe = HttpProbe(url="http://127.0.0.1:1", interval_s=interval_s, timeout_s=timeout_s)
    services = (service("shop", **{"probe": probe, **more}),)
    return rules.window_s(Config(services=services, windows=Windows(passive_wait_s=30.0)), INCIDENT, act, 2)


def test_a_fix_has_the_time_to_boot_and_twice_that_of_the_probes_it_needs() -> None:
    assert window_s(ACT, start_timeout_s=20.0) == 20.0 + 2 * 3 * 1.5 * 2 + 5.0
    assert window_s(ACT, start_timeout_s=20.0, probe=None) == 20.0 + 2 * 3 * 3.0 * 2 + 5.0


def test_waiting_lasts_as_long_as_declared_and_for_two_close_looks_at_least() -> None:
    assert window_s(WAIT) == window_s(WAIT, probe=None) == 30.0
    assert window_s(WAIT, interval_s=60.0, timeout_s=20.0) == 2 * (rules.LOOKED_AT_S + 20.0)
    assert window_s(replace(WAIT, patience_s=100.0)) == 100.0
    assert window_s(replace(WAIT, patience_s=0.5), interval_s=0.5, timeout_s=0.5) == 2.0
    assert window_s(replace(WAIT, patience_s=0.5), probe=None) == 2 * rules.ALIVE_S


def test_what_is_not_configured_any_more_gets_little_time() -> None:
    assert rules.window_s(Config(), INCIDENT, ACT, 1) == rules.SLACK_S


@pytest.mark.parametrize(
    ("incident", "act", "incarnation", "counts"),
    [
        (INCIDENT, ACT, "new", True),
        (INCIDENT, ACT, "", True),
        (INCIDENT, ACT, "old", False),
        (INCIDENT, replace(ACT, after=""), "old", True),
        (INCIDENT, FOR_CULPRIT, "old", True),
        (PREDICTED, replace(ACT, after=""), "old", False),
        (PREDICTED, replace(ACT, after="", how="symptom_gone"), "old", True),
        (PREDICTED, ACT, "new", True),
    ],
)
def test_which_life_speaks_for_an_act(
    incident: Incident, act: Act, incarnation: str, *, counts: bool
) -> None:
    assert rules.life_counts(incident, act, incarnation) is counts


def news(
    health: Any, symptom: Any = "timeout", name: str = "shop", incarnation: str = "new"
) -> HealthChanged:
    return HealthChanged(service=name, health=health, symptom=symptom, incarnation=incarnation)


@pytest.mark.parametrize(
    ("act", "fact", "fails"),
    [
        (ACT, news("unhealthy"), True),
        (ACT, news("unhealthy", incarnation=""), True),
        (ACT, news("unhealthy", incarnation="old"), False),
        (replace(ACT, after=""), news("unhealthy", incarnation="old"), True),
        (ACT, news("healthy"), False),
        (ACT, news("starting"), False),
        (WAIT, news("unhealthy"), False),
        (WAIT, news("down", "exit"), True),
        (WAIT, news("down", "found_dead"), True),
        (WAIT, news("stopped", "exit"), False),
        (replace(WAIT, culprit="model"), news("down", "exit", "model"), False),
        (FOR_CULPRIT, news("unhealthy"), False),
        (FOR_CULPRIT, news("down", "exit"), True),
        (FOR_CULPRIT, news("unhealthy", name="model"), True),
        (FOR_CULPRIT, news("down", "exit", "model", "old"), False),
        (ACT, news("down", "exit", "model"), False),
    ],
)
def test_which_bad_news_fail_an_act(act: Act, fact: HealthChanged, *, fails: bool) -> None:
    assert rules.fails_by_health(INCIDENT, act, fact) is fails


@pytest.mark.parametrize(
    ("act", "streak", "fails"),
    [
        (ACT, Streak("new", bad=2), True),
        (ACT, Streak("new", bad=1), False),
        (ACT, Streak("old", bad=2), False),
        (WAIT, Streak("new", bad=9), False),
        (FOR_CULPRIT, Streak("new", bad=9), False),
    ],
)
def test_two_bad_probes_of_the_life_it_made_fail_an_act(act: Act, streak: Streak, *, fails: bool) -> None:
    assert rules.fails_by_probe(INCIDENT, act, streak) is fails


def test_a_symptom_is_gone_with_good_health_but_not_damage_nor_a_life_that_runs_out() -> None:
    assert rules.symptom_gone(INCIDENT, "old")
    assert not rules.symptom_gone(replace(INCIDENT, damaged=("a",)), "old")
    assert [rules.symptom_gone(PREDICTED, life) for life in ("old", "", "new")] == [False, False, True]
