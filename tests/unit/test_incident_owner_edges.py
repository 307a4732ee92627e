"""The owner of incidents at its edges, late on the clock: what must not close, fail or verify anything."""

from typing import Any

import pytest

from agents.events import (
    ConfigChanged,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixesExhausted,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ServiceStopped,
    Tick,
)
from tests.fixtures.incident_owner import Desk, down, healthy, kinds, unhealthy

LATE = 1_000_000.0


def troubled(**options: Any) -> Desk:
    desk = Desk(**options)
    desk.tell(unhealthy("shop", id="i"), LATE)
    return desk


# --- what opens ---


@pytest.mark.parametrize("restart", ["never", "on-failure"])
def test_a_service_that_need_not_run_for_ever_still_has_to_answer_while_it_does(restart: str) -> None:
    desk = Desk(restart=restart)
    desk.tell(healthy("shop"))
    assert kinds(desk.tell(unhealthy("shop"))) == [IncidentOpened]


def predicted(**more: Any) -> FailurePredicted:
    about = {"failure": "memory_leak", "metric": "rss_mib", "value": 200.0, "limit": 256.0, "confidence": 0.9}
    return FailurePredicted(service="shop", **{"lead_time_s": 100.0, **about, **more})


def test_a_prediction_for_just_the_horizon_opens_and_names_the_life_that_is_known() -> None:
    desk = Desk(predict_horizon_s=900.0)
    desk.tell(healthy("shop", incarnation="life"))
    assert desk.tell(predicted(lead_time_s=900.5)) == []
    [opened] = desk.tell(predicted(lead_time_s=900.0))
    assert opened.incarnation == "life"
    assert "reaches 256 in 900 s" in opened.reason


def test_what_is_reached_already_is_not_said_to_come() -> None:
    [opened] = Desk().tell(predicted(lead_time_s=0.0))
    assert opened.reason == "memory_leak: rss_mib is over 256"


def test_a_prediction_lapses_a_horizon_after_it_was_last_said() -> None:
    desk = Desk(predict_horizon_s=50.0)
    desk.tell(predicted(lead_time_s=40.0, id="i"), LATE)
    assert desk.tell(Tick(), LATE + 30) == [], "it was said when the incident opened"
    desk.tell(predicted(lead_time_s=10.0), LATE + 30)
    assert desk.tell(Tick(), LATE + 79.9) == []
    assert desk.tell(Tick(), LATE + 80)[0].outcome == "passed_by_itself"


def test_bad_probes_from_before_a_gap_or_a_good_one_are_no_first_sign() -> None:
    for interruption in ("gap", "good", "unknown"):
        desk = Desk()
        desk.probe("shop", ok=False if interruption != "unknown" else None, at=LATE)
        if interruption == "gap":
            desk.tell(ObservationResumed(gap_s=9.0), LATE + 10)
        elif interruption == "good":
            desk.probe("shop", at=LATE + 10)
        [opened] = desk.tell(unhealthy("shop"), LATE + 20)
        assert opened.first_sign_at == 0.0


# --- what closes ---


def test_a_repaired_file_closes_no_prediction() -> None:
    desk = Desk()
    desk.tell(predicted(id="i"), LATE)
    desk.tell(FileDamaged(service="shop", path="a", problem="cut"))
    assert desk.tell(FileRepaired(service="shop", path="a")) == []


def test_health_closes_nothing_while_an_act_waits_for_its_verdict() -> None:
    desk = troubled()
    desk.act("i", "kill_restart", incarnation="new")
    assert desk.tell(HealthChanged(service="shop", health="starting", incarnation="new")) == []
    assert desk.tell(healthy("shop", incarnation="new")) == []


def test_a_start_is_no_health() -> None:
    assert troubled().tell(HealthChanged(service="shop", health="starting")) == []


def test_good_probes_do_not_make_a_damaged_file_whole() -> None:
    desk = Desk()
    desk.tell(FileDamaged(service="shop", path="a", problem="cut", id="i"), LATE)
    assert [desk.probe("shop") for _ in range(5)] == [[]] * 5
    [closed] = desk.tell(FileRepaired(service="shop", path="a"))
    assert closed.outcome == "passed_by_itself"


