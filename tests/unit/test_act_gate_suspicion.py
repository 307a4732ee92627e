"""The act gate suspects ourselves when many probes fail at once, but never what we saw with our own eyes."""

from agents.events import FixRefused, FixStarted, HealthChanged, IncidentClosed, ObservationResumed
from agents.gate.suspicion import Suspicion
from tests.fixtures.gate import Gate, limit


def cut(gate: Gate, count: int) -> None:
    for n in range(count):
        gate.probe(f"s{n}", ok=False)


def test_nothing_is_done_when_forty_of_fifty_fail_their_probes() -> None:
    gate = Gate(50)
    cut(gate, 40)
    assert [limit(gate.ask(f"s{n}")) for n in range(40)] == ["suspicion"] * 40
    for quarter in range(1, 120):
        assert gate.tick(quarter / 4) == []
    assert "40 of 50" in gate.said[0].reason


def test_three_failing_services_are_no_reason_for_doubt() -> None:
    gate = Gate(5)
    cut(gate, 3)
    assert limit(gate.ask("s0")) == ""


def test_a_smaller_share_is_no_reason_for_doubt() -> None:
    gate = Gate(20)
    cut(gate, 6)
    assert limit(gate.ask("s0")) == ""


def test_callers_of_a_failing_service_are_no_witnesses() -> None:
    gate = Gate(6, depends_on=("s5",))
    cut(gate, 5)
    gate.probe("s5", ok=False)
    assert limit(gate.ask("s5")) == ""


def test_services_whose_end_we_saw_are_no_witnesses() -> None:
    gate = Gate(10)
    for n in range(6):
        gate.exits(f"s{n}")
    cut(gate, 7)
    assert limit(gate.ask("s6")) == ""


def test_exits_damage_and_predictions_pass() -> None:
    gate = Gate(50)
    cut(gate, 40)
    gate.exits("s45")
    assert limit(gate.ask("s45", "respawn", symptom="exit")) == ""
    assert limit(gate.ask("s46", "restore_file", symptom="file_damaged")) == ""
    assert limit(gate.ask("s47", "restart", symptom="failure_predicted")) == ""
    assert limit(gate.ask("s48", "wait")) == ""


def test_an_exit_whose_new_life_fails_probes_rests_on_probes() -> None:
    gate = Gate(50)
    cut(gate, 40)
    gate.exits("s0")
    gate.tell(HealthChanged(service="s0", health="unhealthy", symptom="timeout", incarnation="s0-new"))
    gate.probe("s0", ok=False)
    assert limit(gate.ask("s0", symptom="exit")) == "suspicion"


def test_when_the_network_returns_nobody_is_restarted_for_old_news() -> None:
    gate = Gate(50)
    cut(gate, 40)
    acts = [gate.ask(f"s{n}", at=10.0) for n in range(40)]
    gate.tick(10.1)
    for n in range(40):  # one after another, as their probes come round
        at = 10.2 + n * 0.02
        gate.tick(at)
        gate.probe(f"s{n}", ok=True)
        gate.tell(IncidentClosed(incident=acts[n].incident, service=f"s{n}", outcome="passed_by_itself"))
    gate.tick(60.0)
    assert not any(isinstance(event, FixStarted) for event in gate.said)


def test_who_goes_on_failing_after_the_doubt_is_helped() -> None:
    gate = Gate(50)
    cut(gate, 40)
    gate.ask("s0", at=10.0)
    for n in range(1, 40):
        gate.probe(f"s{n}", ok=True)
    assert gate.tick(12.9) == []
    assert [act.service for act in gate.tick(13.1)] == ["s0"]


def test_unknown_probes_change_nothing() -> None:
    gate = Gate(10)
    cut(gate, 4)
    for n in range(4):
        gate.probe(f"s{n}", ok=None)
    assert limit(gate.ask("s0")) == "suspicion"


def test_a_choice_from_before_a_gap_waits_for_a_fresh_look() -> None:
    gate = Gate(acts_per_service_per_hour=1)
    act = gate.ask("s0", at=0.0)
    gate.whole(act, good=False)
    gate.ask("s0", "restart", at=1.0)
    gate.tell(ObservationResumed(gap_s=4000.0), 4001.0)
    [refused] = gate.tick(4001.1)
    assert isinstance(refused, FixRefused)
    assert refused.limit == "suspicion"
    assert gate.tick(4003.9) == []
    assert [type(event) for event in gate.tick(4004.1)] == [FixStarted]


def test_after_a_gap_old_probes_are_forgotten() -> None:
    gate = Gate(10)
    cut(gate, 8)
    gate.tell(ObservationResumed(gap_s=30.0))
    assert limit(gate.ask("s0")) == ""


def test_a_fresh_watch_doubts_nothing() -> None:
    watch, gate = Suspicion(), Gate()
    watch.look(gate.world.config, (), 0.0)
    assert watch.reason(gate.world.config.services[0], 0.0, 0.0) == ""


def test_an_agent_of_our_own_is_started_anew_all_the_more() -> None:
    gate = Gate(50)
    cut(gate, 40)
    assert limit(gate.ask("nightwarden:notifier", "restart_agent", symptom="silent")) == ""
