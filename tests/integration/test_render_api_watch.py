"""The stand-in for Render: events that lag, logs in pages, metrics that follow the world."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.render_api import OWNER
from tests.fixtures.render_api.asking import Stage
from tests.fixtures.render_api.stamps import rfc3339
from tests.fixtures.render_api.world.vandal import load


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    assert stage.api.violations == []


def metric(stage: Stage, name: str, service: str, **query: Any) -> list[dict[str, Any]]:
    return list(stage.get(f"/metrics/{name}", resource=stage.world.service(service).id, **query))


# --- events ---


def test_a_list_shows_an_event_some_seconds_late_but_its_id_answers_at_once(stage: Stage) -> None:
    stage.break_("shop", "crash")
    event = stage.world.events.all[-1]
    assert stage.event_types("shop") == []
    assert stage.get(f"/events/{event.id}")["type"] == "server_failed"
    stage.later(5)
    assert stage.event_types("shop") == ["server_failed", "server_failed"]


def test_events_are_filtered_by_several_types_in_one_and_by_time(stage: Stage) -> None:
    stage.post(stage.path("shop", "/restart"))
    stage.later(100)
    middle = rfc3339(stage.clock())
    stage.later(1)
    stage.break_("shop", "crash")
    stage.later(60)
    path = stage.path("shop", "/events")
    types = {item["event"]["type"] for item in stage.get(path, type="server_failed,server_restarted")}
    assert types == {"server_failed", "server_restarted"}
    assert stage.ask("GET", path, type="server_failed,server_happy").status == 400
    early = [item["event"]["type"] for item in stage.get(path, endTime=middle)]
    assert early == ["server_restarted"]
    assert "server_restarted" not in [item["event"]["type"] for item in stage.get(path, startTime=middle)]


def test_events_of_stores_answer_by_id_alone(stage: Stage) -> None:
    store = stage.world.store("shop-db")
    stage.post(f"/postgres/{store.id}/restart")
    stage.later(60)
    found = [event for event in stage.world.events.all if event.resource_id == store.id]
    assert [stage.get(f"/events/{event.id}")["type"] for event in found] == [
        "postgres_unavailable", "postgres_restarted", "postgres_available",
    ]  # fmt: skip
    assert stage.ask("GET", f"/services/{store.id}/events").status == 404
    assert stage.ask("GET", "/events/evt-00000000000000000000").status == 404
    assert stage.ask("GET", "/events/evt-short").status == 400


# --- logs ---


def logs(stage: Stage, service: str = "shop", **query: Any) -> dict[str, Any]:
    return dict(stage.get("/logs", ownerId=OWNER, resource=stage.world.service(service).id, **query))


def fill(stage: Stage, count: int) -> None:
    shop = stage.world.service("shop")
    for n in range(count):
        code = "500" if n % 5 == 0 else "200"
        stage.world.say(
            shop, f"GET /basket {code}", type="request", statusCode=code, method="GET", path=f"/basket/{n}"
        )


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_pages_of_logs_hold_each_line_once_and_in_order(stage: Stage, direction: str) -> None:
    fill(stage, 50)  # all at one instant of the clock
    stage.later(1)
    lines, page = [], logs(stage, direction=direction, limit=20, type="request")
    while True:
        lines += page["logs"]
        if not page["hasMore"]:
            break
        times = {"startTime": page["nextStartTime"], "endTime": page["nextEndTime"]}
        page = logs(stage, direction=direction, limit=20, type="request", **times)
    assert len(lines) == 50 == len({line["id"] for line in lines})
    stamps = [line["timestamp"] for line in lines]
    assert stamps == sorted(stamps, reverse=direction == "backward")


@pytest.mark.parametrize(
    ("query", "count"),
    [({"statusCode": "500"}, 10), ({"statusCode": "5*"}, 10), ({"statusCode": ["500", "200"]}, 50), ({"path": "/basket/1*"}, 11),
     ({"path": "/.basket.[0-4]/"}, 5), ({"text": "basket 500"}, 10), ({"text": "GET .basket"}, 0), ({"type": "build"}, 0), ({"method": "POST"}, 0)],
)  # fmt: skip
def test_logs_are_searched_by_labels_wildcards_and_patterns(
    stage: Stage, query: dict[str, Any], count: int
) -> None:
    fill(stage, 50)
    stage.later(1)
    assert len(logs(stage, limit=100, **{"type": "request"} | query)["logs"]) == count


def test_logs_of_a_crash_name_the_instance(stage: Stage) -> None:
    instance = stage.world.service("search").ready[0].id
    stage.break_("search", "crash", reason="earlyExit")
    stage.later(1)
    [line] = logs(stage, "search", level="error", instance=instance)["logs"]
    assert "earlyExit" in line["message"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"ownerId": "tea-other"}, 400),
        ({"resource": "srv-none"}, 404),
        ({"limit": 101}, 400),
        ({"text": "/(/"}, 400),
    ],
)
def test_logs_that_cannot_be_searched_are_refused(stage: Stage, query: dict[str, Any], status: int) -> None:
    asked = {"ownerId": OWNER, "resource": stage.world.service("shop").id} | query
    assert stage.ask("GET", "/logs", **asked).status == status
    assert stage.ask("GET", "/logs", ownerId=OWNER).status == 400


def test_logs_are_of_one_region(stage: Stage) -> None:
    stage.world.service("search").region = "oregon"
    both = [stage.world.service("shop").id, stage.world.service("search").id]
    assert stage.ask("GET", "/logs", ownerId=OWNER, resource=both).status == 400


# --- metrics ---


def test_metrics_come_in_steps_of_the_asked_resolution(stage: Stage) -> None:
    stage.later(600)
    [one, two] = metric(stage, "cpu", "shop", resolutionSeconds=30, startTime=rfc3339(stage.clock() - 300))
    assert {label["field"] for label in one["labels"]} == {"resource", "instance"}
    assert len(one["values"]) in (10, 11)
    assert one["values"] != two["values"]
    assert len(metric(stage, "cpu", "shop", startTime=rfc3339(stage.clock() - 300))[0]["values"]) in (5, 6)


@pytest.mark.parametrize(
    "query",
    [{"resolutionSeconds": 10}, {"startTime": "2026-01-01T00:00:00Z"}, {"startTime": "2027-01-01T00:00:00Z"}],
)
def test_metrics_that_are_not_kept_are_refused(stage: Stage, query: dict[str, Any]) -> None:
    assert stage.ask("GET", "/metrics/cpu", resource=stage.world.service("shop").id, **query).status == 400
    assert stage.ask("GET", "/metrics/cpu").status == 400


def test_failed_requests_and_the_number_of_instances_show_in_metrics(stage: Stage) -> None:
    stage.later(600)
    stage.break_("shop", "errors")
    stage.post(stage.path("shop", "/scale"), {"numInstances": 3})
    stage.later(600)
    curves = metric(stage, "http-requests", "shop", aggregateBy="statusCode")
    by_code = {
        curve["labels"][-1]["value"]: [point["value"] for point in curve["values"]] for curve in curves
    }
    assert by_code["500"][0] == by_code["200"][-2] == 0
    assert by_code["500"][-2] == by_code["200"][1] == 600  # ten a second, in a minute
    [counts] = metric(stage, "instance-count", "shop")
    assert (counts["values"][0]["value"], counts["values"][-1]["value"]) == (2, 3)


def test_latency_falls_when_a_service_is_scaled_out(stage: Stage) -> None:
    load(stage.world, stage.world.service("search"), 45)
    stage.later(300)
    stage.post(stage.path("search", "/scale"), {"numInstances": 4})
    stage.later(300)
    [curve] = metric(stage, "http-latency", "search", quantile=0.99)
    assert curve["values"][-7]["value"] > 3 * curve["values"][-1]["value"]


def test_what_a_call_changes_is_measured_from_its_moment_on(stage: Stage) -> None:
    stage.post(stage.path("shop", "/suspend"))
    stage.later(300)
    [counts] = metric(stage, "instance-count", "shop", startTime=rfc3339(stage.clock() - 240))
    assert {point["value"] for point in counts["values"]} == {0}


def test_disks_and_stores_have_metrics_of_their_own(stage: Stage) -> None:
    stage.later(120)
    [usage], [capacity] = metric(stage, "disk-usage", "reports"), metric(stage, "disk-capacity", "reports")
    assert 0 < usage["values"][-1]["value"] < capacity["values"][-1]["value"]
    assert metric(stage, "disk-usage", "shop") == []
    [connections] = stage.get("/metrics/active-connections", resource=stage.world.store("shop-db").id)
    assert connections["values"][-1]["value"] == 12