def test_a_repaired_file_closes_only_what_was_about_files_and_nothing_that_is_ill() -> None:
    desk = Desk()
    assert desk.tell(FileRepaired(service="shop", path="a")) == [], "no incident at all"
    desk.tell(FileDamaged(service="shop", path="a", problem="cut", id="file"), LATE)
    desk.tell(unhealthy("shop"))
    assert desk.tell(FileRepaired(service="shop", path="a")) == []
    desk = troubled()
    desk.tell(healthy("model"))
    desk.tell(FileDamaged(service="shop", path="a", problem="cut"))
    assert desk.tell(FileRepaired(service="shop", path="a")) == []


def test_a_start_with_a_configuration_that_lacks_a_service_withdraws_its_incident() -> None:
    desk = troubled()
    [closed] = desk.tell(ConfigChanged(digest="d", services=("model",)))
    assert (closed.incident, closed.outcome) == ("i", "withdrawn")


def test_a_closed_incident_hears_nothing_more() -> None:
    desk = troubled()
    desk.tell(OperatorCommanded(command="stop", service="shop"))
    before = desk.incident("i")
    assert desk.tell(FixesExhausted(incident="i", service="shop", reason="r")) == []
    desk.start_act("i", "restart")
    assert desk.incident("i") == before


@pytest.mark.parametrize("why", ["operator", "removed", "unused"])
def test_a_stop_on_purpose_withdraws(why: Any) -> None:
    desk = troubled()
    assert [e.outcome for e in desk.tell(ServiceStopped(service="shop", why=why))] == ["withdrawn"]
    assert desk.tell(down("shop")) == []


@pytest.mark.parametrize("why", ["shutdown", "changed"])
def test_a_stop_for_a_start_withdraws_nothing(why: Any) -> None:
    desk = troubled()
    assert desk.tell(ServiceStopped(service="shop", why=why)) == []
    assert desk.incident("i").status == "open"


def test_a_service_that_comes_back_into_the_configuration_has_incidents_again() -> None:
    desk = Desk()
    desk.tell(ServiceStopped(service="shop", why="removed"))
    desk.tell(ConfigChanged(digest="d", why="reload", services=("shop", "model"), added=("shop",)))
    assert kinds(desk.tell(down("shop"))) == [IncidentOpened]


# --- rounds of slow probing ---


def test_only_an_escalated_incident_is_tried_at_once_and_only_for_an_exit() -> None:
    desk = troubled()
    assert desk.tell(down("shop"), LATE + 100) == [], "somebody is at it"
    desk.tell(FixesExhausted(incident="i", service="shop", reason="r"), LATE + 101)
    assert desk.tell(unhealthy("shop"), LATE + 200) == []
    assert desk.tell(down("shop"), LATE + 130.9 + 100) != []


def test_half_a_minute_after_an_escalation_an_exit_is_tried_again_and_not_before() -> None:
    for after_s, said in ((29.9, []), (30.0, [IncidentRetried])):
        desk = troubled()
        desk.tell(FixesExhausted(incident="i", service="shop", reason="r"), LATE + 1)
        assert kinds(desk.tell(down("shop"), LATE + 1 + after_s)) == said


def test_what_lives_but_is_ill_is_tried_at_the_slow_pace_after_a_failed_act() -> None:
    desk = troubled(slow_probe_s=60.0)
    desk.act("i", "kill_restart", outcome="failed")
    desk.tell(FixesExhausted(incident="i", service="shop", reason="r"), LATE + 1)
    assert desk.tell(Tick(), LATE + 60.9) == []
    assert kinds(desk.tell(Tick(), LATE + 61)) == [IncidentRetried]


def test_silence_is_counted_from_the_last_word() -> None:
    desk = troubled(slow_probe_s=60.0)
    desk.tell(unhealthy("shop"), LATE + 50)
    assert desk.tell(Tick(), LATE + 109.9) == []
    assert kinds(desk.tell(Tick(), LATE + 110)) == [IncidentEscalated]


# --- somebody stopped it where it runs ---


def test_what_a_person_suspended_where_it_runs_has_no_incident_any_more() -> None:
    desk = troubled()
    [closed] = desk.tell(
        HealthChanged(service="shop", health="stopped", symptom="suspended", reason="by a user")
    )
    assert (type(closed), closed.outcome) == (IncidentClosed, "withdrawn")


def test_what_is_stopped_for_a_fix_keeps_its_incident() -> None:
    assert troubled().tell(HealthChanged(service="shop", health="stopped")) == []


def test_a_ceiling_without_a_known_cause_opens_no_incident() -> None:
    assert Desk().tell(predicted(failure="unknown")) == []
