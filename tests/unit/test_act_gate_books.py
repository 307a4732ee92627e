"""What the act gate remembers: whose act is open, what was used up, who is dead, stopped or paused."""

import pytest

from agents.events import (
    ConfigChanged,
    EventQuarantined,
    FixApplied,
    FixChosen,
    FixFailed,
    FixRefused,
    FixStarted,
    FixVerified,
    Health,
    HealthChanged,
    IncidentClosed,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StorageChanged,
    Symptom,
    Tick,
)
from agents.gate.books import Trust
from tests.fixtures.gate import Gate, limit

LATE = 1_000_000.0


def failed(act: FixStarted, **other: str) -> FixFailed:
    about = {"incident": act.incident, "service": act.service, "fix": act.fix, **other}
    return FixFailed(**about, cause_name="hang", culprit=act.service, reason="r")


def verified(act: FixStarted, **other: str) -> FixVerified:
    about = {"incident": act.incident, "service": act.service, "fix": act.fix, **other}
    return FixVerified(**about, cause_name="hang", culprit=act.service, seconds=1.0)


def health(name: str, what: Health, incarnation: str = "", symptom: Symptom = "") -> HealthChanged:
    return HealthChanged(service=name, health=what, incarnation=incarnation, symptom=symptom)


# --- deciding changes nothing ---


def test_deciding_on_what_waits_leaves_the_books_alone() -> None:
    gate = Gate(20)
    gate.tell(OperatorCommanded(command="pause"))
    gate.ask("s0")
    gate.ask("s1")
    gate.tell(OperatorCommanded(command="resume"))
    before = gate.reloaded()
    assert [type(event) for event in gate.agent.handle(Tick(at=1.0))] == [FixStarted, FixStarted]
    assert gate.state == before


def test_one_that_is_refused_takes_no_room_from_the_next() -> None:
    gate = Gate(4)
    gate.tell(OperatorCommanded(command="pause"))
    gate.ask("s0")
    gate.ask("s1")
    gate.tell(OperatorCommanded(command="stop", service="s0"))
    gate.tell(OperatorCommanded(command="resume"))
    refused, started = gate.tick(1.0)
    assert (limit(refused), refused.service) == ("stopped", "s0")
    assert (limit(started), started.service) == ("", "s1")


def test_who_asks_is_told_what_waits_and_why() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause"))
    gate.ask("s0")
    assert [(pending.choice.service, pending.limit) for pending in gate.agent.waiting()] == [("s0", "paused")]


def test_a_refusal_of_what_nobody_chose_is_no_trouble() -> None:
    gate = Gate()
    gate.agent.apply(FixRefused(incident="gone", service="s0", fix="restart", limit="paused", reason="r"))
    assert gate.state.pending == {}


# --- one open act per target ---


def test_the_late_word_of_the_hands_about_an_act_before_is_none_about_this_one() -> None:
    gate = Gate()
    before = gate.ask("s0")
    gate.verdict(before, good=False)
    gate.choose(before.incident, "s0")
    gate.applied(before)
    assert gate.state.open_acts["s0"].outcome == ""


@pytest.mark.parametrize("other", [{"incident": "another"}, {"fix": "restart"}])
def test_a_verdict_on_another_act_ends_nothing(other: dict[str, str]) -> None:
    gate = Gate()
    act = gate.ask("s0")
    gate.tell(verified(act, **other))
    gate.tell(failed(act, **other))
    assert limit(gate.ask("s0", at=100.0)) == "open_act"
    assert [spent.id for spent in gate.state.spent["s0"]] == [act.id]


def test_a_verdict_without_an_act_earns_nothing() -> None:
    gate = Gate()
    gate.tell(
        FixVerified(incident="x", service="s0", fix="restart", cause_name="hang", culprit="s0", seconds=1)
    )
    assert gate.state.trust == {}


def test_the_end_of_an_incident_ends_only_its_own_act_and_only_once_applied() -> None:
    gate = Gate(20)
    mine, other = gate.ask("s0"), gate.ask("s1")
    gate.applied(mine)
    gate.close(mine)
    assert list(gate.state.open_acts) == ["s1"]
    gate.applied(other)
    assert gate.state.open_acts["s1"].outcome == "done", "its own incident goes on: a verdict is due"


def test_an_act_goes_on_while_its_hands_fail_on_something_else() -> None:
    gate = Gate()
    act = gate.ask("s0")
    gate.tell(EventQuarantined(agent="application_recovery", event="another", error="e"))
    assert gate.state.open_acts["s0"].id == act.id


# --- what was used up ---


def test_a_good_act_takes_back_itself_and_no_other() -> None:
    gate = Gate(acts_per_service_per_hour=2)
    for good in (False, True, False):
        gate.whole(gate.ask("s0", at=gate.at + 10.0), good=good)
    assert limit(gate.ask("s0", "restart")) == "budget"


def test_nothing_is_kept_of_a_good_act() -> None:
    gate = Gate()
    gate.whole(gate.ask("s0"), good=True)
    assert gate.state.spent == {}


def test_what_is_older_than_an_hour_is_let_go() -> None:
    gate = Gate()
    for at in (LATE, LATE + 10.0, LATE + 3600.0):
        gate.whole(gate.ask("s0", at=at), good=False)
    assert [spent.at for spent in gate.state.spent["s0"]] == [LATE + 10.0, LATE + 3600.0]
    assert gate.state.failed["s0 kill_restart"] == (LATE + 10.0, LATE + 3600.0)


def test_trust_counts_each_success_and_starts_anew_with_a_failure() -> None:
    gate = Gate()
    for good in (True, True):
        gate.whole(gate.ask("s0"), good=good)
    assert gate.state.trust == {"hang kill_restart": Trust(2, 0, 2)}
    for good in (False, True, False):
        gate.whole(gate.ask("s0"), good=good)
    assert gate.state.trust == {"hang kill_restart": Trust(0, 2)}


