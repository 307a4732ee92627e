"""Alerts of other monitoring systems: what opens an incident, what ends it, and what counts only once."""

from typing import Any

import pytest

from agents.events import (
    AlertReceived,
    FailurePredicted,
    FixVerified,
    IncidentClosed,
    IncidentOpened,
    OperatorCommanded,
)
from agents.incident.alerts import QUIET_S
from agents.incident.state import DELIVERY_KEPT_S
from tests.fixtures.incident_owner import Desk, kinds, unhealthy


def alert(*, firing: bool = True, **more: Any) -> AlertReceived:
    told = {"service": "shop", "alert": "HighLatency", "summary": "p95 is 3 s", "key": "k", **more}
    return AlertReceived(source="alertmanager", firing=firing, **told)


def crashed(delivery: str, *, firing: bool = True) -> AlertReceived:
    return AlertReceived(
        source="render", service="shop", alert="server_failed", key="r", firing=firing, delivery=delivery
    )


def test_an_alert_of_a_known_service_opens_an_incident_and_its_end_closes_it() -> None:
    desk = Desk()
    [opened] = desk.tell(alert())
    assert (opened.symptom, opened.reason) == ("alert", "HighLatency: p95 is 3 s")
    [closed] = desk.tell(alert(firing=False), 30.0)
    assert (closed.incident, closed.outcome) == (opened.incident, "passed_by_itself")
    assert "HighLatency is over" in closed.message
    assert desk.state.alerts == {}


@pytest.mark.parametrize("name", ["", "stranger"])
def test_an_alert_of_nobody_we_know_opens_nothing(name: str) -> None:
    desk = Desk()
    assert desk.tell(alert(service=name)) == []
    assert desk.tell(alert(service=name, firing=False)) == []


def test_an_alert_of_a_service_that_a_person_stopped_opens_nothing() -> None:
    desk = Desk()
    desk.tell(OperatorCommanded(service="shop", command="stop", by="ann"))
    assert desk.tell(alert()) == []


def test_good_probes_from_before_the_alert_do_not_end_its_incident_and_those_after_it_do() -> None:
    desk = Desk()
    for _ in range(5):
        desk.probe("shop")
    [opened] = desk.tell(alert())
    assert desk.probe("shop") == []
    assert desk.probe("shop") == []
    [closed] = desk.probe("shop")
    assert (closed.incident, closed.outcome) == (opened.incident, "passed_by_itself")


def test_the_end_of_the_alert_verifies_the_act_that_was_applied() -> None:
    desk = Desk()
    [opened] = desk.tell(alert())
    desk.start_act(opened.incident, "restart")
    assert desk.tell(alert(key="other", firing=False)) == []
    desk = Desk()
    [opened] = desk.tell(alert())
    desk.act(opened.incident, "restart")
    assert kinds(desk.tell(alert(firing=False))) == [FixVerified, IncidentClosed]


def test_the_incident_goes_on_while_another_alert_of_the_service_fires() -> None:
    desk = Desk()
    desk.tell(alert())
    assert desk.tell(alert(key="l", alert="ManyErrors")) == []
    assert desk.tell(alert(firing=False)) == []
    assert kinds(desk.tell(alert(key="l", alert="ManyErrors", firing=False))) == [IncidentClosed]
    [story] = desk.state.incidents.values()
    assert story.symptoms == ("alert: HighLatency: p95 is 3 s", "alert: ManyErrors: p95 is 3 s")


def test_the_end_of_an_alert_ends_no_incident_that_we_see_ourselves() -> None:
    desk = Desk()
    desk.tell(alert())
    assert desk.tell(unhealthy("shop")) == []
    assert desk.tell(alert(firing=False)) == []
    desk = Desk()
    desk.tell(unhealthy("shop"))
    desk.tell(alert())
    assert desk.tell(alert(firing=False)) == []


def test_a_reminder_opens_a_new_incident_only_when_the_last_one_is_over_for_a_while() -> None:
    desk = Desk()
    desk.tell(alert())
    for _ in range(3):
        closed = desk.probe("shop")
    assert kinds(closed) == [IncidentClosed]
    assert desk.tell(alert(), desk.at + QUIET_S - 1) == []
    assert kinds(desk.tell(alert(), desk.at + 2)) == [IncidentOpened]


def test_each_signed_message_counts_once_and_each_new_one_anew() -> None:
    desk = Desk()
    desk.tell(crashed("m1"))
    for _ in range(3):
        desk.probe("shop")
    assert desk.tell(crashed("m1")) == []
    assert kinds(desk.tell(crashed("m2"))) == [IncidentOpened]
    assert desk.tell(crashed("m1", firing=False)) == []
    assert "r" in desk.state.alerts
    assert kinds(desk.tell(crashed("m3", firing=False))) == [IncidentClosed]


def test_signed_messages_are_remembered_over_a_restart_for_twice_their_tolerance() -> None:
    desk = Desk()
    desk.tell(crashed("m1"))
    desk.tell(crashed("m2", firing=False))
    desk.agent.state = desk.reloaded()
    assert desk.tell(crashed("m1"), 600.0) == []
    desk.tell(crashed("m9", firing=False), DELIVERY_KEPT_S + 1)
    assert set(desk.state.deliveries) == {"m9"}


def test_the_end_of_an_alert_ends_no_incident_that_a_prediction_opened() -> None:
    desk = Desk()
    predicted = FailurePredicted(
        service="shop", failure="memory_leak", metric="rss_mib", value=200.0, limit=256.0, lead_time_s=60.0, confidence=0.9
    )  # fmt: skip
    assert kinds(desk.tell(predicted)) == [IncidentOpened]
    desk.tell(alert())
    assert desk.tell(alert(firing=False)) == []
