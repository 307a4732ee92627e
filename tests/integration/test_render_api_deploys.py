"""The stand-in for Render: the life of deploys, what queues, what fails, and what a rollback leaves as it was."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.render_api import ServicePlan, WorldPlan, push
from tests.fixtures.render_api.asking import Stage

WHOLE_DEPLOY_S = 200.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    assert stage.api.violations == []


def deploys(stage: Stage, service: str = "shop") -> list[dict[str, Any]]:
    return [item["deploy"] for item in stage.get(stage.path(service, "/deploys"))]


def statuses(stage: Stage, service: str = "shop") -> list[str]:
    return [deploy["status"] for deploy in deploys(stage, service)]


def push_to(stage: Stage, symptom: str = "", service: str = "shop") -> str:
    return push(stage.world, stage.world.service(service), symptom).id


def test_a_deploy_goes_through_its_stages_and_the_one_before_is_deactivated(stage: Stage) -> None:
    reply = stage.ask("POST", stage.path("shop", "/deploys"), {})
    assert (reply.status, reply.body["status"], reply.body["trigger"]) == (201, "created", "api")
    seen = []
    for _ in range(200):
        seen.append(stage.get(stage.path("shop", f"/deploys/{reply.body['id']}"))["status"])
        stage.later(1)
    assert list(dict.fromkeys(seen)) == ["created", "build_in_progress", "update_in_progress", "live"]
    assert statuses(stage) == ["live", "deactivated", "deactivated"]
    told = [name for name in stage.event_types("shop")[::-1] if "deploy" in name or "build" in name]
    assert told == ["deploy_started", "build_started", "build_ended", "deploy_ended"]


def test_the_old_instances_run_on_next_to_the_new_for_a_while(stage: Stage) -> None:
    before = {each["id"] for each in stage.get(stage.path("shop", "/instances"))}
    stage.post(stage.path("shop", "/deploys"), {})
    stage.later(115)
    assert deploys(stage)[0]["status"] == "live"
    now = {each["id"] for each in stage.get(stage.path("shop", "/instances"))}
    assert before < now
    stage.later(60)
    assert {each["id"] for each in stage.get(stage.path("shop", "/instances"))} == now - before


def test_a_service_with_a_disk_is_down_while_it_is_deployed(stage: Stage) -> None:
    stage.post(stage.path("reports", "/deploys"), {"deployMode": "deploy_only"})
    stage.later(5)
    assert stage.condition("reports") == "no instance is ready"
    stage.later(60)
    assert stage.condition("reports") == ""


def test_a_second_deploy_waits_without_a_body_and_a_third_is_refused(stage: Stage) -> None:
    assert stage.ask("POST", stage.path("shop", "/deploys"), {}).status == 201
    second = stage.ask("POST", stage.path("shop", "/deploys"), {"clearCache": "clear"})
    assert (second.status, second.body) == (202, None)
    assert statuses(stage)[0] == "queued"
    assert stage.ask("POST", stage.path("shop", "/deploys"), {}).status == 409
    stage.later(2 * WHOLE_DEPLOY_S)
    assert statuses(stage) == ["live", "deactivated", "deactivated", "deactivated"]


def test_a_push_takes_the_place_of_a_deploy_that_waits(stage: Stage) -> None:
    push_to(stage)
    push_to(stage)
    newest = push_to(stage)
    assert statuses(stage)[:3] == ["queued", "canceled", "created"]
    stage.later(2 * WHOLE_DEPLOY_S)
    assert (deploys(stage)[0]["commit"]["id"], deploys(stage)[0]["status"]) == (newest, "live")


@pytest.mark.parametrize(
    ("symptom", "status"),
    [("build", "build_failed"), ("boot", "update_failed"), ("pre_deploy", "pre_deploy_failed")],
)
def test_a_release_that_does_not_come_up_leaves_the_old_one(symptom: str, status: str) -> None:
    stage = Stage(WorldPlan([ServicePlan("shop", pre_deploy_command="migrate")]))
    push_to(stage, symptom)
    stage.later(WHOLE_DEPLOY_S)
    assert statuses(stage) == [status, "live", "deactivated"]
    assert stage.condition("shop") == ""
    [ended] = stage.get(stage.path("shop", "/events"), type="deploy_ended")
    assert ended["event"]["details"]["deployStatus"] == "failed"
    assert stage.api.violations == []


def test_a_health_check_keeps_a_bad_release_from_going_live() -> None:
    stage = Stage(WorldPlan([ServicePlan("shop", health_check_path="/health")], pace={"deploy_health_s": 60}))
    push_to(stage, "errors")
    stage.later(WHOLE_DEPLOY_S)
    assert statuses(stage)[0] == "update_failed"
    assert stage.condition("shop") == ""


def test_a_deploy_under_way_is_canceled_and_an_ended_one_is_not(stage: Stage) -> None:
    before = stage.get(stage.path("shop", "/instances"))
    deploy = stage.post(stage.path("shop", "/deploys"), {})
    stage.later(105)
    assert deploys(stage)[0]["status"] == "update_in_progress"
    cancel = stage.path("shop", f"/deploys/{deploy['id']}/cancel")
    assert stage.post(cancel)["status"] == "canceled"
    assert stage.ask("POST", cancel).status == 400
    stage.later(WHOLE_DEPLOY_S)
    assert statuses(stage) == ["canceled", "live", "deactivated"]
    assert stage.get(stage.path("shop", "/instances")) == before


def test_a_suspension_cancels_what_is_under_way_and_what_waits(stage: Stage) -> None:
    stage.post(stage.path("shop", "/deploys"), {})
    stage.post(stage.path("shop", "/deploys"), {})
    stage.post(stage.path("shop", "/suspend"))
    assert statuses(stage)[:2] == ["canceled", "canceled"]
    stage.later(2 * WHOLE_DEPLOY_S)
    assert stage.get(stage.path("shop", "/instances")) == []


def test_deploys_of_a_cron_job_are_not_canceled(stage: Stage) -> None:
    deploy = stage.post(stage.path("nightly", "/deploys"), {})
    assert stage.ask("POST", stage.path("nightly", f"/deploys/{deploy['id']}/cancel")).status == 400
    commit = {"commitId": deploy["commit"]["id"]}
    assert stage.ask("POST", stage.path("nightly", "/deploys"), commit).status == 400


def test_a_rollback_leaves_auto_deploy_on_so_that_the_next_push_undoes_it(stage: Stage) -> None:
    good = deploys(stage)[0]
    stage.break_("shop", "bad_deploy")
    stage.later(WHOLE_DEPLOY_S)
    assert stage.condition("shop") == "answers 500"
    reply = stage.ask("POST", stage.path("shop", "/rollback"), {"deployId": good["id"]})
    assert (reply.status, reply.body["trigger"], reply.body["commit"]) == (201, "rollback", good["commit"])
    stage.later(60)
    assert stage.condition("shop") == ""
    assert stage.get(stage.path("shop"))["autoDeploy"] == "yes"
    newest = push_to(stage, "errors")
    stage.later(WHOLE_DEPLOY_S)
    assert (deploys(stage)[0]["commit"]["id"], stage.condition("shop")) == (newest, "answers 500")


def test_with_auto_deploy_off_a_push_deploys_nothing_and_the_newest_commit_waits_for_a_call(
    stage: Stage,
) -> None:
    stage.ask("PATCH", stage.path("shop"), {"autoDeploy": "no"})
    newest = push_to(stage)
    stage.later(WHOLE_DEPLOY_S)
    assert len(deploys(stage)) == 2
    assert stage.post(stage.path("shop", "/deploys"), {})["commit"]["id"] == newest


def test_only_what_was_live_can_be_rolled_back_to(stage: Stage) -> None:
    push_to(stage, "build")
    stage.later(WHOLE_DEPLOY_S)
    failed = deploys(stage)[0]["id"]
    assert stage.ask("POST", stage.path("shop", "/rollback"), {"deployId": failed}).status == 400
    assert stage.ask("POST", stage.path("shop", "/rollback"), {"deployId": "dep-none"}).status == 404
    other = deploys(stage, "search")[0]["id"]
    assert stage.ask("POST", stage.path("shop", "/rollback"), {"deployId": other}).status == 404


def test_the_last_good_build_is_deployed_again_without_building(stage: Stage) -> None:
    push_to(stage, "build")
    stage.later(WHOLE_DEPLOY_S)
    deploy = stage.post(stage.path("shop", "/deploys"), {"deployMode": "deploy_only"})
    assert deploy["commit"]["id"] == deploys(stage)[2]["commit"]["id"]
    stage.later(5)
    assert deploys(stage)[0]["status"] == "update_in_progress"


@pytest.mark.parametrize(
    "body",
    [
        {"deployMode": "deploy_only", "clearCache": "clear"},
        {"deployMode": "deploy_only", "commitId": "0" * 40},
        {"deployMode": "tomorrow"},
        {"commitId": "0" * 40},
        {"imageUrl": "docker.io/library/nginx"},
        {"clearcache": "clear"},
    ],
)
def test_a_deploy_that_cannot_be_is_refused(stage: Stage, body: dict[str, str]) -> None:
    assert stage.ask("POST", stage.path("shop", "/deploys"), body).status == 400
    assert len(deploys(stage)) == 2


def test_deploys_are_filtered_by_status(stage: Stage) -> None:
    found = stage.get(stage.path("shop", "/deploys"), status=["live", "canceled"])
    assert [item["deploy"]["status"] for item in found] == ["live"]
