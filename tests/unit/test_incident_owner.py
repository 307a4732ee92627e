"""The owner of incidents: what opens, absorbs, closes and withdraws them."""

from typing import Any

import pytest

from agents.events import (
    Cause,
    CauseFound,
    ConfigChanged,
    EventQuarantined,
    FailurePredicted,
    FileDamaged,
    FileRepaired,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ProbeObserved,
    ServiceStopped,
    Tick,
)
from tests.fixtures.incident_owner import Desk, down, healthy, kinds, unhealthy


def test_a_seen_exit_opens_an_incident_named_after_the_fact() -> None:
    desk = Desk()
    [opened] = desk.tell(down("shop", id="exit1"), 5.0)
    assert isinstance(opened, IncidentOpened)
    assert (opened.incident, opened.service, opened.symptom) == ("exit1", "shop", "exit")
    assert desk.incident("exit1").status == "open"
    assert desk.state.by_service == {"shop": "exit1"}


def test_repeats_are_absorbed_by_the_open_incident() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="first"))
    assert desk.tell(unhealthy("shop")) == []
    assert desk.tell(down("shop")) == []
    assert desk.incident("first").kind == "exit"
    assert len(desk.state.incidents) == 1


@pytest.mark.parametrize(
    ("restart", "exit_code", "opens"),
    [
        ("always", 0, True),
        ("never", 1, False),
        ("on-failure", 0, False),
        ("on-failure", 1, True),
        ("on-failure", None, True),
    ],
)
def test_the_restart_policy_says_which_exit_is_trouble(
    restart: Any, exit_code: int | None, *, opens: bool
) -> None:
    desk = Desk(restart=restart)
    assert bool(desk.tell(down("shop", exit_code=exit_code))) is opens
    if not opens:
        assert desk.tell(unhealthy("shop")) == [], "the probe of an ended service is no news"


def test_what_is_not_configured_has_no_incidents() -> None:
    assert Desk().tell(down("stranger")) == []


def test_health_that_returns_before_any_act_closes_the_incident() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"), 1.0)
    [closed] = desk.tell(healthy("shop"), 4.0)
    assert (closed.outcome, closed.incident, closed.seconds) == ("passed_by_itself", "i", 3.0)
    assert desk.state.by_service == {}
    assert desk.tell(unhealthy("shop")) != [], "the next one is new"


def test_good_probes_in_a_row_close_an_incident_whose_fix_failed() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.act("i", "kill_restart", outcome="failed")
    assert desk.probe("shop") == desk.probe("shop") == []
    assert desk.probe("shop")[0].outcome == "passed_by_itself"


def test_an_operators_stop_withdraws_and_keeps_quiet_until_the_start() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    [closed] = desk.tell(OperatorCommanded(command="stop", service="shop"))
    assert closed.outcome == "withdrawn"
    assert desk.incident("i").status == "withdrawn"
    assert desk.tell(ServiceStopped(service="shop", why="operator")) == []
    assert desk.tell(down("shop")) == []
    assert desk.tell(FileDamaged(service="shop", path="x", problem="y")) == []
    desk.tell(OperatorCommanded(command="start", service="shop"))
    assert kinds(desk.tell(down("shop"))) == [IncidentOpened]


def test_a_shutdown_opens_nothing_and_withdraws_nothing() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.tell(OperatorCommanded(command="shutdown"))
    assert desk.tell(down("model")) == []
    desk.tell(ConfigChanged(digest="d", services=("shop", "model")))
    assert desk.incident("i").status == "open"
    assert kinds(desk.tell(down("model"))) == [IncidentOpened]


def test_a_removed_service_takes_its_incident_with_it() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.tell(unhealthy("model", id="m"))
    results = desk.tell(ConfigChanged(digest="d", services=("model",), removed=("shop",), why="reload"))
    assert [(closed.incident, closed.outcome) for closed in results] == [("i", "withdrawn")]
    assert desk.incident("m").status == "open"


def test_a_refused_configuration_withdraws_nothing() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    assert desk.tell(ConfigChanged(digest="d", why="refused", removed=("shop",))) == []


