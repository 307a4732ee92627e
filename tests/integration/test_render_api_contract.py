"""The stand-in for Render holds itself and its callers to the documented API, in Render's words or in our own."""

import json
from typing import Any, get_args

import pytest

from tests.fixtures.render_api import (
    MINIMAL,
    OWNER,
    RENDERS_OWN,
    Asked,
    Contract,
    Reply,
    ServicePlan,
    StorePlan,
    WorldPlan,
    push,
)
from tests.fixtures.render_api import api as api_module
from tests.fixtures.render_api.asking import Stage
from tests.fixtures.render_api.contract import Operation
from tests.fixtures.render_api.stamps import rfc3339
from tests.fixtures.render_api.world.loading import DiskPlan, Kind

NO_COPY = f"no copy of Render's document at {RENDERS_OWN}; NIGHTWARDEN_BENCH_DATA says where"
SOURCES = [pytest.param(RENDERS_OWN, id="renders own", marks=pytest.mark.skipif(not RENDERS_OWN.exists(), reason=NO_COPY)),
           pytest.param(MINIMAL, id="ours")]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
SERVICES = [ServicePlan(kind, type=kind, pre_deploy_command="migrate") for kind in KINDS]
PLAN = WorldPlan(
    [*SERVICES, ServicePlan("shop"), ServicePlan("disked", disk=DiskPlan(5))],
    [StorePlan("db")],
    [StorePlan("cache")],
)
RULE = {"enabled": True, "min": 1, "max": 3, "criteria": {
    "cpu": {"enabled": True, "percentage": 50}, "memory": {"enabled": False, "percentage": 50},
}}  # fmt: skip


