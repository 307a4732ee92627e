"""What alerts of other monitoring systems mean, from their words to the cause and to what people read."""

from typing import Any

import pytest

from agents.events import AlertReceived, CauseFound
from agents.rca_engine import RcaEngine
from analysis.alarms import LATELY_S, alarmed
from analysis.evidence import Alarm, View
from analysis.symptoms import signature
from tests.fixtures.chain import Chain, only, world_of
from tests.unit.test_notifier import Desk
from tests.unit.test_symptoms import LATE, weigh


def alarms(*named: tuple[str, str], age_s: float = 1.0) -> tuple[Alarm, ...]:
    return tuple(Alarm(name, name, summary, LATE - age_s) for name, summary in named)


@pytest.mark.parametrize(
    ("name", "summary", "cause"),
    [
        ("InstanceDown", "", "crash"),
        ("server_failed", "event evt-1", "crash"),
        ("ContainerOOMKilled", "", "memory_leak"),
        ("HostHighCpuLoad", "", "cpu_saturation"),
        ("service_disk_usage_high", "", "disk_full"),
        ("HTTPLatencyP99", "", "network_latency"),
        ("DbPoolExhausted", "", "connection_exhaustion"),
        ("key_value_unhealthy", "", "hang"),
        ("Odd", "the deployment went wrong", "bad_deploy"),
        ("Watchdog", "", "unknown"),
        ("Downtown", "", "unknown"),
    ],
)
def test_known_words_speak_for_a_cause(name: str, summary: str, cause: str) -> None:
    assert list(weigh(alarmed, alarms=alarms((name, summary)))) == [cause]


def test_a_name_counts_for_more_than_a_summary_and_two_for_no_more_than_one() -> None:
    named = weigh(alarmed, alarms=alarms(("MemoryHigh", "")))["memory_leak"]
    told = weigh(alarmed, alarms=alarms(("Odd", "memory is short")))["memory_leak"]
    both = weigh(alarmed, alarms=alarms(("Odd", "memory is short"), ("MemoryHigh", "")))["memory_leak"]
    assert told < named == both


def test_an_old_alert_is_evidence_only_where_alerts_opened_the_incident() -> None:
    old = alarms(("MemoryHigh", ""), age_s=LATELY_S + 1)
    assert weigh(alarmed, alarms=old) == {}
    assert list(weigh(alarmed, opened_by="alert", alarms=old)) == ["memory_leak"]


def test_incidents_of_different_alerts_do_not_look_the_same() -> None:
    one, other = (View(name="shop", alarms=alarms((name, ""))) for name in ("A", "B"))
    assert signature(one) != signature(other)
    assert signature(View(name="shop", symptom="exit", alarms=alarms(("A", "")))).startswith("shop|exit|")


def alert(**more: Any) -> AlertReceived:
    told = {"service": "shop", "alert": "MemoryHigh", "summary": "", "key": "k", "firing": True, **more}
    return AlertReceived(source="alertmanager", **told)


def test_the_engine_weighs_the_alert_while_it_fires() -> None:
    world = world_of({"name": "shop"})
    chain = Chain(RcaEngine(world))
    assert only(chain.open(alert()), CauseFound).best.name == "memory_leak"
    assert only(chain.open(alert(firing=False)), CauseFound).best.name == "unknown"


def test_an_alert_of_nobody_we_know_is_told_and_that_it_is_over_is_not() -> None:
    desk = Desk()
    stranger = {"service": "", "about": "till", "summary": "it\x1b[2J burns"}
    [line] = desk.tell(alert(**stranger))
    assert line == "alert MemoryHigh of till, which is no service here fires: it [2J burns"
    assert [news.text for news in desk.notifier.state.news.values()] == [line]
    assert desk.tell(alert(**stranger)) == []
    assert desk.tell(alert(**stranger, firing=False)) == []
    assert desk.tell(alert()) == []
