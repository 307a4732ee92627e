"""What application recovery remembers of each service, and what it concludes from that."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.events import (
    Cause,
    CauseFound,
    ChangeObserved,
    ConfigChanged,
    FixStarted,
    FixVerified,
    HealthChanged,
    OperatorCommanded,
    ServiceStarted,
    ServiceStopped,
    StartRetried,
)
from agents.recovering.state import (
    GOOD_RELEASES,
    HEALTHY_HOUR_S,
    Boots,
    Found,
    InForce,
    Ledger,
    Life,
    Releases,
    Seen,
    State,
    fold,
    found_of,
)
from config.fixes import load_fixes
from config.model import Config, Release
from config.world import World
from tests.fixtures.recovery_stage import FakeProcesses, service
from utils.event import Event

LATE = 1_000_000.0


def after(*facts: Event) -> State:
    state = State()
    for fact in facts:
        fold(state, fact)
    return state


def health(what: Any, incarnation: str = "a", at: float = LATE, **more: Any) -> HealthChanged:
    return HealthChanged(service="shop", health=what, incarnation=incarnation, at=at, **more)


def started(incarnation: str = "a", section: str = "") -> ServiceStarted:
    return ServiceStarted(service="shop", incarnation=incarnation, pid=1, section=section)


def retried(act: str, boot: int = 1) -> StartRetried:
    return StartRetried(service="shop", cause=act, boot=boot, wait_s=1.0, reason="r")


# --- boots that failed ---


def test_failed_boots_are_counted_in_a_row_and_for_each_act() -> None:
    state = after(retried("act1"), retried("act1", 2), retried("act1", 3))
    assert state.boots == {"shop": Boots(3, "act1", 3)}
    fold(state, retried("act2", 4))
    assert state.boots == {"shop": Boots(4, "act2", 1)}
    fold(state, FixVerified(service="shop", fix="respawn", cause_name="crash", culprit="shop", seconds=1.0))
    assert state.boots == {}


@pytest.mark.parametrize(
    ("was", "lasted_s", "forgotten"),
    [("healthy", HEALTHY_HOUR_S, True), ("healthy", HEALTHY_HOUR_S - 1, False), ("unhealthy", 9e9, False)],
)
def test_only_a_healthy_hour_forgets_failed_boots(was: str, lasted_s: float, *, forgotten: bool) -> None:
    state = after(retried("act"), health(was), health("down", at=LATE + lasted_s))
    assert (state.boots == {}) is forgotten


def test_being_healthy_goes_on_until_another_life_or_word() -> None:
    state = after(retried("act"), health("healthy"), health("healthy", at=LATE + 3000))
    assert state.health["shop"].at == LATE, "said again, by a daemon that started anew, it began no later"
    fold(state, health("healthy", "b", at=LATE + 3001))
    assert state.health["shop"] == Seen("healthy", "b", LATE + 3001)
    fold(state, health("down", "b", at=LATE + 3002))
    fold(state, health("down", "b", at=LATE + 3003))
    assert state.health["shop"] == Seen("down", "b", LATE + 3003)
    assert state.boots != {}


# --- lives ---


def test_a_life_keeps_its_section_and_who_saw_it() -> None:
    state = after(started("a", "s1"))
    assert state.lives["shop"] == Life("a", "s1", seen=False)
    fold(state, health("starting"))
    assert state.lives["shop"] == Life("a", "s1", seen=True)
    fold(state, started("a"))
    assert state.lives["shop"] == Life("a", "s1", seen=True), "adopted: with which section is known better"
    fold(state, started("a", "s2"))
    assert state.lives["shop"] == Life("a", "s2", seen=True)


def test_the_next_life_is_not_yet_seen_and_has_no_section_but_its_own() -> None:
    before = (started("a", "s1"), health("healthy"))
    assert after(*before, started("b")).lives["shop"] == Life("b", "", seen=False)
    assert after(*before, health("starting", "b")).lives["shop"] == Life("b", "", seen=True)


def test_what_has_stopped_has_no_life() -> None:
    assert after(health("stopped")).lives == {}
    assert after(started(), ServiceStopped(service="shop", why="operator")).lives == {}


def test_only_a_shutdown_makes_nobody_seen() -> None:
    seen = (started("a", "s1"), health("healthy"))
    assert after(*seen, OperatorCommanded(command="pause")).lives["shop"].seen
    assert after(*seen, OperatorCommanded(command="shutdown")).lives["shop"] == Life("a", "s1", seen=False)


@pytest.mark.parametrize("why", ["removed", "unused"])
def test_nothing_is_kept_of_what_left_the_configuration(why: Any) -> None:
    facts = (
        started(),
        health("healthy", release="v1"),
        retried("act"),
        OperatorCommanded(command="stop", service="shop"),
        OperatorCommanded(command="pause", service="shop"),
        CauseFound(incident="i", best=Cause("crash", "shop", 0.9)),
    )
    assert after(*facts, ServiceStopped(service="shop", why=why)) == State()
    assert after(*facts, ServiceStopped(service="shop", why="operator")).stopped != {}


def test_the_configuration_in_force_is_the_last_that_was_not_refused() -> None:
    refused = ConfigChanged(id="c2", digest="d", why="refused")
    assert after(ConfigChanged(id="c1", digest="d"), refused).config == {"": InForce("c1")}


# --- releases ---


def released(before: str, after: str = "v9") -> ChangeObserved:
    return ChangeObserved(service="shop", kind="release", what="current", before=before, after=after)


def test_the_good_releases_are_those_with_which_it_was_healthy() -> None:
    state = after(health("healthy", release="v1"), health("unhealthy", release="v2"), health("healthy", "b"))
    assert state.releases == {"shop": Releases(("v1",))}


def test_the_last_good_release_stands_last_and_only_some_are_kept() -> None:
    versions = [f"v{n}" for n in range(GOOD_RELEASES + 1)]
    state = after(*(health("healthy", release=version) for version in [*versions, "v3"]))
    assert state.releases["shop"].good == ("v1", "v2", "v4", "v5", "v6", "v7", "v8", "v3")


def test_a_release_that_was_left_while_healthy_was_good_and_one_left_in_trouble_was_not() -> None:
    assert after(health("healthy"), released("releases/v1/")).releases["shop"].good == ("v1",)
    for trouble in ("unhealthy", "down"):
        good = health("healthy", release="v1")
        state = after(good, health("healthy", release="v2"), health(trouble), released("v2"))
        assert state.releases["shop"].good == ("v1",)


@pytest.mark.parametrize(
    "facts",
    [(released("v1"),), (health("starting"), released("v1")), (health("healthy"), released(""))],
)
def test_of_a_release_that_nobody_judged_nothing_is_said(facts: tuple[Event, ...]) -> None:
    assert after(*facts).releases == {}


# --- the ledger: what is known, read against what lives ---


class Desk:
    def __init__(self, **more: Any) -> None:
        services = (
            service("shop", depends_on=("model", "stock"), **more),
            service("model"),
            service("stock"),
        )
        self.processes = FakeProcesses()
        self.state = State()
        world = World(Config(services=services), load_fixes())
        self.ledger = Ledger(world, self.processes, lambda: self.state)


def test_missing_are_the_dependencies_that_are_known_not_to_be_healthy() -> None:
    desk = Desk()
    assert desk.ledger.missing("shop") == ()
    desk.state.health = {"model": Seen("healthy", "m", 0.0), "stock": Seen("down", "s", 0.0)}
    assert desk.ledger.missing("shop") == ("stock",)
    desk.ledger.hear(HealthChanged(service="model", health="unhealthy"))
    assert desk.ledger.missing("shop") == ("model", "stock"), (
        "what was just heard comes before what is folded"
    )
    desk.ledger.forget("model")
    assert desk.ledger.missing("shop") == ("stock",)
    assert desk.ledger.missing("stranger") == ()


async def test_healthy_is_whose_living_life_was_called_so() -> None:
    desk = Desk()
    assert not desk.ledger.is_healthy("shop")
    desk.state.health["shop"] = Seen("healthy", "a", 0.0)
    assert not desk.ledger.is_healthy("shop"), "nothing lives"
    desk.processes.put("shop", "a")
    assert desk.ledger.is_healthy("shop")
    for word in (Seen("unhealthy", "a", 0.0), Seen("healthy", "b", 0.0)):
        desk.state.health["shop"] = word
        assert not desk.ledger.is_healthy("shop")
    desk.state.health["shop"] = Seen("healthy", "", 0.0)
    assert desk.ledger.is_healthy("shop")


async def test_the_section_of_a_life_is_that_of_no_other() -> None:
    desk = Desk()
    assert desk.ledger.section_of("shop") == ""
    desk.state.lives["shop"] = Life("a", "s1")
    assert desk.ledger.section_of("shop") == "s1"
    desk.processes.put("shop", "a")
    assert desk.ledger.section_of("shop") == "s1"
    desk.processes.put("shop", "b")
    assert desk.ledger.section_of("shop") == ""


ACT = FixStarted(
    id="act", service="shop", incident="i", fix="respawn", agent="application_recovery", cause_name="crash",
    culprit="shop", deadline_s=9.0, at=LATE,
)  # fmt: skip
DEPLOY = Found("i", "bad_deploy", LATE + 1)


def outdated(act: FixStarted, found: Found | None, **more: Any) -> bool:
    release = {"release": Release(current="current"), **more}
    return bool(Desk(**release).ledger.outdated(act, found))


def test_an_act_gives_way_to_a_later_cause_with_a_fix_of_its_own() -> None:
    assert outdated(ACT, DEPLOY)


@pytest.mark.parametrize(
    ("act", "found"),
    [
        (ACT, None),
        (ACT, replace(DEPLOY, incident="another")),
        (ACT, replace(DEPLOY, at=LATE)),
        (ACT, replace(DEPLOY, cause="crash")),
        (replace(ACT, cause_name="bad_deploy"), DEPLOY),
        (replace(ACT, fix="rollback_release"), DEPLOY),
        (replace(ACT, service="stranger"), DEPLOY),
    ],
)
def test_an_act_gives_way_to_nothing_else(act: FixStarted, found: Found | None) -> None:
    assert not outdated(act, found)


def test_an_act_gives_way_to_no_cause_whose_fix_the_service_does_not_declare() -> None:
    assert not outdated(ACT, DEPLOY, release=None)


def test_what_a_cause_says_is_kept_by_its_culprit() -> None:
    fact = CauseFound(incident="i", service="shop", at=LATE, best=Cause("bad_deploy", "model", 0.9))
    assert found_of(fact) == Found("i", "bad_deploy", LATE)
    assert after(fact).causes == {"model": Found("i", "bad_deploy", LATE)}
