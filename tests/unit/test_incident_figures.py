"""What the summary counts, and what `explain` adds to the story."""

from typing import Any

from agents.incident.records import Act, Incident
from agents.incident.views import Figures, explain, figures

LATE = 1_000_000.0
DAY_S = 86400.0


def an_act(fix: str, outcome: Any = "failed", at: float = LATE, **more: Any) -> Act:
    return Act(f"{fix}{at}", fix, "shop", "application", "hang", "shop", at, outcome=outcome, **more)


def an_incident(name: str, status: Any = "closed", outcome: str = "", *acts: Act, **more: Any) -> Incident:
    closed_at = None if status in {"open", "escalated"} else LATE + 40.0
    about = {"status": status, "outcome": outcome, "acts": acts, "closed_at": closed_at}
    return Incident(name, "shop", LATE, LATE - 4.0, "timeout", "probe", **about, **more)


def test_the_figures_of_a_week() -> None:
    now = LATE + 2 * DAY_S
    rollbacks = [an_act("rollback_release", at=now - age_s) for age_s in (7 * DAY_S, 7 * DAY_S + 1)]
    known = [
        an_incident("a", "closed", "healed", an_act("restart"), an_act("respawn", "verified")),
        an_incident("b", "closed", "passed_by_itself", an_act("wait"), *rollbacks),
        an_incident("c", "withdrawn", "withdrawn", an_act("restart", "dropped")),
        an_incident("d", "escalated", "", an_act("restart", "applied")),
    ]
    assert figures(known, now, lambda at: "early" if at < LATE else "late") == Figures(
        incidents=4,
        open=1,
        escalated=1,
        recoveries=1,
        auto_fix_success_rate=0.25,
        rollbacks_7d=1,
        mttd_s=4.0,
        mttr_s=40.0,
        acts_by_day={"early": {"rollback_release": 2}, "late": {"restart": 3, "respawn": 1}},
    )


def test_where_nothing_happened_there_is_nothing_to_average() -> None:
    found = figures([], LATE, str)
    assert (found.incidents, found.auto_fix_success_rate, found.mttd_s, found.mttr_s) == (0, None, None, None)


def test_explain_says_what_it_asks_what_is_damaged_and_how_to_take_back() -> None:
    acts = (an_act("restart"), an_act("turn", undo="turn it back"))
    told = {"damaged": ("a.json", "b.json"), "question": "q1", "asks_for": "turn it", "waits_for": "paused"}
    assert explain(an_incident("i", "open", "", *acts, **told)) == [
        "incident i of shop: waiting_approval",
        "asks: may it turn it? nightwarden approve q1",
        "waits: limit paused",
        "damaged files: a.json, b.json",
        "undo of turn: turn it back",
    ]
    assert explain(an_incident("i", "open")) == ["incident i of shop: open"]
