"""The owner of incidents: an act that makes things worse has failed, before its verdict's deadline and against good probes."""

from typing import Any

import pytest

from agents.events import (
    CauseFound,
    FileDamaged,
    FileRepaired,
    FixFailed,
    FixVerified,
    HarmFound,
    IncidentClosed,
    Tick,
)
from agents.terms import Cause
from tests.fixtures.incident_owner import Desk, down, kinds, unhealthy

GRACE_S = 12.0


def acted(fix: str = "clear_cache") -> Desk:
    """An act on `model`, which was ill, was applied at 2.0; `shop` depends on it and was well."""
    desk = Desk()
    desk.probe("shop", at=0.5)
    desk.tell(unhealthy("model", id="i"), 1.0)
    desk.at = 2.0
    assert desk.act("i", fix, target="model", culprit="model") == []
    return desk


def shop_fails(desk: Desk, *times: float, ended: bool = False, **more: Any) -> None:
    for at in times:
        desk.probe("shop", ok=False, at=at)
    desk.tell((down if ended else unhealthy)("shop", id="j", **more), times[-1] if times else desk.at)


def failed(events: list[Any]) -> list[FixFailed]:
    return [event for event in events if isinstance(event, FixFailed)]


def test_who_falls_ill_after_an_act_that_it_depends_on_fails_that_act_at_once() -> None:
    desk = acted()
    shop_fails(desk, 4.0, 5.0)
    [verdict] = failed(desk.tell(Tick(), 5.25))
    assert (verdict.fix, verdict.service, verdict.harmful) == ("clear_cache", "model", True)
    assert verdict.reason == "shop was well before it: timeout: no answer"


def test_who_failed_while_the_target_was_away_has_time_to_come_back() -> None:
    desk = acted()
    shop_fails(desk, 2.1, 3.1)
    assert failed(desk.tell(Tick(), 3.25)) == []
    assert len(failed(desk.tell(Tick(), 2.0 + GRACE_S))) == 1


@pytest.mark.parametrize("fix", ["restart", "kill_restart"])
def test_a_mere_restart_is_not_to_blame_for_who_cannot_bear_it(fix: str) -> None:
    desk = acted(fix)
    shop_fails(desk, 4.0, 5.0)
    assert failed(desk.tell(Tick(), 5.25)) == []


def test_neither_is_an_act_for_what_was_ill_before_it_was_struck_or_has_a_bad_release_of_its_own() -> None:
    before = Desk()
    before.probe("shop", ok=False, at=0.5)
    before.tell(unhealthy("model", id="i"), 1.0)
    before.act("i", "clear_cache", target="model", culprit="model")
    shop_fails(before, 4.0)
    struck = acted()
    shop_fails(struck, ended=True, signal=9)
    deployed = acted()
    shop_fails(deployed, 4.0, 5.0)
    deployed.tell(
        CauseFound(
            incident="j", service="shop", best=Cause(name="bad_deploy", service="shop", confidence=0.9)
        )
    )
    for desk in (before, struck, deployed):
        assert failed(desk.tell(Tick(), 20.0)) == []


def test_it_is_verified_only_when_who_depends_on_it_was_seen_well_and_it_has_lasted() -> None:
    desk = acted()
    for at in (3.0, 4.0, 5.0, 6.0, 7.0):
        assert desk.probe("model", at=at) == []
    desk.probe("shop", at=7.1)
    desk.probe("shop", at=7.6)
    assert kinds(desk.probe("model", at=8.0)) == [FixVerified, IncidentClosed]
    hasty = acted()
    hasty.probe("shop", at=2.1)
    hasty.probe("shop", at=2.2)
    assert [hasty.probe("model", at=at) for at in (2.3, 2.6, 2.9)] == [[], [], []]


def test_nobody_waits_for_one_that_is_not_looked_at_for_ever() -> None:
    desk = acted()
    for at in (3.0, 4.0, 5.0):
        desk.probe("model", at=at)
    assert kinds(desk.probe("model", at=2.0 + GRACE_S)) == [FixVerified, IncidentClosed]


def respawned(*, code: int = 3) -> Desk:
    """The target ended by itself after the act, and its next life was started at 4.0."""
    desk = acted()
    [verdict] = failed(desk.tell(down("model", exit_code=code), 3.0))
    assert (verdict.harmful, verdict.suspect) == (False, f"exit code {code}")
    desk.at = 4.0
    assert desk.act("i", "respawn", target="model", culprit="model") == []
    return desk


def test_one_end_of_the_target_by_itself_fails_the_act_and_is_harm_once_the_next_life_ends_so_too() -> None:
    desk = respawned()
    assert desk.incident("i").acts[0].suspect
    found, verdict = desk.tell(down("model", exit_code=3), 5.0)
    assert isinstance(found, HarmFound)
    assert (found.fix, found.cause_name) == ("clear_cache", desk.incident("i").acts[0].cause_name)
    assert found.act == desk.incident("i").acts[0].id
    assert (verdict.fix, verdict.harmful) == ("respawn", False)
    assert "made things worse: model ended twice" in " ".join(desk.agent.explain("i"))
    desk.at = 6.0
    desk.act("i", "respawn", target="model", culprit="model")
    assert kinds(desk.tell(down("model", exit_code=3), 7.0)) == [FixFailed], "it is told once"


@pytest.mark.parametrize(
    "end", [{"exit_code": 1}, {"signal": 9}, {"signal": 11}, {"symptom": "found_dead"}, {"reason": "?"}]
)
def test_a_next_life_that_ends_in_another_way_speaks_for_two_faults(end: dict[str, Any]) -> None:
    assert kinds(respawned().tell(down("model", **end), 5.5)) == [FixFailed]


