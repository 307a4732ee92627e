from datetime import UTC, datetime

from agents import events as e
from dashboard.spans import OpenIncidents, incident_spans, trace_item
from utils.event import Fact


def wall(at: float) -> datetime:
    return datetime.fromtimestamp(1e9 + at, UTC)


def healing() -> list[Fact]:
    return [
        e.IncidentOpened(
            id="o", incident="h", service="shop", at=10.0, first_sign_at=9.5, symptom="timeout", reason=""
        ),
        e.CauseFound(id="c", incident="h", service="shop", at=10.1, best=e.Cause("hang", "shop", 0.9)),
        e.FixChosen(
            id="x",
            incident="h",
            service="shop",
            at=10.2,
            fix="restart",
            cause_name="hang",
            culprit="shop",
            probability=0.8,
            why="",
        ),
        e.FixStarted(
            id="s",
            incident="h",
            service="shop",
            at=10.5,
            fix="restart",
            agent="a",
            cause_name="hang",
            culprit="shop",
            deadline_s=9,
        ),
        e.FixApplied(id="a", incident="h", service="shop", at=12.0, fix="restart", outcome="done"),
        e.FixFailed(
            id="f",
            incident="h",
            service="shop",
            at=14.0,
            fix="restart",
            cause_name="hang",
            culprit="shop",
            reason="",
        ),
        e.IncidentClosed(id="z", incident="h", service="shop", at=15.0, outcome="passed_by_itself"),
    ]


def test_the_tree_has_a_span_for_each_stage_under_one_root() -> None:
    root, *children = incident_spans(healing(), wall)
    times = [(s.name, round(s.start_s - 1e9, 3), round(s.end_s - 1e9, 3), s.ok) for s in children]
    assert times == [
        ("detect", 9.5, 10.0, True),
        ("diagnose", 10.0, 10.1, True),
        ("select", 10.1, 10.2, True),
        ("act", 10.5, 12.0, True),
        ("verify", 12.0, 14.0, False),
    ]
    assert (root.start_s, root.end_s) == (1e9 + 9.5, 1e9 + 15.0)
    assert {s.parent_id for s in children} == {root.span_id}
    assert {s.trace_id for s in children} == {root.trace_id}
    assert root.attributes["nightwarden.cause"] == "hang"
    assert root.attributes["nightwarden.outcome"] == "passed_by_itself"


def test_the_same_facts_give_the_same_ids_and_no_two_spans_share_one() -> None:
    spans = incident_spans(healing(), wall)
    assert spans == incident_spans(healing(), wall)
    assert len({s.span_id for s in spans}) == len(spans)
    assert all(len(s.trace_id) == 32 and len(s.span_id) == 16 for s in spans)


def test_an_open_incident_has_no_spans_yet() -> None:
    assert incident_spans(healing()[:-1], wall) == ()


def test_facts_are_gathered_per_incident_until_it_closes() -> None:
    gathering = OpenIncidents()
    other = e.CauseFound(incident="other", best=e.Cause("hang", "shop", 0.9))
    facts = healing()
    assert gathering.fold([*facts[:3], other]) == []
    assert gathering.fold(facts[3:]) == [facts]
    assert gathering.fold(facts[-1:]) == []


def test_an_endless_incident_stays_bounded_and_still_ends() -> None:
    facts = healing()
    gathering = OpenIncidents(facts=10)
    gathering.fold(facts[:1])
    for _ in range(100):
        gathering.fold(facts[1:2])
    [ended] = gathering.fold(facts[-1:])
    assert len(ended) == 11
    assert incident_spans(ended, wall)


def test_a_trace_is_listed_with_readable_times() -> None:
    item = trace_item(incident_spans(healing(), wall))
    assert item["started_at"] == "2001-09-09T01:46:49.500Z"
    assert item["seconds"] == 5.5
    assert [span["name"] for span in item["spans"]][:2] == ["incident", "detect"]