def test_a_damaged_file_passes_when_it_is_repaired() -> None:
    desk = Desk()
    [opened] = desk.tell(FileDamaged(service="shop", path="a.json", problem="cut off", id="i"))
    assert opened.symptom == "file_damaged"
    desk.tell(FileDamaged(service="shop", path="b.json", problem="empty"))
    assert desk.tell(healthy("shop")) == [], "health says nothing about the file"
    assert desk.tell(FileRepaired(service="shop", path="a.json")) == []
    assert desk.tell(FileRepaired(service="shop", path="b.json"))[0].outcome == "passed_by_itself"


def prediction(lead_time_s: float = 100.0, incarnation: str = "old", **more: Any) -> FailurePredicted:
    return FailurePredicted(
        service="shop", failure="memory_leak", metric="rss_mib", value=200.0, limit=256.0,
        lead_time_s=lead_time_s, confidence=0.9, incarnation=incarnation, **more,
    )  # fmt: skip


def test_a_prediction_opens_only_inside_the_horizon_and_for_the_living_incarnation() -> None:
    desk = Desk()
    desk.tell(healthy("shop", incarnation="old"))
    assert desk.tell(prediction(lead_time_s=5000.0)) == []
    assert desk.tell(prediction(incarnation="older")) == []
    [opened] = desk.tell(prediction(id="i"))
    assert opened.symptom == "failure_predicted"
    assert desk.tell(healthy("shop", incarnation="old")) == [], "it was healthy all the time"
    assert desk.tell(healthy("shop", incarnation="new"))[0].outcome == "passed_by_itself"


def test_a_prediction_that_is_not_repeated_lapses() -> None:
    desk = Desk(predict_horizon_s=50.0)
    desk.tell(prediction(lead_time_s=40.0, id="i"), 0.0)
    desk.tell(prediction(lead_time_s=10.0), 30.0)
    assert desk.tell(Tick(), 79.0) == []
    assert desk.tell(Tick(), 80.5)[0].outcome == "passed_by_itself"


def test_the_first_bad_probe_is_the_first_sign() -> None:
    desk = Desk()
    desk.probe("shop", ok=False, at=10.0)
    desk.probe("shop", ok=False, at=11.0)
    [opened] = desk.tell(unhealthy("shop"), 11.0)
    assert opened.first_sign_at == 10.0


def test_exhausted_fixes_escalate_once_a_round_and_slow_probing_goes_on() -> None:
    desk = Desk(slow_probe_s=60.0)
    desk.tell(unhealthy("shop", id="i"))
    assert kinds(desk.tell(FixesExhausted(incident="i", service="shop", reason="3 tried"), 10.0)) == [
        IncidentEscalated
    ]
    assert desk.tell(Tick(), 69.0) == []
    [retried] = desk.tell(Tick(), 70.0)
    assert isinstance(retried, IncidentRetried)
    assert (retried.round, desk.incident("i").status) == (1, "open")
    assert desk.tell(FixesExhausted(incident="i", service="shop", reason="again"), 71.0)[0].round == 1
    assert desk.tell(FixesExhausted(incident="i", service="shop", reason="again")) == [], "once in each round"
    assert desk.incident("i").status == "escalated"
    assert desk.tell(Tick(), 130.0) == []
    assert desk.tell(Tick(), 131.0)[0].round == 2


def test_an_escalated_incident_closes_without_a_claim_when_health_returns() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.tell(FixesExhausted(incident="i", service="shop", reason="r"))
    results = desk.tell(healthy("shop"))
    assert [closed.outcome for closed in results] == ["passed_by_itself"]
    assert not any(isinstance(event, FixVerified) for event in desk.said)


def test_an_exit_while_escalated_is_tried_at_once_but_not_in_a_storm() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.tell(FixesExhausted(incident="i", service="shop", reason="r"), 0.0)
    assert desk.tell(down("shop"), 10.0) == []
    assert kinds(desk.tell(down("shop"), 31.0)) == [IncidentRetried]


def test_what_dies_again_and_again_is_started_every_5_s_at_first_and_every_minute_in_the_end() -> None:
    desk = Desk()
    desk.tell(down("shop", id="i"), 0.0)
    desk.act("i", "respawn", incarnation="one")
    desk.tell(down("shop", incarnation="one"), 1.0)
    desk.tell(FixesExhausted(incident="i", service="shop", reason="3 tried"), 1.0)
    at, pauses = 1.0, []
    for _ in range(40):
        began = at
        while not desk.tell(Tick(), at):
            at += 0.5
        pauses.append(at - began)
        desk.tell(FixesExhausted(incident="i", service="shop", reason="again"), at)
    assert (pauses[0], pauses[10], pauses[-1]) == (5.0, 5.0, 60.0)
    assert pauses == sorted(pauses)