def test_what_changed_more_than_the_life_takes_the_suspicion_from_the_act_before() -> None:
    desk = acted()
    desk.tell(down("model", exit_code=3), 3.0)
    desk.at = 4.0
    desk.act("i", "clear_cache", target="model", culprit="model")
    assert kinds(desk.tell(down("model", exit_code=3), 5.0)) == [FixFailed]


def test_the_next_life_after_a_suspected_act_is_verified_only_when_it_has_lasted() -> None:
    desk = respawned()
    assert [desk.probe("model", at=at) for at in (5.0, 6.0, 7.0, 8.0)] == [[], [], [], []]
    assert kinds(desk.probe("model", at=9.0)) == [FixVerified, IncidentClosed]


def test_who_depends_on_it_and_ended_once_had_a_fault_of_its_own_unless_it_ends_again() -> None:
    desk = acted()
    shop_fails(desk, 4.0, ended=True, exit_code=1)
    assert failed(desk.tell(Tick(), 5.25)) == []
    desk.tell(down("shop", exit_code=1), 6.0)
    [verdict] = failed(desk.tell(Tick(), 6.25))
    assert verdict.harmful


def test_who_was_broken_by_an_end_and_does_not_come_back_in_time_is_worse() -> None:
    desk = acted()
    shop_fails(desk, 4.0, ended=True, exit_code=1)
    [verdict] = failed(desk.tell(Tick(), 2.0 + GRACE_S))
    assert verdict.harmful


def test_a_culprit_that_ended_once_after_its_restart_was_not_made_worse_by_it() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"), 1.0)
    desk.act("i", "kill_restart", target="model", culprit="model")
    [verdict] = failed(desk.tell(down("model", id="j", exit_code=1), 4.0))
    assert not verdict.harmful


def test_a_file_that_was_whole_before_the_act_is_worse() -> None:
    spoilt, again = acted(), acted()
    [verdict] = failed(spoilt.tell(FileDamaged(service="model", path="data/a.json", problem="torn"), 3.0))
    assert verdict.harmful
    [verdict] = failed(again.tell(unhealthy("model"), 3.0))
    assert not verdict.harmful, "the old symptom"


def test_a_culprit_that_was_well_until_it_was_acted_on_is_worse() -> None:
    desk = Desk()
    desk.tell(unhealthy("shop", id="i"), 1.0)
    desk.act("i", "kill_restart", target="model", culprit="model")
    [verdict] = failed(desk.tell(unhealthy("model", id="j"), 4.0))
    assert verdict.harmful


def test_nor_does_one_of_an_adopted_process_of_which_nobody_knows_how_it_ended() -> None:
    [verdict] = failed(acted().tell(down("model", reason="only its parent could have known how"), 3.0))
    assert not verdict.harmful


@pytest.mark.parametrize(("at", "interrupted"), [(2.1, False), (20.0, True)])
def test_an_end_that_nobody_saw_speaks_against_no_act(at: float, interrupted: bool) -> None:
    desk = acted()
    [verdict] = failed(desk.tell(down("model", symptom="found_dead", reason="its process is gone"), at))
    assert (verdict.harmful, verdict.interrupted) == (False, interrupted)


def test_a_file_that_is_damaged_once_more_after_its_repair_speaks_against_no_act() -> None:
    desk, broken = Desk(), FileDamaged(service="model", path="data/a.json", problem="torn")
    desk.tell(broken, 1.0)
    incident = desk.agent.state.by_service["model"]
    desk.act(incident, "restore_file", target="model", culprit="model")
    desk.tell(FileRepaired(service="model", path="data/a.json"), 3.0)
    [verdict] = failed(desk.tell(broken, 4.0))
    assert not verdict.harmful


@pytest.mark.parametrize(("code", "harmful"), [(3, True), (1, False)])
def test_an_act_whose_first_life_ended_in_its_boot_as_the_second_one_did_is_worse(
    code: int, harmful: bool
) -> None:
    desk = Desk()
    desk.tell(unhealthy("model", id="i"), 1.0)
    act = desk.start_act("i", "clear_cache", target="model", culprit="model")
    desk.tell(down("model", exit_code=3, reason="exited with code 3"), 2.0)
    desk.at = 3.0
    desk.hear_of(act, "clear_cache", "model")
    [verdict] = failed(desk.tell(down("model", exit_code=code, reason=f"exited with code {code}"), 4.0))
    assert (verdict.harmful, verdict.suspect) == (harmful, "")


def test_ends_in_one_boot_after_a_suspected_act_blame_it_once() -> None:
    desk = acted()
    desk.tell(down("model", exit_code=3), 3.0)
    desk.start_act("i", "respawn", target="model", culprit="model")
    assert kinds(desk.tell(down("model", exit_code=3), 5.0)) == [HarmFound]
    assert desk.tell(down("model", exit_code=3), 6.0) == []


def test_what_had_ended_before_the_act_is_not_made_worse_by_two_more_ends() -> None:
    desk, end = Desk(), down("model", exit_code=3, reason="exited with code 3")
    desk.tell(down("model", id="i", exit_code=3, reason="exited with code 3"), 1.0)
    act = desk.start_act("i", "clear_cache", target="model", culprit="model")
    desk.tell(end, 2.0)
    desk.at = 3.0
    desk.hear_of(act, "clear_cache", "model")
    [verdict] = failed(desk.tell(end, 4.0))
    assert not verdict.harmful
