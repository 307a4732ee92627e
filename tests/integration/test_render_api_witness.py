"""Render's own client as an independent witness: it must understand every reply of the stand-in, field by field.

The client comes with the extra `contract`, which cannot share a lock with pandas; `make witness` fetches it into a
folder of its own and runs this.
"""

import json
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

import attrs
import pytest

from tests.fixtures.render_api import OWNER, RenderApi, build_world, push
from tests.fixtures.render_api.api import ROUTES
from tests.fixtures.render_api.asking import HandClock
from tests.fixtures.render_api.server import StandIn, serve
from tests.fixtures.render_api.stamps import rfc3339
from tests.fixtures.render_api.world.vandal import Blow, break_service

pytest.importorskip("render.public_api", reason="Render's client is the extra contract: make witness")

CRITERION = {"enabled": True, "percentage": 50}
RULE = {"enabled": True, "min": 1, "max": 4, "criteria": {"cpu": CRITERION, "memory": CRITERION}}
LOOSE = (
    "details",
    "service_details",
)  # the client takes the first alternative that fits, as the document allows
METRICS = sorted(name.removeprefix("GET /metrics/") for name in ROUTES if name.startswith("GET /metrics/"))


class Witness:
    """Asks through the client, with the client's own models, and compares what it understood with what was sent."""

    def __init__(self, render: StandIn, clock: HandClock) -> None:
        client = import_module("render.public_api.client").AuthenticatedClient
        self.render, self.clock, self.world = render, clock, render.api.world
        self.client = client(base_url=render.url, token=render.key, raise_on_unexpected_status=True)
        self.models = import_module("render.public_api.models")

    async def ask(self, name: str, *ids: str, body: tuple[str, object] | None = None, **query: Any) -> Any:
        """The body as it was sent; `body` is a model of the client and what to fill it with."""
        endpoint = import_module(f"render.public_api.api.{name}")
        if body:
            query["body"] = getattr(self.models, body[0]).from_dict(body[1])
        reply = await endpoint.asyncio_detailed(*ids, client=self.client, **query)
        assert 200 <= reply.status_code < 300, reply
        sent = json.loads(reply.content) if reply.content else None
        assert list(_lost(_moments(sent), _plain(reply.parsed), name)) == []
        assert list(_unknown(reply.parsed, name)) == []
        return sent

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.world.advance()

    def id(self, service: str) -> str:
        return self.world.service(service).id


def _plain(parsed: Any) -> Any:
    if isinstance(parsed, list):
        return [_plain(each) for each in parsed]
    return _moments(parsed.to_dict()) if hasattr(parsed, "to_dict") else parsed


