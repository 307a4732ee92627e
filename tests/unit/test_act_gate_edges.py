"""The limits of the act gate at their edges, and late on the clock, where a wrong sign shows."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.events import (
    FixApplied,
    FixFailed,
    FixStarted,
    FixVerified,
    HealthChanged,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
)
from agents.gate.books import OpenAct
from agents.gate.pardon import PARDONS, pardoned
from agents.gate.suspicion import Suspicion
from tests.fixtures.gate import Gate, extra_fix, limit
from utils.event import Fact

LATE = 1_000_000.0


def late_gate(count: int = 6, **options: Any) -> Gate:
    gate = Gate(count, **options)
    gate.at = LATE
    return gate


def cut(gate: Gate, count: int) -> None:
    for n in range(count):
        gate.probe(f"s{n}", ok=False)


def depends(gate: Gate, name: str, *on: str) -> None:
    services = [replace(s, depends_on=on) if s.name == name else s for s in gate.world.config.services]
    gate.world.config = replace(gate.world.config, services=tuple(services))


# --- pauses, trust ---


def test_a_pause_of_one_service_holds_no_other() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", service="s1"))
    assert limit(gate.ask("s1")) == "paused"
    assert limit(gate.ask("s0")) == ""
    gate.tell(OperatorCommanded(command="resume", service="s1"))
    assert [event.service for event in gate.tick(100.0)] == ["s1"]


def successes(gate: Gate, count: int) -> None:
    for n in range(count):
        gate.state.open_acts["s9"] = OpenAct(f"a{n}", "x", "bold", 0.0, for_exit=False, outcome="done")
        gate.tell(
            FixVerified(incident="x", service="s9", fix="bold", cause_name="hang", culprit="s9", seconds=1.0)
        )


def test_ten_successes_without_a_failure_earn_trust_and_nine_do_not() -> None:
    gate = Gate(fixes=(extra_fix("bold", risk="risky"),))
    successes(gate, 9)
    assert limit(gate.ask("s0", "bold")) == "approval"
    successes(gate, 1)
    assert limit(gate.ask("s1", "bold")) == ""


def test_after_a_failure_it_takes_more_than_before() -> None:
    gate = Gate(fixes=(extra_fix("bold", risk="risky"),))
    about = {"incident": "x", "service": "s9", "fix": "bold", "cause_name": "hang", "culprit": "s9"}
    gate.tell(FixFailed(**about, reason="r"))
    successes(gate, 15)
    assert limit(gate.ask("s1", "bold")) == "approval"
    successes(gate, 1)
    assert limit(gate.ask("s2", "bold")) == ""


# --- budgets, breaker, pauses between acts ---


def test_a_fix_that_does_more_than_start_rests_after_three_failures_even_where_it_is_dead() -> None:
    gate = Gate(release={"current": "current"})
    for n in range(3):
        gate.exits("s0")
        gate.whole(gate.ask("s0", "rollback_release", at=n * 10.0, symptom="exit"), good=False)
    gate.exits("s0")
    assert limit(gate.ask("s0", "rollback_release", symptom="exit")) == "breaker"


def test_failures_of_more_than_an_hour_ago_let_no_fix_rest() -> None:
    gate = late_gate()
    for at in (0.0, 3000.0, 3100.0):
        gate.whole(gate.ask("s0", at=LATE + at), good=False)
    assert limit(gate.ask("s0", at=LATE + 3599.0)) == "breaker"
    assert limit(gate.ask("s0", at=LATE + 3600.0)) == ""


def test_the_budget_of_a_service_is_free_again_after_an_hour_to_the_second() -> None:
    gate = late_gate(acts_per_service_per_hour=1)
    gate.whole(gate.ask("s0"), good=False)
    assert limit(gate.ask("s0", at=LATE + 3599.9)) == "budget"
    assert [type(event) for event in gate.tick(LATE + 3600.0)] == [FixStarted]


def test_the_budget_of_all_counts_neither_respawns_nor_what_is_an_hour_old() -> None:
    gate = late_gate(acts_per_hour=2)
    for n in range(2):
        gate.exits(f"s{n}")
        gate.whole(gate.ask(f"s{n}", "respawn", at=LATE + n, symptom="exit"), good=False)
    for n in range(2, 4):
        gate.whole(gate.ask(f"s{n}", at=LATE + n), good=False)
    assert limit(gate.ask("s4", at=LATE + 10.0)) == "budget"
    assert limit(gate.ask("s5", at=LATE + 3601.0)) == "budget"
    assert limit(gate.ask("s5", at=LATE + 3602.0)) == "", "the first of two is an hour old"


def test_after_another_incidents_act_a_choice_waits_half_a_minute_to_the_second() -> None:
    gate = late_gate(20)
    act = gate.ask("s0")
    gate.open("other", "s1")
    gate.choose("other", "s0", "restart")
    gate.at = ended_at = LATE + 5.0
    gate.applied(act)
    gate.verdict(act, good=False)
    [refused] = gate.tick(ended_at + 1.0)
    assert refused.limit == "just_acted"
    assert gate.tick(ended_at + 29.9) == []
    assert [type(event) for event in gate.tick(ended_at + 30.0)] == [FixStarted]


def test_the_next_choice_of_the_same_incident_need_not_wait() -> None:
    gate = Gate()
    act = gate.ask("s0")
    assert limit(gate.choose(act.incident, "s0", "restart")) == "open_act"
    gate.at += 1.0
    gate.applied(act)
    gate.verdict(act, good=False)
    assert [(type(event), event.fix) for event in gate.tick(gate.at)] == [(FixStarted, "restart")]


def test_a_fix_cools_down_late_on_the_clock_too() -> None:
    gate = late_gate(fixes=(extra_fix("cool", cooldown_s=50.0),))
    gate.whole(gate.ask("s0", "cool"), good=True)
    assert limit(gate.ask("s0", "cool", at=LATE + 49.0)) == "cooldown"


def test_an_act_in_flight_counts_for_thirty_seconds() -> None:
    gate = late_gate(4)
    gate.ask("s0")
    assert limit(gate.ask("s1", at=LATE + 29.9)) == "disruption"
    assert [act.service for act in gate.tick(LATE + 30.0)] == ["s1"]


@pytest.mark.parametrize("verdict", [FixFailed, FixVerified])
def test_the_synthetic_incident_is_on_nobodys_record(verdict: Any) -> None:
    gate = late_gate()
    about = {"incident": "i", "service": "nightwarden:canary", "fix": "restart"}
    cause: dict[str, Any] = {"cause_name": "hang", "culprit": "nightwarden:canary"}
    gate.agent.apply(FixStarted(id="act", at=LATE, agent="a", deadline_s=9.0, **about, **cause))
    assert list(gate.state.open_acts) == ["nightwarden:canary"]
    more: dict[str, Any] = {"seconds": 1.0} if verdict is FixVerified else {"reason": "r"}
    gate.agent.apply(verdict(at=LATE + 1, **about, **cause, **more))
    state = gate.state
    assert state.open_acts == state.spent == state.started == state.failed == state.trust == {}


# --- suspicion ---


@pytest.mark.parametrize(
    "news",
    [
        ServiceStarted(service="s3", incarnation="new", pid=1),
        ServiceStopped(service="s3", why="changed"),
        FixApplied(incident="x", service="s3", fix="restart", outcome="done"),
        HealthChanged(service="s3", health="starting"),
        HealthChanged(service="s3", health="healthy"),
        OperatorCommanded(command="stop", service="s3"),
    ],
)
def test_what_a_former_life_answered_is_no_witness(news: Fact) -> None:
    gate = Gate(10)
    cut(gate, 4)
    gate.tell(news)
    assert limit(gate.ask("s0")) == ""


@pytest.mark.parametrize("health", ["unhealthy", "unknown"])
def test_the_opinion_of_our_own_probes_changes_no_doubt(health: Any) -> None:
    gate = Gate(10)
    cut(gate, 4)
    gate.tell(HealthChanged(service="s3", health=health))
    assert limit(gate.ask("s0")) == "suspicion"


def test_a_dependency_that_answers_takes_no_caller_from_the_witnesses() -> None:
    gate = Gate(6, depends_on=("s5",))
    cut(gate, 5)
    assert limit(gate.ask("s0")) == "suspicion"


def test_callers_of_callers_are_no_witnesses_either() -> None:
    gate = Gate(6)
    depends(gate, "s1", "s4")
    depends(gate, "s4", "s0")  # which answers: it can do without
    cut(gate, 4)
    assert limit(gate.ask("s0")) == ""
    gate.world.config = Gate(6).world.config
    assert limit(gate.ask("s1")) == "suspicion", "four that do not need one another"


def test_probes_that_say_nothing_are_no_witnesses() -> None:
    gate = Gate(8)
    cut(gate, 3)
    for n in range(3, 8):
        gate.probe(f"s{n}", ok=None)
    assert limit(gate.ask("s0")) == ""


def test_who_has_no_probe_cannot_outvote_those_who_have() -> None:
    gate = Gate(20)
    services = [replace(s, probe=None) if n >= 8 else s for n, s in enumerate(gate.world.config.services)]
    gate.world.config = replace(gate.world.config, services=tuple(services))
    cut(gate, 4)
    assert limit(gate.ask("s0")) == "suspicion"


def test_who_has_no_probe_waits_only_while_the_doubt_lasts() -> None:
    watch, gate = Suspicion(), Gate(10)
    lone = replace(gate.world.config.services[9], probe=None)
    watch.failing = {f"s{n}" for n in range(5)}
    watch.look(gate.world.config, (), LATE)
    assert "5 of 10" in watch.reason(lone, LATE, LATE)
    assert watch.reason(lone, LATE, LATE + 0.5) == ""


# --- ends that say nothing against the act ---


def failed(at: float, *, interrupted: bool = True) -> FixFailed:
    about = {"service": "s0", "fix": "respawn", "cause_name": "crash", "culprit": "s0", "reason": "r"}
    return FixFailed(at=at, interrupted=interrupted, **about)


def test_only_what_was_interrupted_is_pardoned() -> None:
    assert pardoned(failed(LATE), ())
    assert not pardoned(failed(LATE, interrupted=False), ())


def test_a_pardoned_act_is_off_the_budget_and_so_is_no_other() -> None:
    gate = late_gate(acts_per_service_per_hour=2)
    gate.whole(gate.ask("s0"), good=False)
    gate.exits("s0")
    act = gate.ask("s0", "respawn", symptom="exit")
    gate.applied(act)
    gate.at += 9.0
    gate.verdict(act, good=False, interrupted=True)
    assert [spent.id for spent in gate.state.spent["s0"]] == [gate.said[0].id]


def test_whoever_kills_all_the_time_is_pardoned_no_more_until_an_hour_has_passed() -> None:
    often = [LATE - 3599.0] * PARDONS
    assert not pardoned(failed(LATE), often)
    assert pardoned(failed(LATE), often[1:])
    assert pardoned(failed(LATE + 1.0), often)