@pytest.fixture(params=SOURCES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(PLAN, contract=Contract.load(request.param), limits_scale=100)


def tour_services(stage: Stage) -> None:
    for name in KINDS:
        stage.get(stage.path(name))
    path = stage.path("shop")
    stage.get("/services")
    stage.ask("PATCH", path, {"autoDeploy": "no"})
    stage.ask("PATCH", path, {"autoDeploy": "yes"})
    stage.ask("PUT", f"{path}/autoscaling", RULE)
    stage.break_("shop", "overload")
    stage.later(300)
    stage.get("/metrics/cpu-target", resource=path.split("/")[-1])
    stage.ask("DELETE", f"{path}/autoscaling")
    for verb in ("restart", "suspend", "resume"):
        stage.post(f"{path}/{verb}")
        stage.later(200)
    stage.post(f"{path}/scale", {"numInstances": 2})
    stage.get(f"{path}/instances")
    stage.get(f"{path}/env-vars")


def tour_deploys(stage: Stage) -> None:
    path = stage.path("web_service")
    good = stage.world.service("web_service").deploys[-1].id
    deploy = stage.post(f"{path}/deploys", {"clearCache": "clear", "deployMode": "build_and_deploy"})
    stage.get(f"{path}/deploys/{deploy['id']}")
    assert stage.ask("POST", f"{path}/deploys", {}).status == 202
    stage.post(f"{path}/deploys/{deploy['id']}/cancel")
    for symptom in ("build", "boot", "pre_deploy", "crash", "errors", "oom"):
        push(stage.world, stage.world.service("web_service"), symptom)
        stage.later(150)
    stage.post(f"{path}/rollback", {"deployId": good})
    stage.later(300)
    stage.get(f"{path}/deploys", limit=100)
    for name in ("cron_job", "static_site"):
        stage.post(stage.path(name, "/deploys"), {})
        stage.later(300)


def tour_stores(stage: Stage) -> None:
    database, cache = f"/postgres/{stage.world.store('db').id}", f"/key-value/{stage.world.store('cache').id}"
    disk = f"/disks/{stage.world.service('disked').disk_id}"
    for verb in ("restart", "suspend", "resume", "export"):
        stage.post(f"{database}/{verb}")
        stage.later(100)
    stage.ask("POST", f"{database}/failover")
    stage.post(f"{database}/recovery", {"restoreTime": rfc3339(stage.clock() - 60)})
    stage.later(400)
    for verb in ("suspend", "resume"):
        stage.post(f"{cache}/{verb}")
        stage.later(100)
    for path in (
        database,
        f"{database}/recovery",
        f"{database}/export",
        "/postgres",
        cache,
        "/key-value",
        disk,
        "/disks",
    ):
        stage.get(path)
    stage.break_("disked", "disk_full")
    key = stage.get(f"{disk}/snapshots")[0]["snapshotKey"]
    stage.post(f"{disk}/snapshots/restore", {"snapshotKey": key})
    stage.later(300)
    stage.ask("PATCH", disk, {"sizeGB": 9})
    stage.later(300)


def tour_webhooks(stage: Stage) -> None:
    body = {
        "ownerId": OWNER,
        "name": "w",
        "url": "http://127.0.0.1:9",
        "enabled": True,
        "eventFilter": ["server_failed"],
    }
    path = f"/webhooks/{stage.post('/webhooks', body)['id']}"
    stage.break_("shop", "crash")
    stage.later(30)
    deliveries = stage.world.hooks.take()
    stage.world.hooks.report(deliveries[0], 200, "thanks")
    stage.world.hooks.report(deliveries[1], 0, error="refused")
    assert len(stage.get(f"{path}/events")) == 2
    stage.get("/webhooks")
    stage.get(path)
    stage.ask("PATCH", path, {"enabled": False})
    stage.ask("DELETE", path)


def tour_views(stage: Stage) -> None:
    stage.get("/owners")
    stage.get(f"/owners/{OWNER}")
    services, stores = list(stage.world.services), list(stage.world.stores)
    for operation in api_module.ROUTES:
        if operation.startswith("GET /metrics/"):
            stage.get(
                operation.removeprefix("GET "), resource=services if "active" not in operation else stores
            )
    stage.get("/logs", ownerId=OWNER, resource=services, limit=100)
    for name in ("shop", "web_service", "disked"):
        stage.get(stage.path(name, "/events"), limit=100)
    for event in stage.world.events.all:
        stage.ask("GET", f"/events/{event.id}")


def test_every_reply_of_every_endpoint_keeps_the_contract(stage: Stage) -> None:
    for tour in (tour_services, tour_deploys, tour_stores, tour_webhooks, tour_views):
        tour(stage)
    assert stage.api.violations == []
    assert stage.api.unserved == []
    assert set(api_module.ROUTES) <= set(stage.api.by_operation())


def test_our_own_contract_asks_for_nothing_that_renders_does_not() -> None:
    if not RENDERS_OWN.exists():
        pytest.skip(NO_COPY)
    ours, theirs = Contract.load(MINIMAL), Contract.load(RENDERS_OWN)
    known = {operation.name: operation for operation in theirs.operations}
    assert {operation.name for operation in ours.operations} == set(api_module.ROUTES)
    for operation in ours.operations:
        other = known[operation.name]
        assert _good(operation) == _good(other), operation.name
        assert {(each.place, each.name) for each in operation.parameters} <= {
            (each.place, each.name) for each in other.parameters
        }
        assert (operation.body is None) is (other.body is None), operation.name


def _good(operation: Operation) -> dict[int, bool]:
    """The statuses of success, and whether each has a body."""
    return {status: schema is not None for status, schema in operation.replies.items() if status < 300}


# --- requests that break it ---


@pytest.mark.parametrize(
    ("method", "path", "raw", "kind"),
    [
        ("POST", "/scale", b"", "application/json"),
        ("POST", "/scale", b"{", "application/json"),
        ("POST", "/scale", b"[]", "application/json"),
        ("POST", "/scale", b"{}", "application/json"),
        ("POST", "/scale", b'{"numInstances": "2"}', "application/json"),
        ("POST", "/scale", b'{"numInstances": 2, "why": "load"}', "application/json"),
        ("POST", "/scale", b'{"numInstances": 2}', "text/plain"),
        ("POST", "/restart", b'{"now": true}', "application/json"),
        ("POST", "/rollback", b'{"deploy": "dep-1"}', "application/json"),
        ("PATCH", "", b'{"autoDeploy": true}', "application/json"),
    ],
)  # fmt: skip
def test_a_body_that_breaks_the_contract_is_refused_and_nothing_is_done(
    stage: Stage, method: str, path: str, raw: bytes, kind: str
) -> None:
    header = {"authorization": f"Bearer {stage.api.key}", "content-type": kind}
    reply = stage.api.answer(Asked(method, stage.path("shop", path), (), header, raw))
    assert (reply.status, set(reply.body)) == (400, {"id", "message"})
    assert (stage.world.events.all, stage.api.violations) == ([], [])


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 101}, {"limit": "many"}, {"limit": [1, 2]}, {"page": 2}, {"suspended": "perhaps"},
     {"createdAfter": "yesterday"}, {"createdAfter": "2026-01-01T00:00:00"}, {"includePreviews": "maybe"}],
)  # fmt: skip
def test_a_query_that_breaks_the_contract_is_refused(stage: Stage, query: dict[str, Any]) -> None:
    assert stage.ask("GET", "/services", **query).status == 400


