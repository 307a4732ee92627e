"""The stand-in for Render: Postgres, Key Value, disks, owners and webhooks through the API."""

from collections.abc import Iterator

import pytest

from tests.fixtures.render_api import OWNER, ServicePlan, WorldPlan
from tests.fixtures.render_api.asking import Stage
from tests.fixtures.render_api.stamps import rfc3339, unix
from tests.fixtures.render_api.world.loading import DiskPlan

DAY_S = 86_400.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    assert stage.api.violations == []


@pytest.fixture
def postgres(stage: Stage) -> str:
    return f"/postgres/{stage.world.store('shop-db').id}"


def test_a_restart_takes_a_database_away_for_a_while(stage: Stage, postgres: str) -> None:
    assert stage.ask("POST", f"{postgres}/restart").status == 202
    assert stage.get(postgres)["status"] == "unavailable"
    stage.later(30)
    assert stage.get(postgres)["status"] == "available"
    assert stage.ask("POST", f"{postgres}/failover").status == 400


@pytest.mark.parametrize("first", ["restart", "resume"])
def test_a_suspension_outlasts_what_began_before(stage: Stage, postgres: str, first: str) -> None:
    stage.post(f"{postgres}/{first}")
    stage.post(f"{postgres}/suspend")
    stage.later(60)
    assert stage.get(postgres)["status"] == "suspended"
    assert stage.ask("POST", f"{postgres}/restart").status == 400


@pytest.mark.parametrize("kind", ["postgres", "key-value"])
def test_stores_are_suspended_and_resumed(stage: Stage, kind: str) -> None:
    name = {"postgres": "shop-db", "key-value": "sessions"}[kind]
    path = f"/{kind}/{stage.world.store(name).id}"
    assert stage.ask("POST", f"{path}/suspend").status == 202
    assert stage.get(path)["status"] == "suspended"
    assert stage.ask("POST", f"{path}/resume").status == 202
    stage.later(30)
    assert stage.get(path)["status"] == "available"


def test_a_key_value_store_has_no_restart(stage: Stage) -> None:
    assert stage.ask("POST", f"/key-value/{stage.world.store('sessions').id}/restart").status == 404


def test_a_recovery_is_a_new_instance_beside_the_old(stage: Stage, postgres: str) -> None:
    assert stage.get(f"{postgres}/recovery")["recoveryStatus"] == "AVAILABLE"
    to = rfc3339(stage.clock() - 3600)
    new = stage.post(f"{postgres}/recovery", {"restoreTime": to, "restoreName": "shop-db-before"})
    assert (new["name"], new["status"]) == ("shop-db-before", "creating")
    assert new["id"] not in postgres
    stage.later(400)
    assert stage.get(f"/postgres/{new['id']}")["status"] == "available"
    assert len(stage.get("/postgres")) == 2
    assert stage.get("/postgres", name="shop-db")[0]["postgres"]["status"] == "available"


@pytest.mark.parametrize("ago_s", [8 * DAY_S, -60.0])
def test_a_time_that_cannot_be_recovered_is_refused(stage: Stage, postgres: str, ago_s: float) -> None:
    body = {"restoreTime": rfc3339(stage.clock() - ago_s)}
    assert stage.ask("POST", f"{postgres}/recovery", body).status == 400


def test_a_backup_that_is_not_ready_recovers_nothing(stage: Stage, postgres: str) -> None:
    stage.world.store("shop-db").recovery = "BACKUP_NOT_READY"
    assert stage.get(f"{postgres}/recovery") == {"recoveryStatus": "BACKUP_NOT_READY"}
    assert stage.ask("POST", f"{postgres}/recovery", {"restoreTime": rfc3339(stage.clock())}).status == 400


def test_an_export_is_listed_when_it_is_done(stage: Stage, postgres: str) -> None:
    assert stage.ask("POST", f"{postgres}/export").status == 202
    assert stage.get(f"{postgres}/export") == []
    stage.later(90)
    [export] = stage.get(f"{postgres}/export")
    assert export["url"].startswith("https://")


# --- disks ---


def test_a_restored_snapshot_needs_a_key_of_the_last_day_and_is_deployed(stage: Stage) -> None:
    path = f"/disks/{stage.world.service('reports').disk_id}"
    listed = stage.ask("GET", f"{path}/snapshots")
    assert (listed.status, len(listed.body)) == (201, 7)
    old = {"snapshotKey": listed.body[0]["snapshotKey"]}
    stage.later(DAY_S + 60)
    assert stage.ask("POST", f"{path}/snapshots/restore", old).status == 400
    fresh = stage.get(f"{path}/snapshots")
    stage.break_("reports", "disk_full")
    assert (
        stage.ask("POST", f"{path}/snapshots/restore", {"snapshotKey": fresh[0]["snapshotKey"]}).status == 200
    )
    stage.later(200)
    assert stage.condition("reports") == ""
    [newest, *_] = stage.get(stage.path("reports", "/deploys"))
    assert newest["deploy"]["trigger"] == "service_updated"
    [disk] = stage.get("/disks", serviceId=stage.world.service("reports").id)
    assert disk["disk"]["mountPath"] == "/data"


def test_a_disk_has_a_snapshot_of_each_of_the_last_seven_days(stage: Stage) -> None:
    path = f"/disks/{stage.world.service('reports').disk_id}/snapshots"
    stage.later(3.5 * DAY_S)
    times = [unix(snapshot["createdAt"]) for snapshot in stage.get(path)]
    assert len(times) == 7
    assert 0 < stage.clock() - times[0] < DAY_S
    assert 6 * DAY_S < stage.clock() - times[-1] < 7 * DAY_S


def test_a_disk_forces_one_instance() -> None:
    stage = Stage(WorldPlan([ServicePlan("reports", instances=3, disk=DiskPlan())]))
    assert len(stage.get(stage.path("reports", "/instances"))) == 1


# --- owners and webhooks ---


def test_owners_are_listed(stage: Stage) -> None:
    [item] = stage.get("/owners")
    assert stage.get(f"/owners/{OWNER}") == item["owner"]
    assert stage.ask("GET", "/owners/tea-other").status == 404


def test_webhooks_are_made_changed_and_removed(stage: Stage) -> None:
    body = {
        "ownerId": OWNER,
        "name": "watch",
        "url": "https://watch.example",
        "enabled": True,
        "eventFilter": [],
    }
    made = stage.post("/webhooks", body)
    assert made["secret"].startswith("whsec_")
    path = f"/webhooks/{made['id']}"
    assert stage.ask("PATCH", path, {"eventFilter": ["server_failed"]}).body["eventFilter"] == [
        "server_failed"
    ]
    assert stage.ask("PATCH", path, {"eventFilter": ["server_happy"]}).status == 400
    assert [item["webhook"]["id"] for item in stage.get("/webhooks", ownerId=OWNER)] == [made["id"]]
    removed = stage.ask("DELETE", path)
    assert (removed.status, removed.body) == (204, None)
    assert stage.ask("GET", path).status == 404
    assert stage.ask("POST", "/webhooks", body | {"ownerId": "tea-other"}).status == 404
