"""Healing coverage: what counts as a proof, for how long, and what a failing healer does to the score."""

import re
from typing import Any

import pytest

from agents.incident.records import Act, Incident
from analysis.coverage import PROVEN_S, Proof, coverage, score, share
from config.fixes import load_fixes
from dashboard.coverage import badge, families, offered, page, proofs, told
from tests.fixtures.chain import world_of

NOW = 10_000_000.0
CRASH, HANG = ("crash", "application"), ("hang", "application")


def proof(place: tuple[str, str] = CRASH, age_s: float = 60.0, *, healed: bool = True) -> Proof:
    return Proof(*place, NOW - age_s, healed, 2.0)


def text(at: float) -> str:
    return f"at {at:.0f}"


def test_a_proof_counts_for_thirty_days_and_no_longer() -> None:
    young, old = (
        coverage([proof(age_s=PROVEN_S)], {CRASH}, NOW),
        coverage([proof(age_s=PROVEN_S + 1)], {CRASH}, NOW),
    )
    assert (young[0].proven, old[0].proven) == (True, False)


def test_what_was_never_offered_is_in_no_share() -> None:
    assert share(coverage([proof(), proof(HANG)], {HANG}, NOW)) == 1.0


def test_a_healer_that_breaks_loses_its_score_with_a_few_drills() -> None:
    good = [proof(age_s=1000.0 + n) for n in range(50)]
    assert score(coverage(good, {CRASH}, NOW)) == 100.0
    drills = [proof(age_s=10.0 * n, healed=False) for n in range(5)]
    assert score(coverage([*good, *drills], {CRASH}, NOW)) == 0.0


def test_a_place_without_any_healing_is_worth_nothing_however_often_it_was_tried() -> None:
    [cell] = coverage([proof(healed=False)], {CRASH}, NOW)
    assert (cell.proven, cell.failed, cell.value) == (False, 1, 0.0)


def act(**more: Any) -> Act:
    base = {"id": "a", "fix": "respawn", "target": "shop", "layer": "application", "cause_name": "crash", "culprit": "shop",
            "started_at": NOW - 60.0, "outcome": "verified"}  # fmt: skip
    return Act(**(base | more))


def incident(*acts: Act) -> Incident:
    return Incident(id="i", service="shop", opened_at=NOW - 61.0, first_sign_at=NOW - 61.0, symptom="exit", kind="exit",
                    closed_at=NOW - 58.0, acts=acts)  # fmt: skip


def test_an_act_that_was_verified_proves_and_one_that_failed_speaks_against() -> None:
    found = list(proofs([incident(act(outcome="failed", seconds=1.0), act())]))
    assert [(each.healed, each.seconds) for each in found] == [(False, 2.0), (True, 3.0)]


@pytest.mark.parametrize(
    "more",
    [{"fix": "wait"}, {"outcome": "applied"}, {"outcome": "interrupted"}, {"how": "symptom_gone"}],
    ids=str,
)
def test_what_was_not_judged_or_not_done_proves_nothing(more: dict[str, Any]) -> None:
    assert list(proofs([incident(act(**more))])) == []


def test_only_what_applies_to_a_configured_service_is_offered() -> None:
    places = offered(load_fixes().values(), world_of({"name": "shop"}).config.services)
    assert {CRASH, HANG} <= places
    assert not any(layer == "model" for _, layer in places)
    assert "unknown" not in {cause for cause, _ in places}


def test_page_badge_and_metrics_say_the_same() -> None:
    item = told([proof(), proof(healed=False)], {CRASH, HANG}, NOW, text)
    assert (item["proven"], item["offered"], item["resilience_score"]) == (1, 2, 25.0)
    assert "1 of 2 proven, 25" in badge(item)
    assert "not proven" in page(item)
    assert "1 healed, 1 failed" in page(item)
    values = {family.name: dict(family.samples) for family in families(item)}
    assert values["nightwarden_resilience_score"] == {(): 25.0}
    assert values["nightwarden_healing_proven"] == {CRASH: 1.0, HANG: 0.0}


def test_words_from_outside_cannot_become_markup() -> None:
    item = told([], {("<b>", "<i>")}, NOW, text)
    assert not re.search(r"<b>|<i>", page(item) + badge(item))
