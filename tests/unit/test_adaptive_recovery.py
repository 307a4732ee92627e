"""Adaptive recovery alone: what it learns from outcomes, when it says so, when it takes it back, and who goes by it."""

from typing import Any

from agents.adaptive_recovery import AdaptiveRecovery
from agents.events import (
    Cause,
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    FixFailed,
    FixStarted,
    FixVerified,
    HealthChanged,
    IncidentClosed,
    IncidentOpened,
    LessonLearned,
)
from agents.incident.state import State as OwnerState
from agents.incident.state import fold_state
from agents.incident.verification import needed_probes
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.lessons import patient
from agents.monitoring.state import State as MonitorState
from agents.monitoring.state import fold as fold_monitor
from config.model import Windows
from tests.fixtures.chain import world_of
from tests.fixtures.lone_agent import LoneAgent

SHOP: dict[str, Any] = {
    "name": "shop",
    "probe": {"type": "http", "url": "http://127.0.0.1:1", "interval_s": 1},
    "caches": ["cache"],
}
FLEET = (SHOP, {"name": "pricing"})
CORRUPT = "state_corruption"


class School(LoneAgent):
    def __init__(self, **sections: Any) -> None:
        self.world = world_of(*FLEET, **sections)
        super().__init__(AdaptiveRecovery(self.world))
        self.n = 0

    def incident(
        self, *tries: tuple[str, bool, float], cause: str = CORRUPT, symptom: str = "bad_status",
        service: str = "shop", after_s: float = 5000.0, passes_s: float = 0.0, interrupted: bool = False,
    ) -> list[LessonLearned]:  # fmt: skip
        """One incident with these acts: (fix, whether it helped, seconds)."""
        self.n += 1
        about: dict[str, Any] = {"incident": f"i{self.n}", "service": service}
        said = self.tell(IncidentOpened(**about, symptom=symptom, reason="r"), self.at + after_s)
        self.tell(CauseFound(**about, best=Cause(cause, service, 0.9)))
        of: dict[str, Any] = {"cause_name": cause, "culprit": service}
        for fix, helped, seconds in tries:
            act = FixStarted(**about, **of, fix=fix, agent="application_recovery", deadline_s=60)
            self.tell(act)
            at = self.at + seconds
            if helped:
                self.tell(FixVerified(**about, **of, fix=fix, seconds=seconds), at)
            else:
                self.tell(FixFailed(**about, **of, fix=fix, reason="r", interrupted=interrupted), at)
        outcome: Any = "healed" if tries else "passed_by_itself"
        return [*said, *self.tell(IncidentClosed(**about, outcome=outcome), self.at + passes_s)]

    def boots(self, *took_s: float, late: bool = False) -> list[LessonLearned]:
        said: list[LessonLearned] = []
        for seconds in took_s:
            more: dict[str, Any] = {"late_boot_s": seconds} if late else {"booted_s": seconds}
            said += self.tell(HealthChanged(service="shop", health="healthy", **more))
        return said

    def learn_that_the_cache_is_to_blame(self) -> LessonLearned:
        for _ in range(9):
            if said := self.incident(("respawn", False, 20.0), ("clear_cache", True, 6.0)):
                return said[0]
        raise AssertionError("it learnt nothing")


# --- which fix first ---


def test_a_fix_that_helped_where_the_usual_one_failed_comes_first() -> None:
    school = School()
    lesson = school.learn_that_the_cache_is_to_blame()
    assert (lesson.topic, lesson.cause_name, lesson.order[0]) == ("ladder", CORRUPT, "clear_cache")
    assert school.n >= 2
    assert lesson.value < lesson.at_most
    assert 0.0 < lesson.low < lesson.high < 1.0
    assert "clear_cache comes before" in lesson.why


def test_too_few_outcomes_teach_nothing() -> None:
    school = School(learning={"min_outcomes": 50})
    for _ in range(9):
        assert school.incident(("respawn", False, 20.0), ("clear_cache", True, 6.0)) == []


def test_a_lesson_is_said_once_until_it_changes() -> None:
    school = School()
    school.learn_that_the_cache_is_to_blame()
    again = [school.incident(("clear_cache", True, 6.0)) for _ in range(5)]
    assert [
        one for said in again for one in said if one.topic == "ladder" and one.order[0] != "clear_cache"
    ] == []
    assert sum(len(said) for said in again) <= 1


