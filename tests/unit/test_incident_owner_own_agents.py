"""The owner of incidents: agents of our own are services that whoever runs them speaks for."""

from typing import Any

import pytest

from agents.events import (
    AgentHealthChanged,
    ConfigChanged,
    FixFailed,
    FixVerified,
    IncidentClosed,
    IncidentOpened,
    Tick,
)
from tests.fixtures.incident_owner import Desk, kinds

NOTIFIER = "nightwarden:notifier"


def agent(health: Any, symptom: Any = "", name: str = NOTIFIER, **more: Any) -> AgentHealthChanged:
    return AgentHealthChanged(service=name, health=health, symptom=symptom, reason="r", **more)


def given_up() -> Desk:
    desk = Desk()
    assert kinds(desk.tell(agent("down", "given_up", id="i"), 0.0)) == [IncidentOpened]
    return desk


def acted() -> Desk:
    desk = given_up()
    assert desk.act("i", "restart_agent", target=NOTIFIER, culprit=NOTIFIER) == []
    return desk


def test_it_is_verified_when_it_is_said_to_be_well() -> None:
    desk = acted()
    assert desk.tell(Tick(), 30.0) == []
    assert desk.tell(agent("healthy"), 31.0) == []
    assert kinds(desk.tell(Tick(), 31.1)) == [FixVerified, IncidentClosed]


def test_it_is_verified_also_where_it_was_well_before_we_heard_of_the_act() -> None:
    desk = given_up()
    act = desk.start_act("i", "restart_agent", target=NOTIFIER, culprit=NOTIFIER)
    assert desk.tell(agent("healthy")) == []
    desk.hear_of(act, "restart_agent", NOTIFIER)
    assert kinds(desk.tell(Tick(), 30.0)) == [FixVerified, IncidentClosed]


def test_a_new_life_that_is_given_up_too_fails_the_fix_at_once() -> None:
    assert kinds(acted().tell(agent("down", "given_up"), 5.0)) == [FixFailed]


def test_a_new_life_that_was_given_up_before_we_heard_of_the_act_fails_it_too() -> None:
    desk = given_up()
    act = desk.start_act("i", "restart_agent", target=NOTIFIER, culprit=NOTIFIER)
    assert desk.tell(agent("down", "given_up"), 1.0) == []
    desk.hear_of(act, "restart_agent", NOTIFIER)
    [failed] = desk.tell(Tick(), 1.25)
    assert (type(failed), failed.reason) == (FixFailed, "its new life is down too")


def test_what_is_not_well_in_time_was_not_helped() -> None:
    desk = acted()
    assert desk.tell(Tick(), 89.9) == []
    assert kinds(desk.tell(Tick(), 90.1)) == [FixFailed]


def test_what_works_again_before_any_act_has_passed_by_itself() -> None:
    [closed] = given_up().tell(agent("healthy"))
    assert closed.outcome == "passed_by_itself"


@pytest.mark.parametrize(
    ("why", "outcomes"), [("start", ["passed_by_itself"]), ("reload", []), ("refused", [])]
)
def test_a_new_process_is_a_new_life_for_all_agents_and_a_new_configuration_is_none(
    why: Any, outcomes: list[str]
) -> None:
    desk = given_up()
    closed = desk.tell(ConfigChanged(digest="d", services=("shop", "model"), why=why))
    assert [fact.outcome for fact in closed] == outcomes


def test_who_is_neither_a_service_nor_one_of_us_has_no_incidents() -> None:
    assert Desk().tell(agent("down", "given_up", name="notifier")) == []