def _moments(node: Any) -> Any:
    """Both ways of writing UTC are one."""
    if isinstance(node, dict):
        return {name: _moments(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_moments(each) for each in node]
    return node.replace("+00:00", "Z").replace(".000000", "") if isinstance(node, str) else node


def _lost(sent: Any, understood: Any, path: str) -> Iterator[str]:
    """What was sent and arrived otherwise. The client may add defaults of its own."""
    if isinstance(sent, dict) and isinstance(understood, dict):
        for name, value in sent.items():
            yield from _lost(value, understood.get(name), f"{path}.{name}")
    elif isinstance(sent, list) and isinstance(understood, list) and len(sent) == len(understood):
        for n, (one, other) in enumerate(zip(sent, understood, strict=True)):
            yield from _lost(one, other, f"{path}[{n}]")
    elif sent != understood:
        yield f"{path}: sent {sent!r}, understood {understood!r}"


def _unknown(node: Any, path: str) -> Iterator[str]:
    """Where the client met a property that its models do not have."""
    if isinstance(node, list):
        for each in node:
            yield from _unknown(each, path)
    if attrs.has(type(node)):
        if extra := getattr(node, "additional_properties", None):
            yield f"{path}: {', '.join(extra)}"
        for field in attrs.fields(type(node)):
            if field.name not in (*LOOSE, "additional_properties"):
                yield from _unknown(getattr(node, field.name), f"{path}.{field.name}")


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    clock = HandClock()
    async with serve(RenderApi(build_world(clock=clock), limits_scale=10)) as render:
        yield Witness(render, clock)
    assert render.api.violations == []


async def test_it_understands_services_of_every_kind(witness: Witness) -> None:
    listed = await witness.ask("services.list_services", limit=100)
    assert len({item["service"]["type"] for item in listed}) == 5
    for item in listed:
        await witness.ask("services.retrieve_service", item["service"]["id"])
    kinds = [witness.models.ServiceType.CRON_JOB, witness.models.ServiceType.STATIC_SITE]
    assert len(await witness.ask("services.list_services", type_=kinds)) == 2
    shop = witness.id("shop")
    await witness.ask("services.update_service", shop, body=("ServicePATCH", {"autoDeploy": "no"}))
    await witness.ask("services.update_service", shop, body=("ServicePATCH", {"autoDeploy": "yes"}))
    await witness.ask("services.get_env_vars_for_service", witness.id("api"))


async def test_it_understands_acts_on_services(witness: Witness) -> None:
    shop = witness.id("shop")
    await witness.ask("services.restart_service", shop)
    await witness.ask("services.scale_service", shop, body=("ScaleServiceBody", {"numInstances": 3}))
    witness.later(10)
    assert len(await witness.ask("services.list_instances", shop)) > 3
    await witness.ask("services.autoscale_service", shop, body=("AutoscalingConfig", RULE))
    await witness.ask("services.retrieve_service", shop)
    await witness.ask("services.delete_autoscaling_config", shop)
    await witness.ask("services.suspend_service", shop)
    await witness.ask("services.retrieve_service", shop)
    await witness.ask("services.resume_service", shop)


async def test_it_understands_deploys(witness: Witness) -> None:
    shop = witness.id("shop")
    good = witness.world.service("shop").deploys[-1].id
    first = await witness.ask(
        "deploys.create_deploy", shop, body=("CreateDeployBody", {"clearCache": "clear"})
    )
    waits = await witness.ask(
        "deploys.create_deploy", shop, body=("CreateDeployBody", {"deployMode": "deploy_only"})
    )
    assert waits is None
    await witness.ask("deploys.retrieve_deploy", shop, first["id"])
    await witness.ask("deploys.cancel_deploy", shop, first["id"])
    witness.later(300)
    await witness.ask("deploys.rollback_deploy", shop, body=("RollbackDeployBody", {"deployId": good}))
    witness.later(300)
    live = [witness.models.DeployStatus.LIVE]
    [item] = await witness.ask("deploys.list_deploys", shop, status=live)
    assert item["deploy"]["trigger"] == "rollback"
    assert len(await witness.ask("deploys.list_deploys", shop)) == 5


async def test_it_understands_every_event_that_happens(witness: Witness) -> None:
    world, shop = witness.world, witness.world.service("shop")
    for symptom in ("build", "boot", "errors", ""):
        push(world, shop, symptom)
        witness.later(300)
    for fault in ("crash", "oom", "suspended"):
        break_service(world, shop, Blow(fault=fault))
        witness.later(700)
    break_service(world, world.service("reports"), Blow(fault="disk_full"))
    witness.later(10)
    for service in (shop.id, witness.id("reports")):
        for item in await witness.ask("services.list_events", service, limit=100):
            if item["event"]["type"] not in (
                "suspender_added",
                "suspender_removed",
                "service_disk_usage_high",
            ):
                await witness.ask("events.retrieve_event", item["event"]["id"])
    failed = witness.models.ServiceEventType.SERVER_FAILED
    assert len(await witness.ask("services.list_events", shop.id, type_=failed)) >= 2


async def test_it_understands_logs_and_metrics(witness: Witness) -> None:
    witness.later(600)
    break_service(witness.world, witness.world.service("reports"), Blow(fault="crash"))
    witness.later(60)
    reports = witness.id("reports")
    logs = await witness.ask(
        "logs.list_logs", owner_id=OWNER, resource=[reports, witness.id("shop")], limit=1
    )
    assert logs["hasMore"]
    for metric in METRICS:
        resource = witness.world.store("shop-db").id if metric == "active-connections" else reports
        found = await witness.ask(f"metrics.get_{metric.replace('-', '_')}", resource=resource)
        assert found or metric in ("cpu-target", "memory-target", "replication-lag")


async def test_it_understands_stores_of_data(witness: Witness) -> None:
    database, cache = witness.world.store("shop-db").id, witness.world.store("sessions").id
    for verb in ("restart", "suspend", "resume"):
        await witness.ask(f"postgres.{verb}_postgres", database)
    await witness.ask("postgres.list_postgres")
    await witness.ask("postgres.retrieve_postgres", database)
    await witness.ask("postgres.retrieve_postgres_recovery_info", database)
    body = {"restoreTime": rfc3339(witness.clock() - 60), "restoreName": "before"}
    await witness.ask("postgres.recover_postgres", database, body=("RecoveryInput", body))
    await witness.ask("postgres.create_postgres_export", database)
    witness.later(100)
    assert len(await witness.ask("postgres.list_postgres_export", database)) == 1
    await witness.ask("key_value.list_key_value")
    for verb in ("retrieve", "suspend", "resume"):
        await witness.ask(f"key_value.{verb}_key_value", cache)


async def test_it_understands_disks(witness: Witness) -> None:
    disk = witness.world.service("reports").disk_id
    await witness.ask("disks.list_disks", service_id=[witness.id("reports")])
    await witness.ask("disks.retrieve_disk", disk)
    await witness.ask("disks.update_disk", disk, body=("DiskPATCH", {"sizeGB": 20}))
    witness.later(100)
    [newest, *_] = await witness.ask("disks.list_snapshots", disk)
    await witness.ask(
        "disks.restore_snapshot", disk, body=("SnapshotRestorePOST", {"snapshotKey": newest["snapshotKey"]})
    )


async def test_it_understands_owners_and_webhooks(witness: Witness) -> None:
    await witness.ask("workspaces.list_owners")
    await witness.ask("workspaces.retrieve_owner", OWNER)
    body = {
        "ownerId": OWNER,
        "name": "w",
        "url": "http://127.0.0.1:9",
        "enabled": True,
        "eventFilter": ["server_failed"],
    }
    made = await witness.ask("webhooks.create_webhook", body=("WebhookPOSTInput", body))
    await witness.ask("webhooks.list_webhooks")
    await witness.ask("webhooks.retrieve_webhook", made["id"])
    await witness.ask("webhooks.update_webhook", made["id"], body=("WebhookPATCHInput", {"name": "watch"}))
    await witness.ask("webhooks.list_webhook_events", made["id"])
    await witness.ask("webhooks.delete_webhook", made["id"])


async def test_it_takes_our_refusals_for_renders(witness: Witness) -> None:
    scale = import_module("render.public_api.api.services.scale_service")
    body = witness.models.ScaleServiceBody(num_instances=0)
    refused = await scale.asyncio_detailed(witness.id("shop"), client=witness.client, body=body)
    assert (refused.status_code, type(refused.parsed)) == (400, witness.models.Error)
    assert "numInstances is 0" in refused.parsed.message