def test_a_lesson_that_turned_bad_is_dropped_within_ten_incidents() -> None:
    school = School()
    school.learn_that_the_cache_is_to_blame()
    for _ in range(20):
        school.incident(("clear_cache", True, 6.0))
    for n in range(1, 11):
        said = school.incident(("clear_cache", False, 25.0), ("respawn", True, 4.0))
        if any(one.dropped or one.order[0] != "clear_cache" for one in said if one.topic == "ladder"):
            assert n > 1
            return
    raise AssertionError("it is still in force")


def test_a_relapse_counts_against_the_fix_that_seemed_to_help() -> None:
    """The same trouble is back in a minute each time, so what seemed to heal it did not."""
    honest, fooled = School(), School()
    for _ in range(4):
        honest.incident(("respawn", True, 5.0))
        fooled.incident(("respawn", True, 5.0), after_s=60.0)
    key = f"shop/{CORRUPT}"
    assert honest.agent.state.records[key].rungs["respawn"].helped > 3.0
    assert fooled.agent.state.records[key].rungs["respawn"].helped <= 1.0


def test_what_somebody_struck_is_no_relapse() -> None:
    school = School()
    for _ in range(4):
        school.tell(HealthChanged(service="shop", health="down", symptom="exit", signal=9))
        school.incident(("respawn", True, 5.0), symptom="exit", after_s=60.0)
    assert school.agent.state.records[f"shop/{CORRUPT}"].rungs["respawn"].failed == 0.0


def test_an_interrupted_fix_teaches_nothing() -> None:
    school = School()
    school.incident(("respawn", False, 5.0), interrupted=True)
    record = school.agent.state.records.get(f"shop/{CORRUPT}")
    assert record is None or not record.rungs


def test_a_fix_that_did_harm_is_never_put_first() -> None:
    school = School()
    harm: dict[str, Any] = {"incident": "h", "service": "shop"}
    school.tell(IncidentOpened(**harm, symptom="bad_status", reason="r"))
    school.tell(CauseFound(**harm, best=Cause(CORRUPT, "shop", 0.9)))
    of: dict[str, Any] = {"fix": "clear_cache", "cause_name": CORRUPT, "culprit": "shop"}
    school.tell(FixStarted(**harm, **of, agent="application_recovery", deadline_s=60))
    school.tell(FixFailed(**harm, **of, reason="r", harmful=True))
    school.tell(IncidentClosed(**harm, outcome="healed"))
    said = [school.incident(("respawn", False, 20.0), ("clear_cache", True, 6.0)) for _ in range(9)]
    assert not [one for lessons in said for one in lessons if "clear_cache" in one.order]


def test_a_new_release_halves_what_was_learnt_about_the_last_one() -> None:
    school = School()
    school.learn_that_the_cache_is_to_blame()
    rungs = school.agent.state.records[f"shop/{CORRUPT}"].rungs
    school.tell(ChangeObserved(service="shop", kind="release", what="current", before="1", after="2"))
    after = school.agent.state.records[f"shop/{CORRUPT}"].rungs
    assert after["clear_cache"].helped == rungs["clear_cache"].helped / 2


def test_the_state_survives_a_snapshot() -> None:
    school = School()
    school.learn_that_the_cache_is_to_blame()
    school.boots(25.0, 26.0, 27.0, late=True)
    assert school.reloaded() == school.agent.state


# --- how long to wait ---


def test_how_long_to_wait_is_learnt_from_faults_that_passed() -> None:
    school = School()
    said = [school.incident(cause="traffic_spike", passes_s=8.0 + n) for n in range(6)]
    waits = [one for lessons in said for one in lessons if one.topic == "wait"]
    assert waits
    assert 8.0 <= waits[-1].value <= 16.0
    assert waits[-1].value <= waits[-1].at_most
    assert "passed by themselves" in waits[-1].why


def test_nobody_waits_longer_than_declared() -> None:
    school = School(learning={"wait_at_most_s": 20.0})
    said = [school.incident(cause="traffic_spike", passes_s=50.0) for _ in range(9)]
    assert not [one for lessons in said for one in lessons if one.topic == "wait"]


# --- how long boots take ---


def test_a_service_that_boots_longer_than_declared_is_left_alone_for_longer() -> None:
    [lesson] = School().boots(25.0, 27.0, 26.0, late=True)
    assert lesson.topic == "boot"
    assert 27.0 < lesson.value <= 54.0
    assert lesson.low < 27.0 < lesson.high


