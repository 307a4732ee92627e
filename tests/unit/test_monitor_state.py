"""What the monitor remembers, fact by fact."""

import pytest

from agents.events import (
    ChangeObserved,
    ConfigChanged,
    EventQuarantined,
    FileDamaged,
    FixStarted,
    HealthChanged,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
)
from agents.monitoring.state import Life, OpenIncident, State, fold
from utils.event import Fact


def after(*facts: Fact) -> State:
    state = State()
    for fact in facts:
        fold(state, fact)
    return state


def act(name: str) -> FixStarted:
    return FixStarted(
        id="act", service=name, incident="i", fix="respawn", agent="a", cause_name="x", culprit=name, deadline_s=9
    )  # fmt: skip


OPENED = IncidentOpened(service="shop", incident="i", symptom="exit", reason="")
STOP = OperatorCommanded(command="stop", service="shop")
HEALTHY = HealthChanged(service="shop", health="healthy", incarnation="a")


def test_a_service_that_is_told_to_stop_is_stopped_until_it_starts_again() -> None:
    assert after(HEALTHY, STOP).life("shop").stopped
    assert after(HEALTHY, STOP, HealthChanged(service="shop", health="unhealthy")).life("shop").stopped
    assert (
        not after(STOP, HealthChanged(service="shop", health="starting", incarnation="b"))
        .life("shop")
        .stopped
    )
    assert not after(STOP, ServiceStarted(service="shop", incarnation="b", pid=1)).life("shop").stopped
    assert not after(STOP, OperatorCommanded(command="start", service="shop")).life("shop").stopped


def test_a_service_that_finished_is_stopped() -> None:
    assert after(HealthChanged(service="job", health="stopped")).life("job").stopped


def test_a_life_that_is_adopted_keeps_its_health_and_another_one_starts() -> None:
    adopted = ServiceStarted(service="shop", incarnation="a", pid=1, adopted=True)
    assert after(HEALTHY, adopted).life("shop") == Life("a", "healthy")
    other = ServiceStarted(service="shop", incarnation="b", pid=1)
    assert after(HEALTHY, other).life("shop") == Life("b", "starting")


def test_an_incident_names_its_service_and_each_target_once() -> None:
    state = after(OPENED, act("shop"), act("pricing"), act("pricing"))
    assert state.incidents == {"i": OpenIncident(("shop", "pricing"))}
    assert state.close_look("pricing") and not state.close_look("stock")


def test_an_escalated_incident_is_looked_at_closely_again_when_it_is_retried() -> None:
    escalated = IncidentEscalated(service="shop", incident="i", reason="")
    assert not after(OPENED, escalated).close_look("shop")
    assert after(
        OPENED, escalated, IncidentRetried(service="shop", incident="i", round=1, reason="")
    ).close_look("shop")


def test_an_act_whose_event_was_quarantined_is_over() -> None:
    assert after(act("shop"), EventQuarantined(agent="a", event="other", error="")).acts
    assert not after(act("shop"), EventQuarantined(agent="a", event="act", error="")).acts


@pytest.mark.parametrize(
    "removal",
    [ConfigChanged(digest="d", removed=("shop",)), ServiceStopped(service="shop", why="removed")],
    ids=lambda fact: type(fact).__name__,
)
def test_nothing_is_kept_of_a_removed_service(removal: Fact) -> None:
    release = ChangeObserved(service="shop", kind="release", what="releases/current", after="v2")
    damage = FileDamaged(service="shop", path="shop.json", problem="x")
    assert after(HEALTHY, release, damage, act("shop"), removal) == State()
    shopping = FileDamaged(service="shopping", path="x", problem="x")
    assert after(shopping, removal).damaged == {"shopping:x": "x"}
