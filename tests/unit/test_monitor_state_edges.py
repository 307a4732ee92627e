"""What the monitor remembers, where a fact says little or comes late."""

from agents.events import (
    ChangeObserved,
    Event,
    EventQuarantined,
    FixApplied,
    FixesExhausted,
    FixStarted,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentRetried,
    ObservationResumed,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
)
from agents.monitoring.state import Life, State, fold
from analysis.warm_up import Boot


def after(*facts: Event) -> State:
    state = State()
    for fact in facts:
        fold(state, fact)
    return state


HEALTHY = HealthChanged(service="shop", health="healthy", incarnation="a", release="v1")


def test_a_word_without_a_life_or_release_leaves_the_known_ones() -> None:
    state = after(HEALTHY, HealthChanged(service="shop", health="unhealthy"))
    assert state.lives["shop"] == Life("a", "unhealthy")
    assert state.releases == state.proved == {"shop": "v1"}
    assert after(HealthChanged(service="shop", health="unhealthy", release="v2")).proved == {}
    assert after(HealthChanged(service="shop", health="healthy")).proved == {}


def test_the_last_boots_that_came_to_a_good_end_are_kept() -> None:
    good = [
        HealthChanged(service="shop", health="healthy", booted_s=float(n), answered_s=0.5)
        for n in range(1, 10)
    ]
    state = after(*good, HealthChanged(service="shop", health="healthy"))
    assert state.warmups == {"shop": tuple(Boot(float(n), 0.5) for n in range(2, 10))}


def test_a_life_that_ended_starts_anew_even_under_its_old_mark() -> None:
    again = ServiceStarted(service="shop", incarnation="a", pid=1)
    down = HealthChanged(service="shop", health="down", incarnation="a")
    assert after(HEALTHY, down, again).lives["shop"] == Life("a", "starting")
    stopped = OperatorCommanded(command="stop", service="shop")
    assert after(HEALTHY, stopped, again).lives["shop"] == Life("a", "healthy", stopped=False)


def test_a_stop_keeps_what_was_known_and_other_commands_stop_nobody() -> None:
    assert after(HEALTHY, ServiceStopped(service="shop", why="changed")).lives["shop"].incarnation == "a"
    for command, name in (("pause", "shop"), ("stop", ""), ("shutdown", "")):
        told = OperatorCommanded(command=command, service=name)  # type: ignore[arg-type]
        assert after(HEALTHY, told).lives == {"shop": Life("a", "healthy")}
    pause = OperatorCommanded(command="pause", service="shop")
    assert after(HEALTHY, OperatorCommanded(command="stop", service="shop"), pause).life("shop").stopped


def test_only_a_change_of_the_release_changes_the_release() -> None:
    for kind, release in (("config", "v1"), ("release", "v2")):
        change = ChangeObserved(service="shop", kind=kind, what="w", after="v2")  # type: ignore[arg-type]
        assert after(HEALTHY, change).releases == {"shop": release}


ACT = FixStarted(
    id="act", service="shop", incident="i", fix="respawn", agent="application_recovery", cause_name="x",
    culprit="shop", deadline_s=9,
)  # fmt: skip


def test_an_act_goes_on_while_another_agent_fails_on_its_event() -> None:
    lost = EventQuarantined(agent="notifier", event="act", error="")
    assert list(after(ACT, lost).acts) == ["shop"]


def test_an_act_ends_with_the_word_about_it_and_with_none_about_the_one_before() -> None:
    about = {"service": "shop", "incident": "i", "fix": "respawn"}
    assert list(after(ACT, FixApplied(**about, outcome="failed", cause="before")).acts) == ["shop"]
    assert after(ACT, FixApplied(**about, outcome="failed", cause="act")).acts == {}
    assert after(FixApplied(**about, outcome="done", cause="act")).acts == {}


def test_words_about_incidents_that_are_over_and_facts_of_others_change_nothing() -> None:
    opened = IncidentOpened(service="shop", incident="i", symptom="exit", reason="")
    assert after(opened, IncidentClosed(service="shop", incident="i", outcome="healed")).incidents == {}
    about = {"service": "shop", "incident": "gone", "reason": ""}
    assert after(IncidentEscalated(**about), IncidentRetried(**about, round=1)) == State()
    assert after(FixesExhausted(**about)) == State()


def test_the_boot_of_the_machine_is_kept_over_a_gap() -> None:
    resumed = (ObservationResumed(why="start", boot_id="b1"), ObservationResumed(gap_s=9.0))
    assert after(*resumed).boot_id() == "b1"
