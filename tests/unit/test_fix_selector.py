"""The fix selector alone: what it chooses from a cause, again after refusals and failures, and what it remembers."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.events import (
    Cause,
    CauseFound,
    ConfigChanged,
    Event,
    FixApplied,
    FixChosen,
    FixesExhausted,
    FixFailed,
    FixRefused,
    FixVerified,
    HarmFound,
    HealthChanged,
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
)
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.selecting.prospects import Prospects
from analysis.bandit import Outcomes, Tally
from analysis.ledger import entered
from config.world import World
from tests.fixtures.chain import world_of
from tests.fixtures.lone_agent import LoneAgent

WATCHED = {"name": "partner", "platform": {"type": "http", "url": "http://127.0.0.1:9"}}
SERVICES: tuple[dict[str, Any], ...] = (
    {"name": "shop", "depends_on": ["pricing", "partner"], "release": {"current": "current"}},
    {"name": "pricing", "release": {"current": "current"}},
    WATCHED,
)
HANG = Cause("hang", "shop", 0.9)
OTHERS = Cause("dependency_failure", "pricing", 0.9)


class Desk(LoneAgent):
    def __init__(self, **sections: Any) -> None:
        super().__init__(IntelligentFixSelector(world_of(*SERVICES, **sections)))

    def open(self, service: str = "shop", incident: str = "i") -> None:
        self.tell(IncidentOpened(incident=incident, service=service, symptom="timeout", reason="r"))

    def find(self, best: Cause, *rivals: Cause, service: str = "shop", incident: str = "i") -> Any:
        said = self.tell(CauseFound(incident=incident, service=service, best=best, rivals=rivals))
        return said[0] if said else None

    def refuse(self, choice: FixChosen, limit: str = "breaker", fix: str = "", *, final: bool = True) -> Any:
        about = {"incident": choice.incident, "service": choice.service, "fix": fix or choice.fix}
        said = self.tell(FixRefused(**about, limit=limit, reason="r", final=final))
        return said[0] if said else None

    def judge(self, choice: FixChosen, *, good: bool, fix: str = "") -> None:
        about = {
            "incident": choice.incident, "service": choice.service, "fix": fix or choice.fix,
            "cause_name": choice.cause_name, "culprit": choice.culprit,
        }  # fmt: skip
        self.tell(FixVerified(**about, seconds=1.0) if good else FixFailed(**about, reason="r"))

    def retry(self, choice: FixChosen, best: Cause, *rivals: Cause) -> Any:
        """The choice failed, and the cause is looked for again."""
        self.judge(choice, good=False)
        return self.find(best, *rivals)


def named(event: Event) -> tuple[str, str]:
    assert isinstance(event, FixChosen), event
    return event.fix, event.service


def ready() -> Desk:
    desk = Desk()
    desk.open()
    return desk


# --- choosing ---


def test_only_its_own_causes_choose_a_fix_for_a_service() -> None:
    choice = ready().find(Cause("hang", "shop", 0.3), Cause("bad_deploy", "pricing", 0.6))
    assert named(choice) == ("kill_restart", "shop")
    choice = ready().find(Cause("hang", "shop", 0.3), Cause("bad_deploy", "shop", 0.6))
    assert named(choice) == ("rollback_release", "shop")


def test_a_culprit_that_nobody_watches_leaves_the_service_itself_to_be_treated() -> None:
    assert named(ready().find(Cause("dependency_failure", "elsewhere", 0.6)))[1] == "shop"


def test_nothing_is_chosen_for_what_is_not_configured() -> None:
    desk = Desk()
    desk.open("stranger")
    ended = desk.find(Cause("hang", "stranger", 0.9), service="stranger")
    assert isinstance(ended, FixesExhausted)
    assert (ended.service, ended.reason) == ("stranger", "stranger is not configured any more")


def test_nothing_is_chosen_beside_a_choice_that_has_no_outcome_yet() -> None:
    desk = ready()
    choice = desk.find(HANG)
    assert desk.find(HANG) is None
    desk.judge(choice, good=False, fix="restart")
    assert desk.find(HANG) is None, "that was another one's verdict"
    desk.judge(choice, good=True)
    assert desk.find(HANG) is None, "it has healed"
    desk.judge(choice, good=False)
    assert desk.find(HANG) is not None


# --- refusals ---


def test_a_final_refusal_leads_to_another_fix_and_one_that_holds_to_none_yet() -> None:
    desk = ready()
    choice = desk.find(HANG)
    assert desk.refuse(choice, "paused", final=False) is None
    assert desk.find(HANG) is None, "it is still to be started"
    assert desk.refuse(choice, fix="another") is None
    assert desk.find(HANG) is None, "that was a word about another one"
    other = desk.refuse(choice)
    assert isinstance(other, FixChosen)
    assert other.fix != choice.fix
    assert other.attempt == choice.attempt, "what never started was no attempt"
    assert desk.find(HANG) is None


@pytest.mark.parametrize(
    "limit", ["attempts", "dry_run", "incident_over", "observe", "recovery_disabled", "stopped"]
)
def test_a_limit_that_holds_for_every_fix_ends_the_search(limit: str) -> None:
    desk = ready()
    desk.tell(HealthChanged(service="pricing", health="healthy"))
    waiting = desk.find(OTHERS)
    treating = desk.retry(waiting, OTHERS)
    assert treating.service == "pricing"
    ended = desk.refuse(treating, limit)
    assert isinstance(ended, FixesExhausted)
    assert (ended.service, ended.reason) == ("shop", f"{treating.fix} was refused: r")


# --- again and again ---


def down() -> Desk:
    desk = ready()
    desk.tell(HealthChanged(service="shop", health="down"))
    return desk


def test_the_only_fix_there_is_may_be_tried_as_often_as_attempts_allow() -> None:
    desk, tried = down(), []
    choice = desk.find(OTHERS)
    while isinstance(choice, FixChosen):
        tried.append((*named(choice), choice.attempt))
        choice = desk.retry(choice, OTHERS)
    assert tried == [("respawn", "shop", 1), ("respawn", "shop", 2), ("respawn", "shop", 3)]
    assert choice.reason == "no fix for dependency_failure of shop is left (tried: respawn)"


def test_the_only_fix_there_is_is_not_asked_for_again_once_it_was_refused() -> None:
    desk = down()
    assert isinstance(desk.refuse(desk.find(OTHERS)), FixesExhausted)


def test_of_several_fixes_each_is_tried_once() -> None:
    desk, tried = ready(), []
    choice = desk.find(HANG)
    while isinstance(choice, FixChosen):
        tried.append(choice.fix)
        choice = desk.retry(choice, HANG)
    assert len(tried) == len(set(tried)) > 1
    assert f"(tried: {', '.join(tried)})" in choice.reason


def test_where_nothing_applies_it_says_so() -> None:
    desk = Desk()
    desk.open("partner")
    desk.tell(HealthChanged(service="partner", health="down"))
    ended = desk.find(Cause("crash", "partner", 0.9), service="partner")
    assert ended.reason == "no fix for crash of partner is left (tried: none applies)"


def test_a_new_round_may_choose_every_fix_again() -> None:
    desk = ready()
    first = desk.find(HANG)
    assert named(desk.retry(first, HANG)) != named(first)
    desk.tell(IncidentEscalated(incident="i", service="shop", reason="r"))
    again = desk.find(HANG)
    assert (named(again), again.attempt) == (named(first), 1)


# --- another is to blame ---


def test_the_caller_waits_and_then_the_culprit_is_treated_and_never_told_to_wait() -> None:
    desk = ready()
    desk.tell(HealthChanged(service="pricing", health="unhealthy"))
    choice, seen = desk.find(OTHERS), []
    while isinstance(choice, FixChosen):
        seen.append(named(choice))
        choice = desk.retry(choice, OTHERS)
    assert seen[0] == ("wait", "shop")
    assert len(seen) > 1
    assert all(target == "pricing" and fix != "wait" for fix, target in seen[1:])


def test_a_culprit_with_an_incident_of_its_own_is_left_to_it() -> None:
    desk = ready()
    desk.open("pricing", "other")
    choice = desk.find(OTHERS)
    assert named(choice) == ("wait", "shop")
    assert named(desk.retry(choice, OTHERS)) == ("wait", "shop")
    desk.tell(IncidentClosed(incident="other", service="pricing", outcome="healed"))
    choice = desk.said[-1]
    assert named(desk.retry(choice, OTHERS))[1] == "pricing"


@pytest.mark.parametrize("treated", [True, False])
def test_a_caller_that_looks_ill_itself_has_its_turn_when_nothing_is_left_for_the_culprit(
    treated: bool,
) -> None:
    desk = ready()
    desk.tell(HealthChanged(service="pricing", health="healthy"))
    if not treated:
        desk.open("pricing", "other")
    rival = Cause("hang", "shop", 0.06)
    choice, seen = desk.find(OTHERS, rival), []
    while isinstance(choice, FixChosen):
        seen.append((*named(choice), choice.cause_name, choice.culprit))
        choice = desk.retry(choice, OTHERS, rival)
    assert (("kill_restart", "shop", "hang", "shop") in seen) == treated
    if treated:
        assert seen.index(("kill_restart", "shop", "hang", "shop")) > seen.index(
            ("kill_restart", "pricing", "dependency_failure", "pricing")
        )


def vain(desk: Desk) -> None:
    """Waiting has never helped, restarting always."""
    for n in range(30):
        desk.open("pricing", f"old{n}")
        for fix, good in (("wait", False), ("kill_restart", True)):
            desk.judge(
                FixChosen(
                    incident=f"old{n}", service="pricing" if good else "shop", fix=fix, culprit="pricing",
                    cause_name="dependency_failure", probability=0.5, why="w",
                ), good=good,
            )  # fmt: skip
        desk.tell(IncidentClosed(incident=f"old{n}", service="pricing", outcome="healed"))


@pytest.mark.parametrize(("health", "fix"), [("healthy", "kill_restart"), ("unhealthy", "wait")])
def test_nobody_waits_in_vain_for_a_culprit_that_nobody_else_sees_ill(health: Any, fix: str) -> None:
    desk = ready()
    desk.tell(HealthChanged(service="pricing", health=health))
    vain(desk)
    assert desk.find(OTHERS).fix == fix


def test_who_needs_what_cannot_be_treated_waits() -> None:
    desk = ready()
    desk.tell(HealthChanged(service="partner", health="healthy"))
    vain(desk)
    assert named(desk.find(Cause("dependency_failure", "partner", 0.9))) == ("wait", "shop")


def test_where_even_waiting_promises_nothing_the_search_ends() -> None:
    assert isinstance(ready().find(Cause("dependency_failure", "pricing", 0.02)), FixesExhausted)


# --- what it learns, forgets and says ---


def test_what_services_of_its_kind_went_through_says_more_than_what_others_did() -> None:
    def chance(helped: str, failed: str) -> float:
        desk = ready()
        for name, good in ((helped, True), (failed, False)):
            about = {"service": name, "fix": "kill_restart", "cause_name": "hang", "culprit": name}
            for _ in range(10):
                desk.tell(FixVerified(**about, seconds=1.0) if good else FixFailed(**about, reason="r"))
        return float(desk.find(HANG).probability)

    assert chance("pricing", "partner") > chance("partner", "pricing") + 0.2


def test_it_says_how_often_the_fix_helped_here() -> None:
    desk = ready()
    choice = desk.find(HANG)
    assert "here it helped" not in choice.why
    desk.judge(choice, good=True)
    desk.tell(IncidentClosed(incident="i", service="shop", outcome="healed"))
    for n, good in enumerate((False, True)):
        desk.open(incident=f"j{n}")
        desk.judge(desk.find(HANG, incident=f"j{n}"), good=good)
        desk.tell(IncidentClosed(incident=f"j{n}", service="shop", outcome="healed"))
    assert desk.agent.state.rates["hang/kill_restart"].by_service == {"shop": Tally(2, 1)}
    desk.open()
    why = desk.find(HANG).why
    assert why.startswith("hang of shop (90% sure): kill the process group")
    assert "; here it helped 2 of 3 times; others: " in why


def test_a_closed_incident_and_a_removed_service_are_forgotten() -> None:
    desk = ready()
    desk.tell(HealthChanged(service="shop", health="down"))
    desk.tell(ConfigChanged(digest="d", why="refused", removed=("shop",)))
    assert desk.agent.state.health == {"shop": "down"}
    desk.tell(ConfigChanged(digest="d", why="reload", removed=("shop",)))
    desk.tell(IncidentClosed(incident="i", service="shop", outcome="withdrawn"))
    assert desk.agent.state.health == desk.agent.state.cases == {}


def test_harm_that_is_found_late_counts_with_the_failure_as_six() -> None:
    desk = Desk()
    desk.open()
    choice = desk.find(HANG)
    about = {"incident": "i", "service": "shop", "fix": choice.fix, "cause_name": "hang"}
    desk.judge(choice, good=False)
    desk.tell(HarmFound(**about, act="a", reason="r"))
    assert desk.agent.state.rates[f"hang/{choice.fix}"].by_service["shop"] == Tally(0.0, 6.0)


def test_a_symptom_that_was_gone_before_anything_was_done_is_credited_to_waiting() -> None:
    desk = ready()
    choice = desk.find(HANG)
    applied = FixApplied(incident="i", service="shop", fix=choice.fix, outcome="symptom_gone")
    assert desk.tell(applied) == [], "it has no say in the choice"
    desk.judge(choice, good=True)
    rates = desk.agent.state.rates
    assert rates["hang/wait"].counts == {"shop": (1, 1)}
    assert f"hang/{choice.fix}" not in rates


def test_a_fix_that_was_done_is_credited_itself() -> None:
    desk = ready()
    choice = desk.find(HANG)
    desk.tell(FixApplied(incident="i", service="shop", fix=choice.fix, outcome="done"))
    desk.judge(choice, good=True)
    assert set(desk.agent.state.rates) == {f"hang/{choice.fix}"}


@pytest.mark.parametrize(
    ("risk", "prior", "first"),
    [
        ("safe", (2.7, 3.3), "other"),  # by what it may turn out to be: its mean is the lower one
        ("risky", (3.4, 2.6), "known"),  # its mean less its risk is the lower one, and no hope is added
    ],
)
def test_a_safe_fix_is_tried_out_of_curiosity_and_a_risky_one_is_not(
    risk: str, prior: tuple[float, float], first: str
) -> None:
    world = world_of(*SERVICES)
    known = replace(world.fixes["restart"], name="known", cures=("hang",), prior=(3.0, 3.0), cost_s=1.0)
    other = replace(known, name="other", prior=prior, risk=risk)
    rates: dict[str, Outcomes] = {}
    for n in range(60):
        rates = entered(rates, "hang", "known", "shop", healed=n % 2 == 0)
    prospects = Prospects(World(world.config, {"known": known, "other": other}), rates, is_down=False)
    target = world.target("shop")
    assert target is not None
    ranked = prospects.options(target, CauseFound(service="shop", best=HANG), [("hang", 1.0)])
    assert ranked[0].fix.name == first
    assert [option.probability for option in ranked if option.fix.name == "other"] == [
        pytest.approx(prior[0] / 6.0)
    ], "people read what is known, not what is hoped"


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("corrupt entry in cache/pages", "clear_cache"),
        ("data/shop.json is no complete document", "restore_file"),
        ("corrupt entry", "restore_file"),
    ],
)
def test_the_fix_for_what_the_words_name_comes_before_the_one_for_what_they_do_not(
    words: str, first: str
) -> None:
    stored = {"name": "store", "files": [{"path": "data/shop.json", "check": "json"}], "caches": ["cache"]}
    world = world_of(stored)
    target = world.target("store")
    assert target is not None
    cause = Cause("state_corruption", "store", 0.9, (words,))
    ranked = Prospects(world, {}, is_down=False).options(
        target, CauseFound(service="store", best=cause), [(cause.name, cause.confidence)]
    )
    names = [option.fix.name for option in ranked if option.fix.name in {"clear_cache", "restore_file"}]
    assert names[0] == first


@pytest.mark.parametrize(("sure", "fixes"), [(0.7, {"wait"}), (0.5, {"wait", "kill_restart"})])
def test_what_surely_comes_from_outside_is_waited_for_and_never_restarted(
    sure: float, fixes: set[str]
) -> None:
    desk = Desk()
    desk.open()
    chosen = set()
    for _ in range(3):
        choice = desk.find(Cause("traffic_spike", "shop", sure), Cause("hang", "shop", 0.2))
        if not isinstance(choice, FixChosen):
            break
        chosen.add(choice.fix)
        desk.judge(choice, good=False)
    assert chosen >= fixes and (sure < 0.6 or chosen == fixes)