def test_a_caller_who_takes_no_json_is_told_so(stage: Stage) -> None:
    header = {"authorization": f"Bearer {stage.api.key}", "accept": "text/html"}
    assert stage.api.answer(Asked("GET", "/services", (), header)).status == 406


# --- replies that break it ---


@pytest.mark.parametrize(
    "wrong",
    [
        Reply(200, {"id": "srv-1"}),
        Reply(200),
        Reply(202),
        Reply(200, "shop"),
        Reply(418, {"id": "a", "message": "b"}),
    ],
)
def test_a_reply_of_ours_that_breaks_the_contract_is_a_500_and_written_down(
    stage: Stage, wrong: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(api_module.ROUTES, "GET /services/{serviceId}", lambda _, __: wrong)
    assert stage.ask("GET", stage.path("shop")).status == 500
    [violation] = stage.api.violations
    assert stage.path("shop") in violation


def test_a_body_where_none_is_documented_breaks_it_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api_module.ROUTES, "POST /services/{serviceId}/restart", lambda _, __: Reply(200, {}))
    assert stage.ask("POST", stage.path("shop", "/restart")).status == 500
    assert len(stage.api.violations) == 1


def changed(service: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    """A copy with one value changed; `to` None removes it."""
    copy = json.loads(json.dumps(service))
    node = copy
    for name in path[:-1]:
        node = node[name]
    node.pop(path[-1])
    if to is not None:
        node[path[-1]] = to
    return dict(copy)


@pytest.mark.parametrize(
    ("path", "to"),
    [(("suspended",), True), (("createdAt",), "yesterday"), (("serviceDetails", "numInstances"), "2"), (("slug",), None),
     (("serviceDetails", "url"), None), (("serviceDetails",), {}), (("suspenders",), ["me"]), (("type",), "cron_job")],
)  # fmt: skip
def test_each_part_of_a_service_is_judged(stage: Stage, path: tuple[str, ...], to: Any) -> None:
    found, _ = stage.api.contract.find("GET", stage.path("shop")) or (None, {})
    service = stage.get(stage.path("shop"))
    assert stage.api.contract.reply_errors(found, 200, service) == []
    assert stage.api.contract.reply_errors(found, 200, changed(service, *path, to=to)) != []


def test_details_of_another_kind_of_event_are_found_in_a_reply(stage: Stage) -> None:
    event = stage.world.emit(
        stage.world.service("shop").id, "server_available", fromInstances=1, toInstances=2
    )
    assert stage.ask("GET", f"/events/{event.id}").status == 500
    assert len(stage.api.violations) == 1


@pytest.mark.parametrize(
    ("kind", "details", "good"),
    [
        ("server_failed", {"reason": {"evicted": False, "nonZeroExit": 1}}, True),
        ("server_failed", {"reason": {"nonZeroExit": 1}}, False),
        ("server_failed", {"deployId": "dep-1"}, False),
        ("instance_count_changed", {"fromInstances": 1, "toInstances": 2}, True),
        ("instance_count_changed", {"reason": {"evicted": False}}, False),
        ("server_available", {}, True),
        ("deploy_ended", {"deployId": "dep-1", "deployStatus": "succeeded"}, False),
        ("postgres_restore_succeeded", {}, True),
        ("postgres_restore_succeeded", {"to": "noon"}, False),
    ],
)
def test_details_of_events_are_judged_by_their_type(
    stage: Stage, kind: str, details: dict[str, Any], good: bool
) -> None:
    assert (stage.api.contract.event_errors(kind, details) == []) is good