def test_waiting_is_no_act_and_leaves_no_record() -> None:
    gate = Gate()
    before = gate.reloaded()
    for verdict in (failed, verified):
        wait = gate.ask("s0", "wait")
        gate.tell(verdict(wait))
        gate.close(wait)
    assert gate.state == before


# --- who is dead, ill, stopped, paused ---


@pytest.mark.parametrize(
    "news",
    [health("s0", "unhealthy", "s0-old"), health("s0", "unhealthy"), health("s0", "starting", "s0-new"),
     health("s0", "unknown", "s0-old")],
)  # fmt: skip
def test_an_end_that_we_saw_stays_a_fact_until_a_new_life_proves_itself(news: HealthChanged) -> None:
    gate = Gate()
    gate.exits("s0")
    gate.tell(news)
    assert gate.ask("s0", "respawn") and gate.state.open_acts["s0"].for_exit


@pytest.mark.parametrize(
    "news",
    [health("s0", "healthy", "s0-new"), health("s0", "unhealthy", "s0-new"), health("s0", "stopped"),
     ServiceStopped(service="s0", why="unused")],
)  # fmt: skip
def test_an_end_is_over_with_a_new_life_or_a_stop(news: HealthChanged | ServiceStopped) -> None:
    gate = Gate()
    gate.exits("s0")
    gate.tell(news)
    assert gate.state.exits == {}


@pytest.mark.parametrize("news", [health("s0", "stopped", "a", "exit"), health("s0", "down", "a", "refused")])
def test_only_an_end_in_trouble_is_a_fact_to_act_on(news: HealthChanged) -> None:
    gate = Gate()
    gate.tell(news)
    assert gate.state.exits == {}


def test_who_is_ill_stays_so_while_nobody_knows_and_until_it_is_well() -> None:
    gate = Gate()
    gate.tell(health("s0", "starting"))
    assert gate.state.ill == {}
    gate.tell(health("s0", "unhealthy"))
    gate.tell(health("s0", "unknown"))
    assert gate.state.ill == {"s0": "unhealthy"}
    gate.tell(health("s0", "healthy"))
    assert gate.state.ill == {}


def test_an_act_names_the_life_that_it_was_meant_for() -> None:
    gate = Gate()
    gate.tell(ServiceStarted(service="s0", incarnation="first", pid=1))
    gate.tell(health("s0", "unhealthy"))
    act = gate.ask("s0")
    assert act.incarnation == "first"
    about = {"incident": act.incident, "service": "s0", "fix": act.fix, "outcome": "done"}
    gate.tell(FixApplied(**about, incarnation="second"))
    gate.verdict(act, good=True)
    gate.tell(FixApplied(**about))
    assert gate.ask("s0").incarnation == "second"


def test_the_patience_of_the_choice_goes_along() -> None:
    gate = Gate()
    gate.open("a", "s0")
    choice = FixChosen(
        incident="a", service="s0", fix="respawn", cause_name="crash", culprit="s0", probability=0.5, why="w",
        patience_boots=3,
    )  # fmt: skip
    assert [act.patience_boots for act in gate.tell(choice)] == [3]


@pytest.mark.parametrize("why", ["operator", "removed", "unused"])
def test_what_was_stopped_on_purpose_stays_so(why: str) -> None:
    gate = Gate()
    gate.tell(ServiceStopped(service="s0", why=why))
    assert limit(gate.ask("s0")) == "stopped"


@pytest.mark.parametrize("why", ["shutdown", "changed"])
def test_a_stop_for_a_start_is_none(why: str) -> None:
    gate = Gate()
    gate.tell(ServiceStopped(service="s0", why=why))
    assert limit(gate.ask("s0")) == ""


def test_a_service_that_comes_back_into_the_configuration_is_healed_again() -> None:
    gate = Gate()
    gate.tell(ServiceStopped(service="s0", why="removed"))
    gate.tell(ConfigChanged(digest="d", why="reload", added=("s0",)))
    assert limit(gate.ask("s0")) == ""


def test_a_removed_service_leaves_no_pause_and_no_illness_behind() -> None:
    gate = Gate()
    empty = gate.reloaded()
    gate.tell(health("s0", "down", "a", "exit"))
    gate.tell(OperatorCommanded(command="pause", service="s0"))
    gate.tell(ConfigChanged(digest="d", why="reload", removed=("s0",)))
    assert gate.state == empty


def test_only_a_start_ends_what_ended_with_the_last_life() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="shutdown"))
    gate.tell(StorageChanged(ok=False, problem="disk full"))
    gate.tell(ConfigChanged(digest="d", why="reload"))
    assert limit(gate.ask("s0")) == "paused"
    assert gate.state.storage == {"": "disk full"}
    gate.tell(ConfigChanged(digest="d", why="start"))
    assert limit(gate.ask("s1")) == ""
    assert gate.state.storage == {}


def test_a_refusal_says_who_paused_and_what_the_disk_suffers_from() -> None:
    gate = Gate()
    gate.tell(OperatorCommanded(command="pause", by="anna"))
    assert "anna" in gate.ask("s0").reason
    gate.tell(OperatorCommanded(command="pause"))
    assert "an operator" in gate.ask("s1").reason
    for problem, told in (("disk full", "disk full"), ("", "cannot be written")):
        gate.tell(StorageChanged(ok=False, problem=problem))
        assert told in gate.state.storage[""]


def test_a_closed_incident_counts_for_nothing_more() -> None:
    gate = Gate()
    act = gate.ask("s0")
    gate.tell(IncidentClosed(incident=act.incident, service="s0", outcome="withdrawn"))
    assert gate.state.cases == {}