def test_boots_within_what_is_declared_teach_nothing() -> None:
    assert School().boots(2.0, 2.5, 2.2, 2.1, 2.3) == []


def test_no_boot_is_left_alone_for_longer_than_the_cap() -> None:
    [lesson] = School(learning={"boot_at_most_s": 30.0}).boots(250.0, 270.0, 260.0, late=True)
    assert lesson.value == 30.0


def test_the_monitor_goes_by_what_was_learnt_of_boots_and_by_the_file_once_it_is_dropped() -> None:
    school = School()
    [lesson] = school.boots(25.0, 27.0, 26.0, late=True)
    shop, state = school.world.config.services[0], MonitorState()
    fold_monitor(state, lesson)
    assert patient(shop, state.taught).start_timeout_s == lesson.value
    fold_monitor(state, LessonLearned(service="shop", topic="boot", dropped=True))
    assert patient(shop, state.taught).start_timeout_s == shop.start_timeout_s


# --- for how long to verify ---


def test_relapses_make_verifying_longer_within_its_bound() -> None:
    school = School(learning={"verify_at_most": 7})
    for _ in range(9):
        said = school.incident(("respawn", True, 5.0), after_s=40.0)
        if lessons := [one for one in said if one.topic == "verify"]:
            assert lessons[0].value == 7
            break
    else:
        raise AssertionError("it learnt nothing")
    state = OwnerState()
    before = needed_probes(school.world.config, state.factor("shop"))
    fold_state(state, lessons[0])
    assert before == Windows().good_probes_to_verify
    assert needed_probes(school.world.config, state.factor("shop")) == 7 * before


def test_healings_that_hold_leave_verifying_as_it_is() -> None:
    school = School()
    said = [school.incident(("respawn", True, 5.0), after_s=4000.0) for _ in range(9)]
    assert not [one for lessons in said for one in lessons if one.topic == "verify"]


# --- switches ---


def test_switched_off_it_drops_all_lessons() -> None:
    school = School()
    school.learn_that_the_cache_is_to_blame()
    school.agent.world = world_of(*FLEET, learning={"adaptive_recovery_enabled": False})
    said = school.tell(ConfigChanged(why="reload", digest="d", services=("shop", "pricing")))
    assert said
    assert all(one.dropped for one in said)
    assert school.agent.state.told == {}


def test_the_lessons_of_a_service_that_left_are_dropped() -> None:
    school = School()
    school.learn_that_the_cache_is_to_blame()
    said = school.tell(ConfigChanged(why="reload", digest="d", services=("pricing",), removed=("shop",)))
    assert [one.dropped for one in said] == [True]
    assert not school.agent.state.records


# --- the selector goes by it ---


def test_the_selector_puts_first_what_was_learnt_and_says_why() -> None:
    desk = LoneAgent(IntelligentFixSelector(world_of(*FLEET)))
    about: dict[str, Any] = {"incident": "i", "service": "shop"}
    found = CauseFound(**about, best=Cause("hang", "shop", 0.9))
    desk.tell(IncidentOpened(**about, symptom="timeout", reason="r"))
    assert desk.tell(found)[0].fix == "kill_restart"
    desk.tell(
        LessonLearned(
            service="shop", topic="ladder", cause_name="hang", order=("restart", "kill_restart"), why="taught"
        )
    )
    desk.tell(IncidentOpened(incident="j", service="shop", symptom="timeout", reason="r"))
    [chosen] = desk.tell(CauseFound(incident="j", service="shop", best=Cause("hang", "shop", 0.9)))
    assert chosen.fix == "restart"
    assert "taught" in chosen.why


def test_a_lesson_cannot_bring_in_a_fix_that_does_not_apply() -> None:
    desk = LoneAgent(IntelligentFixSelector(world_of(*FLEET)))
    desk.tell(
        LessonLearned(
            service="shop", topic="ladder", cause_name="hang", order=("restore_database", "respawn")
        )
    )
    desk.tell(IncidentOpened(incident="i", service="shop", symptom="timeout", reason="r"))
    [chosen] = desk.tell(CauseFound(incident="i", service="shop", best=Cause("hang", "shop", 0.9)))
    assert chosen.fix == "kill_restart"
