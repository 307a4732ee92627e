"""The daily fire drill: what is tried, and when."""

from typing import Any

from agents.incident.records import Act, Incident
from analysis.quiet import DAY, Profile
from scripts.fire_drill import BETWEEN_S, CAUSES, HOUR_S, SETTLE_S, choose, when
from tests.fixtures.chain import world_of

SERVICES = world_of({"name": "shop", "drills": ["kill", "freeze"]}, {"name": "pricing", "drills": ["kill"]}, {"name": "till"}).config.services  # fmt: skip


def healed(service: str, cause: str, at: float, outcome: str = "verified") -> Incident:
    more: Any = {"outcome": outcome}
    act = Act(
        id="a",
        fix="respawn",
        target=service,
        layer="application",
        cause_name=cause,
        culprit=service,
        started_at=at,
        **more,
    )
    return Incident(
        id=f"{service}{at}",
        service=service,
        opened_at=at,
        first_sign_at=at,
        symptom="exit",
        kind="exit",
        acts=(act,),
    )


def hour_of(at: float) -> int:
    return int(at // HOUR_S) % (7 * DAY)


def test_what_was_never_healed_comes_first_and_then_what_was_healed_longest_ago() -> None:
    before = [healed("shop", "crash", 100.0), healed("pricing", "crash", 50.0)]
    assert choose(SERVICES, before) == ("shop", "freeze")
    assert choose(SERVICES, [*before, healed("shop", "hang", 200.0)]) == ("pricing", "kill")


def test_a_fix_that_did_not_help_proves_nothing() -> None:
    assert choose(SERVICES[1:2], [healed("pricing", "crash", 50.0, "failed")]) == ("pricing", "kill")


def test_nobody_is_tried_who_did_not_allow_it() -> None:
    assert choose(SERVICES[2:], []) is None


def test_it_waits_for_the_calm_hour_of_the_day() -> None:
    profile = Profile()
    for hour in range(DAY):
        profile = profile.with_hour(hour, 1.0 if hour == 4 else 10.0)
    assert hour_of(when([profile], 10 * HOUR_S, None, hour_of)) % DAY == 4


def test_there_is_one_a_day_and_none_right_after_a_start() -> None:
    now = 1000.0 * HOUR_S
    assert when([], now, None, hour_of) >= now + SETTLE_S
    assert when([], now, now - HOUR_S, hour_of) >= now - HOUR_S + BETWEEN_S


def test_each_fault_that_a_service_may_allow_is_known_by_its_cause() -> None:
    allowed = world_of({"name": "shop", "drills": list(CAUSES)}).config.services[0].drills
    assert set(allowed) == set(CAUSES)