def test_what_nothing_was_done_about_is_not_looked_at_more_often_for_being_dead() -> None:
    desk = Desk(slow_probe_s=60.0)
    desk.tell(down("shop", id="i"), 0.0)
    desk.tell(FixesExhausted(incident="i", service="shop", reason="autonomy observe"), 0.0)
    assert desk.tell(Tick(), 59.0) == []
    assert kinds(desk.tell(Tick(), 60.0)) == [IncidentRetried]


def test_an_incident_that_nobody_takes_up_is_told() -> None:
    desk = Desk(slow_probe_s=60.0)
    desk.tell(unhealthy("shop", id="i"), 0.0)
    desk.tell(ObservationResumed(), 50.0)
    assert desk.tell(Tick(), 100.0) == []
    assert kinds(desk.tell(Tick(), 110.0)) == [IncidentEscalated]


def test_a_thinker_that_fails_on_the_incident_escalates_it() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    lost = EventQuarantined(agent="rca_engine", event="x", error="boom", incident="i", service="shop")
    assert kinds(desk.tell(lost)) == [IncidentEscalated]


def test_an_act_that_was_quarantined_failed() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    started = desk.start_act("i", "kill_restart")
    lost = EventQuarantined(
        agent="application_recovery", event=started, error="boom", incident="i", service="shop"
    )
    assert kinds(desk.tell(lost)) == [FixFailed]
    assert desk.incident("i").acts[0].outcome == "failed"


@pytest.mark.parametrize("bystander", ["notifier", "service_monitor", "data_recovery"])
def test_an_act_goes_on_while_one_who_merely_listens_fails_on_it(bystander: str) -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    started = desk.start_act("i", "kill_restart")
    lost = EventQuarantined(agent=bystander, event=started, error="boom", incident="i", service="shop")
    assert kinds(desk.tell(lost)) == []
    assert desk.incident("i").acts[0].outcome == "started"


def test_only_the_last_thousand_closed_incidents_are_kept() -> None:
    desk = Desk()
    desk.tell(unhealthy("model", id="stays"))
    for n in range(1005):
        desk.tell(down("shop", id=f"i{n}"), n * 100.0)
        desk.tell(healthy("shop"), n * 100.0 + 1)
    assert len(desk.state.incidents) == 1001
    assert "stays" in desk.state.incidents
    assert "i4" not in desk.state.incidents
    assert "i5" in desk.state.incidents


def test_the_state_survives_a_snapshot() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.tell(CauseFound(incident="i", service="shop", best=Cause("hang", "shop", 0.9, ("silent",))))
    desk.act("i", "kill_restart")
    assert desk.reloaded() == desk.state


def test_a_wrongly_ordered_or_late_fact_changes_nothing() -> None:
    desk = Desk()
    assert desk.tell(FixesExhausted(incident="nobody", service="shop", reason="r")) == []
    desk.tell(HealthChanged(service="shop", health="healthy"))
    assert desk.state.incidents == {}
    assert not any(isinstance(event, IncidentClosed) for event in desk.said)


def test_what_waits_for_a_limit_is_not_forgotten_and_not_escalated() -> None:
    desk = Desk(slow_probe_s=60.0)
    desk.tell(unhealthy("shop", id="i"), 0.0)
    desk.tell(FixRefused(incident="i", service="shop", fix="restart", limit="paused", reason="by a person"))
    assert desk.tell(Tick(), 3600.0) == []


def test_bad_news_while_the_hands_are_at_work_decides_nothing() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"))
    desk.start_act("i", "kill_restart")
    assert desk.tell(down("shop")) == []
    assert desk.incident("i").status == "recovering"


def test_a_probe_that_is_older_than_the_act_is_no_verdict() -> None:
    desk = Desk(good_probes_to_verify=1)
    desk.tell(unhealthy("shop", id="i"), 10.0)
    desk.act("i", "kill_restart")
    assert list(desk.agent.handle(ProbeObserved(service="shop", ok=True, at=9.0))) == []
    assert desk.probe("shop") != []
