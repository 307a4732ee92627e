"""The act gate: what is permitted, what each limit refuses, and when a refused choice starts after all."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.act_gate import ActGate
from agents.events import (
    ConfigChanged,
    EventQuarantined,
    FixApplied,
    FixRefused,
    FixStarted,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentRetried,
    OperatorCommanded,
    ServiceStopped,
    StorageChanged,
)
from agents.gate.limits import LIMITS
from agents.gate.reminders import FREED_BY
from tests.fixtures.gate import Gate, extra_fix, limit


def test_a_safe_fix_starts_with_what_the_catalogue_says() -> None:
    gate = Gate()
    gate.tell(HealthChanged(service="s0", health="healthy", incarnation="life"))
    act = gate.ask("s0", "restore_file")
    assert isinstance(act, FixStarted)
    assert (act.service, act.fix, act.agent, act.deadline_s) == ("s0", "restore_file", "data_recovery", 120)
    assert (act.incarnation, act.culprit, act.cause_name) == ("life", "s0", "hang")


@pytest.mark.parametrize(
    ("options", "refused_by", "final"),
    [
        ({"dry_run": True}, "dry_run", True),
        ({"autonomy": "observe"}, "observe", True),
        ({"autonomy": "suggest"}, "approval", False),
        ({"auto_recovery_enabled": False}, "recovery_disabled", True),
    ],
)
def test_settings_that_forbid_acts(options: dict[str, Any], refused_by: str, *, final: bool) -> None:
    gate = Gate(**options)
    answer = gate.ask()
    assert (limit(answer), answer.final) == (refused_by, final)
    assert bool(gate.state.pending) is not final
    assert limit(gate.ask(fix="wait")) == "", "waiting harms nobody"


def test_a_dry_run_says_what_it_would_have_done() -> None:
    assert "would have applied kill_restart to s0" in Gate(dry_run=True).ask().reason


def test_what_is_not_known_is_refused() -> None:
    gate = Gate()
    assert limit(gate.ask("nobody")) == "unknown"
    assert limit(gate.ask("s0", "dance")) == "unknown"
    assert limit(gate.choose("over", "s0")) == "incident_over"


def test_what_an_operator_stopped_is_left_alone_until_started() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="stop", service="s0"))
    answer = gate.ask("s0")
    assert (limit(answer), answer.final) == ("stopped", True)
    gate.tell(OperatorCommanded(command="start", service="s0"))
    assert limit(gate.ask("s0")) == ""


def test_a_pause_holds_every_act_back_and_the_resume_starts_it() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", by="anna"))
    assert limit(gate.ask("s0")) == "paused"
    assert limit(gate.ask("s1", "wait")) == ""
    assert gate.tick(1.0) == []
    gate.tell(OperatorCommanded(command="resume"))
    [act] = gate.tick(2.0)
    assert (act.fix, act.service, act.incident != "") == ("kill_restart", "s0", True)
    assert gate.state.pending == {}
    assert gate.tick(3.0) == []


def test_a_pause_by_a_file_lasts_as_long_as_the_file_and_no_longer() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", by="file PAUSE"))
    gate.tell(OperatorCommanded(command="resume", by="anna"))
    assert limit(gate.ask("s0")) == "paused"
    gate.tell(OperatorCommanded(command="pause", by="anna"))
    gate.tell(OperatorCommanded(command="resume", by="file PAUSE"))
    assert gate.tick(1.0) == []
    gate.tell(OperatorCommanded(command="resume", by="anna"))
    assert [act.service for act in gate.tick(2.0)] == ["s0"]


def test_a_shutdown_starts_no_new_act() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="shutdown"))
    assert limit(gate.ask()) == "paused"


def test_a_held_choice_is_dropped_with_its_incident_or_by_another_choice() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause"))
    gate.open("a", "s0")
    gate.choose("a", "s0", "kill_restart")
    gate.choose("a", "s0", "restart")
    gate.open("b", "s1")
    gate.choose("b", "s1")
    gate.tell(IncidentClosed(incident="b", service="s1", outcome="passed_by_itself"))
    gate.tell(OperatorCommanded(command="resume"))
    assert [act.fix for act in gate.tick(1.0)] == ["restart"]


def test_another_reason_is_told_and_the_same_is_not() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause"))
    gate.open("a", "s0")
    gate.choose("a", "s0")
    assert gate.tick(1.0) == []
    gate.tell(OperatorCommanded(command="stop", service="s0"))
    [refused] = gate.tick(2.0)
    assert (refused.limit, refused.final, refused.incident) == ("stopped", True, "a")
    assert gate.tick(3.0) == []


def reminders(gate: Gate, until_s: float, every_s: float = 60.0) -> list[tuple[float, int, str]]:
    """What ticks say, at which time."""
    told = []
    while gate.at < until_s:
        told += [
            (gate.at, e.reminder, e.limit) for e in gate.tick(gate.at + every_s) if isinstance(e, FixRefused)
        ]
    return told


def test_of_what_stays_held_back_people_are_reminded_ever_more_seldom() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", by="anna"), 0.5)
    gate.ask("s0", at=1.0)
    told = reminders(gate, 3 * 86_400.0)
    assert [(round(at / 60), times) for at, times, _ in told] == [
        (15, 1),
        (60, 2),
        (240, 3),
        (1440, 4),
        (2880, 5),
        (4320, 6),
    ]
    last = gate.said[-1]
    assert (last.reason, last.held_s > 3 * 86_300, last.final) == ("paused by anna", True, False)
    assert "nightwarden resume" in last.freed_by
    gate.tell(OperatorCommanded(command="resume"))
    assert [type(event) for event in gate.tick(gate.at + 1.0)] == [FixStarted]


def test_another_limit_does_not_begin_the_count_anew() -> None:
    gate = Gate(fixes=(extra_fix("cool", cooldown_s=9000.0),))
    gate.whole(gate.ask("s0", "cool", at=0.0), good=True)
    gate.tell(OperatorCommanded(command="pause", by="anna"), 0.5)
    gate.ask("s0", "cool", at=1.0)
    assert reminders(gate, 1000.0)[0][1:] == (1, "paused")
    gate.tell(OperatorCommanded(command="resume", by="anna"))
    assert [told[1:] for told in reminders(gate, 4000.0)] == [(0, "cooldown"), (2, "cooldown")]


def test_reminders_outlive_the_daemon_and_of_missed_ones_the_last_one_comes() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", by="anna"), 0.5)
    gate.ask("s0", at=1.0)
    reminders(gate, 1000.0)
    again = ActGate(gate.world)
    again.state = gate.reloaded()
    gate.agent = again
    gate.at = 90_000.0
    assert [times for _, times, _ in reminders(gate, 91_000.0)] == [4]


def test_of_a_question_nobody_is_reminded_beside_it() -> None:
    gate = Gate(autonomy="suggest")
    assert limit(gate.ask("s0", at=1.0)) == "approval"
    assert [e for e in reminders(gate, 2000.0) if e[1]] == []


def test_whatever_can_hold_a_choice_back_has_a_word_on_what_would_free_it() -> None:
    waits = {known.name for known in LIMITS if not known.final}
    assert waits - {"approval"} == FREED_BY.keys()


def test_one_open_act_per_target_until_its_verdict() -> None:
    gate = Gate(20)
    act = gate.ask("s0")
    gate.open("other", "s1")
    assert limit(gate.choose("other", "s0", "restart")) == "open_act"
    gate.applied(act)
    assert gate.tick(1.0) == []
    gate.verdict(act, good=False)
    [refused] = gate.tick(2.0)
    assert refused.limit == "just_acted", "see first whether that helped here too"
    assert [type(event) for event in gate.tick(33.0)] == [FixStarted]


def test_an_act_whose_incident_ended_stays_open_until_the_hands_are_back() -> None:
    gate = Gate()
    act = gate.ask("s0")
    gate.close(act)
    assert limit(gate.ask("s0")) == "open_act"
    gate.applied(act, "symptom_gone")
    assert [event.service for event in gate.tick(100.0)] == ["s0"], "the second choice"


@pytest.mark.parametrize("end", ["quarantine", "stop"])
def test_other_ends_of_an_act(end: str) -> None:
    gate = Gate()
    act = gate.ask("s0")
    if end == "quarantine":
        gate.tell(EventQuarantined(agent="application_recovery", event=act.id, error="e"))
    else:
        gate.tell(ServiceStopped(service="s0", why="operator"))
    assert gate.state.open_acts == {}


@pytest.mark.parametrize("bystander", ["notifier", "service_monitor", "data_recovery"])
def test_an_act_goes_on_while_one_who_merely_listens_fails_on_it(bystander: str) -> None:
    gate = Gate()
    act = gate.ask("s0")
    before = gate.state.open_acts["s0"]
    gate.tell(EventQuarantined(agent=bystander, event=act.id, error="e"))
    assert gate.state.open_acts["s0"] == before


def lost(gate: Gate, agent: str, act: FixStarted, kind: str = "", event: str = "x") -> None:
    about = {"incident": act.incident, "service": act.service}
    gate.tell(EventQuarantined(agent=agent, event=event, error="e", kind=kind, **about))


@pytest.mark.parametrize("kind", ["FixVerified", "FixFailed"])
def test_a_verdict_that_we_fail_on_ends_the_act_all_the_same(kind: str) -> None:
    gate = Gate()
    act = gate.ask("s0")
    gate.applied(act)
    lost(gate, "act_gate", act, "HealthChanged")
    lost(gate, "notifier", act, kind)
    lost(gate, "act_gate", replace(act, incident="another"), kind)
    assert gate.state.open_acts["s0"].id == act.id
    lost(gate, "act_gate", act, kind)
    assert gate.state.open_acts == {}


def test_a_word_of_the_hands_that_we_fail_on_counts_as_done() -> None:
    gate = Gate()
    act = gate.ask("s0")
    lost(gate, "act_gate", act, "FixApplied")
    assert gate.state.open_acts["s0"].outcome == "done"
    gate.close(act)
    assert gate.state.open_acts == {}


def test_a_late_word_that_we_fail_on_ends_an_act_whose_incident_ended() -> None:
    gate = Gate()
    act = gate.ask("s0")
    gate.close(act)
    lost(gate, "act_gate", act, "FixApplied")
    assert gate.state.open_acts == {}


@pytest.mark.parametrize("applied", [False, True])
def test_an_act_that_its_judge_never_heard_of_ends_with_its_hands(*, applied: bool) -> None:
    gate = Gate()
    act = gate.ask("s0")
    if applied:
        gate.applied(act)
    lost(gate, "render_self_healing_agent", act, event=act.id)
    if not applied:
        assert gate.state.open_acts["s0"].id == act.id
        gate.applied(act)
    assert gate.state.open_acts == {}


def test_nothing_is_remembered_of_the_acts_on_a_removed_service() -> None:
    gate = Gate(count=12)
    for name in ("s1", "s11"):
        act = gate.ask(name)
        gate.applied(act)
        gate.verdict(act, good=False)
    gate.tell(ConfigChanged(digest="d", why="reload", removed=("s1",)))
    assert list(gate.state.started) == list(gate.state.failed) == ["s11 kill_restart"]


def test_attempts_inside_one_incident_run_out_but_waiting_is_none() -> None:
    gate = Gate(max_recovery_attempts=2)
    gate.open("a", "s0")
    for fix in ("kill_restart", "wait", "restart"):
        act = gate.choose("a", "s0", fix)
        assert limit(act) == ""
        gate.applied(act)
        gate.verdict(act, good=False)
    answer = gate.choose("a", "s0", "respawn")
    assert (limit(answer), answer.final) == ("attempts", True)
    gate.tell(IncidentRetried(incident="a", service="s0", round=1, reason="r"))
    assert limit(gate.choose("a", "s0", "respawn")) == "", "each round of slow probing allows one more"


def test_a_verified_fix_gives_the_attempts_back() -> None:
    gate = Gate(max_recovery_attempts=1)
    gate.open("a", "s0")
    act = gate.choose("a", "s0")
    gate.applied(act)
    gate.verdict(act, good=True)
    assert limit(gate.choose("a", "s0")) == ""


def test_the_hourly_budget_of_a_service_counts_unverified_acts_only() -> None:
    gate = Gate(acts_per_service_per_hour=2)
    for n in range(5):
        gate.whole(gate.ask("s0", at=n * 10.0), good=True)
    gate.whole(gate.ask("s0", "restart", at=100.0), good=False)
    gate.whole(gate.ask("s0", "restart", at=110.0), good=False)
    assert limit(gate.ask("s0", at=120.0)) == "budget"
    assert limit(gate.ask("s1", at=121.0)) == ""
    gate.whole(gate.said[-1], good=True)
    assert [limit(event) for event in gate.tick(3699.0)] == ["budget"], "a reminder"
    assert [type(event) for event in gate.tick(3701.0)] == [FixStarted]


def test_what_was_tried_in_vain_before_the_fix_that_healed_uses_up_no_budget() -> None:
    gate = Gate(acts_per_service_per_hour=2)
    for n in range(3):
        gate.open(f"i{n}", "s0")
        for fix, good in (("restart", False), ("kill_restart", True)):
            act = gate.choose(f"i{n}", "s0", fix, n * 100.0 + (30.0 if good else 1.0))
            assert limit(act) == ""
            gate.applied(act)
            gate.verdict(act, good=good)


def test_what_interrupts_an_act_pardons_that_act_and_no_other() -> None:
    gate = Gate(acts_per_service_per_hour=1)
    gate.open("i", "s0")
    first = gate.choose("i", "s0", "restart", 1.0)
    gate.applied(first)
    gate.verdict(first, good=False)
    gate.exits("s0")
    second = gate.choose("i", "s0", "respawn", 10.0)
    gate.applied(second)
    gate.at += 5.0
    gate.verdict(second, good=False, interrupted=True)
    gate.tell(HealthChanged(service="s0", health="healthy", incarnation="new"))
    assert limit(gate.choose("i", "s0", "kill_restart", 20.0)) == "budget"


def test_the_budget_of_all_holds_back_acts_but_no_respawn_of_a_seen_exit() -> None:
    gate = Gate(10, acts_per_hour=3)
    for n in range(3):
        gate.whole(gate.ask(f"s{n}", at=float(n)), good=False)
    assert limit(gate.ask("s5", at=5.0)) == "budget"
    gate.exits("s6")
    assert limit(gate.ask("s6", "respawn", at=6.0, symptom="exit")) == ""


def test_a_fix_that_failed_three_times_in_an_hour_rests() -> None:
    gate = Gate()
    for n in range(3):
        gate.whole(gate.ask("s0", at=n * 10.0), good=False)
    answer = gate.ask("s0", at=30.0)
    assert (limit(answer), answer.final) == ("breaker", True)
    gate.whole(gate.ask("s0", "restart"), good=False)
    assert limit(gate.ask("s0", at=20.0 + 899.0)) == "breaker"
    assert limit(gate.ask("s0", at=20.0 + 900.0)) == ""


def test_a_fix_does_not_rest_for_what_new_faults_interrupted() -> None:
    gate = Gate()
    for n in range(4):
        act = gate.ask("s0", at=n * 10.0)
        assert isinstance(act, FixStarted)
        gate.applied(act)
        gate.verdict(act, good=False, interrupted=True)
        gate.close(act)


def test_a_success_closes_the_breaker() -> None:
    gate = Gate()
    for good in (False, False, True, False):
        gate.whole(gate.ask("s0", at=gate.at + 10.0), good=good)
    assert limit(gate.ask("s0")) == ""


def test_a_fix_cools_down() -> None:
    gate = Gate(fixes=(extra_fix("cool", cooldown_s=50.0),))
    gate.whole(gate.ask("s0", "cool", at=0.0), good=True)
    assert limit(gate.ask("s0", "cool", at=49.0)) == "cooldown"
    assert [type(event) for event in gate.tick(50.0)] == [FixStarted]


def test_a_failing_state_folder_leaves_safe_fixes_only() -> None:
    gate = Gate(autonomy="auto", fixes=(extra_fix("bold", risk="risky"),))
    gate.tell(StorageChanged(ok=False, problem="disk full"))
    assert limit(gate.ask("s0", "bold")) == "disk"
    gate.whole(gate.ask("s1"), good=True)
    gate.tell(StorageChanged(ok=True))
    assert [act.fix for act in gate.tick(1.0)] == ["bold"]


def test_risky_fixes_earn_their_autonomy_and_lose_it_with_one_failure() -> None:
    gate = Gate(fixes=(extra_fix("bold", risk="risky"),))
    assert limit(gate.ask("s0", "bold")) == "approval"
    about = {"incident": "x", "service": "s9", "fix": "bold", "cause_name": "hang", "culprit": "s9"}
    for n in range(40):
        gate.state.open_acts["s9"] = gate.agent.state.open_acts.get("s9") or _open("x", n)
        gate.tell(FixVerified(**about, seconds=1.0))
    act = gate.ask("s1", "bold")
    assert limit(act) == ""
    gate.whole(act, good=False)
    assert limit(gate.ask("s2", "bold")) == "approval"


def _open(incident: str, n: int) -> Any:
    from agents.gate.books import OpenAct

    return OpenAct(f"act{n}", incident, "bold", 0.0, for_exit=False, outcome="done")


def test_luck_earns_no_trust() -> None:
    gate = Gate(autonomy="auto", fixes=(extra_fix("bold", risk="risky"),))
    act = gate.ask("s0", "bold")
    gate.applied(act, "symptom_gone")
    gate.verdict(act, good=True)
    assert gate.state.trust == {}


def test_destructive_fixes_always_ask() -> None:
    gate = Gate(autonomy="auto", fixes=(extra_fix("drop", risk="destructive"),))
    assert limit(gate.ask("s0", "drop")) == "approval"


def test_few_acts_fly_at_once() -> None:
    gate = Gate(10)
    first, _ = gate.ask("s0"), gate.ask("s1")
    assert limit(gate.ask("s2")) == "disruption"
    gate.applied(first)
    assert [act.service for act in gate.tick(1.0)] == ["s2"]


def test_up_to_three_that_are_ill_already_are_treated_at_once() -> None:
    gate = Gate(6)
    for n in range(4):
        gate.tell(HealthChanged(service=f"s{n}", health="unhealthy", symptom="timeout"))
    assert [limit(gate.ask(f"s{n}")) for n in range(4)] == ["", "", "", "disruption"]
    gate.tell(HealthChanged(service="s3", health="healthy"))
    assert limit(gate.ask("s5")) == "disruption", "a healthy one is disrupted alone"


def test_the_cure_of_a_dependency_does_not_wait_for_its_callers() -> None:
    gate = Gate(4)
    services = [replace(s, depends_on=("s1",)) if s.name == "s0" else s for s in gate.world.config.services]
    gate.world.config = replace(gate.world.config, services=tuple(services))
    gate.ask("s0")
    assert limit(gate.ask("s2")) == "disruption"
    assert limit(gate.ask("s1")) == ""


def test_what_is_dead_is_started_however_often_that_was_in_vain() -> None:
    gate = Gate(acts_per_service_per_hour=2, max_recovery_attempts=100)
    gate.exits("s0")
    for n in range(8):
        act = gate.ask("s0", "respawn", at=n * 30.0, symptom="exit")
        assert limit(act) == ""
        gate.whole(act, good=False)
        gate.exits("s0")
    gate.tell(HealthChanged(service="s0", health="unhealthy", incarnation="new", symptom="timeout"))
    assert limit(gate.ask("s0", "respawn", at=250.0)) == "breaker"
    assert limit(gate.ask("s0", "restart", at=251.0)) == "budget"


def test_an_act_that_takes_long_blocks_nobody_for_ever() -> None:
    gate = Gate(4)
    gate.ask("s0", at=0.0)
    assert limit(gate.ask("s1", at=1.0)) == "disruption"
    assert [act.service for act in gate.tick(30.0)] == ["s1"]


def test_of_twenty_that_end_at_once_all_are_respawned_and_staggered() -> None:
    gate = Gate(50)
    for n in range(20):
        gate.exits(f"s{n}")
    answers = [gate.ask(f"s{n}", "respawn", at=0.0, symptom="exit") for n in range(20)]
    started = [answer for answer in answers if isinstance(answer, FixStarted)]
    assert len(started) == 5
    assert {limit(answer) for answer in answers[5:]} == {"stagger"}
    at = 0.0
    while len(started) < 20:
        at += 0.25
        assert at <= 1.0
        for act in started:
            if act.service in gate.state.open_acts and not gate.state.open_acts[act.service].outcome:
                gate.applied(act)
        batch = [event for event in gate.tick(at) if isinstance(event, FixStarted)]
        assert len(batch) <= 5
        started += batch
    assert {act.service for act in started} == {f"s{n}" for n in range(20)}


def test_boots_that_wait_for_a_dead_dependency_do_not_keep_it_dead() -> None:
    gate = Gate(14, depends_on=("s13",))
    for n in range(14):
        gate.exits(f"s{n}")
    for n in range(13):
        assert limit(gate.ask(f"s{n}", "respawn", at=float(n), symptom="exit")) == ""
    assert limit(gate.ask("s13", "respawn", at=13.0, symptom="exit")) == ""


def test_no_limit_is_named_twice() -> None:
    assert len({name for name, _, _ in LIMITS}) == len(LIMITS)


def test_a_late_word_of_the_hands_changes_nothing() -> None:
    gate = Gate()
    gate.tell(FixApplied(incident="old", service="s0", fix="restart", outcome="done"))
    assert gate.state.open_acts == {}


def test_the_state_survives_a_snapshot() -> None:
    gate = Gate()
    gate.ask("s0")
    gate.tell(OperatorCommanded(command="pause"))
    gate.ask("s1")
    assert gate.reloaded() == gate.state


def test_an_incident_that_is_over_gets_no_act() -> None:
    gate = Gate()
    gate.open("a", "s0")
    gate.tell(IncidentClosed(incident="a", service="s0", outcome="passed_by_itself"))
    assert limit(gate.choose("a", "s0")) == "incident_over"


def test_respawns_in_flight_do_not_hold_back_other_acts() -> None:
    gate = Gate(12)
    for n in range(10):
        gate.exits(f"s{n}")
        assert limit(gate.ask(f"s{n}", "respawn", at=float(n), symptom="exit")) == ""
    assert limit(gate.ask("s11", at=10.0)) == ""
    gate.exits("s10")
    assert limit(gate.ask("s10", "respawn", at=11.0, symptom="exit")) == "disruption"


def test_choices_that_may_go_at_the_same_tick_reckon_with_one_another() -> None:
    gate = Gate(4)
    gate.tell(OperatorCommanded(command="pause"))
    for n in range(3):
        gate.ask(f"s{n}")
    gate.tell(OperatorCommanded(command="resume"))
    answers = gate.tick(1.0)
    assert [limit(answer) for answer in answers] == ["", "disruption", "disruption"]


@pytest.mark.parametrize(("interrupted", "refused_by"), [(True, ""), (False, "attempts")])
def test_acts_that_a_new_fault_interrupted_use_up_no_attempt(*, interrupted: bool, refused_by: str) -> None:
    gate = Gate()
    gate.open("i", "s0", "exit")
    gate.exits("s0")
    answer = None
    for _ in range(5):
        answer = gate.choose("i", "s0", "respawn", gate.at + 5.0)
        if not isinstance(answer, FixStarted):
            break
        gate.applied(answer)
        gate.verdict(answer, good=False, interrupted=interrupted)
    assert limit(answer) == refused_by


def test_trust_is_not_lost_by_what_was_interrupted() -> None:
    gate = Gate(fixes=(extra_fix("bold", risk="risky"),), autonomy="auto")
    for n in range(2):
        act = gate.ask("s0", "bold", at=n * 10.0)
        gate.applied(act)
        gate.verdict(act, good=n == 0, interrupted=True)
    [trust] = gate.state.trust.values()
    assert (trust.successes, trust.failures) == (1, 0)
