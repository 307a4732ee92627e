"""The auditor of effects: what it lets pass, and that each wrong effect is found."""

from agents.events import FixApplied, FixStarted
from tests.fixtures.effect_audit import audit_effects
from tests.fixtures.virtual_world import Effect
from utils.event import Fact


def act(fix: str, at: float = 1.0, ends_at: float = 3.0) -> list[Fact]:
    started = FixStarted(
        id="a1", at=at, service="shop", fix=fix, agent="", cause_name="", culprit="", deadline_s=9.0
    )
    return [started, FixApplied(id="e1", cause="a1", at=ends_at, service="shop", fix=fix, outcome="done")]


def effect(kind: str, at: float = 2.0, mark: str = "", detail: str = "") -> Effect:
    return Effect(at, kind, "shop", mark, detail)


def found(facts: list[Fact], *effects: Effect) -> list[str]:
    return [sentence.partition(" (")[0] for sentence in audit_effects(list(effects), facts)]


def test_what_an_act_in_hand_does_passes() -> None:
    assert (
        found(act("clear_cache"), effect("signalled"), effect("emptied"), effect("started", mark="a1")) == []
    )
    assert found(act("rollback_release"), effect("switched"), effect("started", mark="a1")) == []


def test_a_cache_may_be_emptied_again_before_the_start() -> None:
    assert found(act("clear_cache"), effect("emptied"), effect("emptied", at=2.5)) == []


def test_nothing_is_done_by_another_fix_or_before_or_after_the_act() -> None:
    assert len(found(act("respawn"), effect("emptied"), effect("switched"))) == 2
    assert len(found(act("clear_cache"), effect("emptied", at=0.5), effect("emptied", at=3.5))) == 2
    assert (
        len(found([], effect("signalled"), effect("started", mark="a1"), effect("restored", mark="a1"))) == 3
    )


def test_the_life_that_an_act_made_is_left_alone_by_it() -> None:
    assert len(found(act("clear_cache"), effect("emptied", mark="a1"), effect("signalled", mark="a1"))) == 2


def test_a_release_is_pointed_back_and_a_file_restored_once() -> None:
    assert len(found(act("rollback_release"), effect("switched"), effect("switched", at=2.5))) == 1
    twice = [effect("restored", mark="a1", detail="data.json")] * 2
    assert len(found(act("restore_file"), *twice)) == 1
