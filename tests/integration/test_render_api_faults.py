"""The stand-in for Render: each fault shows, lasts until the act that mends it, and the platform does its part."""

from itertools import pairwise

import pytest

from tests.fixtures.render_api import ServicePlan, WorldPlan, break_store, push
from tests.fixtures.render_api.asking import Stage
from tests.fixtures.render_api.stamps import unix
from tests.fixtures.render_api.world.answers import answer
from tests.fixtures.render_api.world.faults import KINDS, REASONS
from tests.fixtures.render_api.world.vandal import VandalError, heal

SETTLED_S = 200.0
ACTS = ("restart", "deploy", "clear_cache", "rollback", "scale", "resume")
MENDED_BY = {
    "errors": {"restart", "deploy", "clear_cache", "rollback"},
    "hang": {"restart", "deploy", "clear_cache", "rollback"},
    "slow": {"restart", "deploy", "clear_cache", "rollback"},
    "down": {"restart", "deploy", "clear_cache", "rollback"},
    "stale_cache": {"clear_cache"},
    "bad_deploy": {"rollback"},
    "suspended": {"resume"},
    "zero": {"scale"},
    "overload": {"scale"},
}


def act(stage: Stage, name: str, service: str = "shop") -> int:
    """What a healer would ask; the status of the reply."""
    live = [each for each in stage.world.service(service).deploys if each.status in ("live", "deactivated")]
    calls: dict[str, tuple[str, object]] = {
        "restart": ("/restart", None),
        "deploy": ("/deploys", {}),
        "clear_cache": ("/deploys", {"clearCache": "clear"}),
        "rollback": ("/rollback", {"deployId": live[0].id}),
        "scale": ("/scale", {"numInstances": 5}),
        "resume": ("/resume", None),
    }
    path, body = calls[name]
    return stage.ask("POST", stage.path(service, path), body).status


@pytest.mark.parametrize("fault", MENDED_BY)
@pytest.mark.parametrize("name", ACTS)
def test_only_the_acts_that_mend_a_fault_end_it(fault: str, name: str) -> None:
    stage = Stage()
    stage.break_("shop", fault)
    stage.later(SETTLED_S)
    assert stage.condition("shop") != ""
    status = act(stage, name)
    stage.later(SETTLED_S)
    assert (stage.condition("shop") == "") is (name in MENDED_BY[fault]), (
        f"{status} {stage.condition('shop')}"
    )
    assert stage.api.violations == []


def test_a_newer_good_commit_mends_a_bad_deploy() -> None:
    stage = Stage()
    stage.break_("shop", "bad_deploy")
    stage.later(SETTLED_S)
    push(stage.world, stage.world.service("shop"))
    stage.later(SETTLED_S)
    assert stage.condition("shop") == ""


@pytest.mark.parametrize("reason", REASONS)
def test_the_platform_restarts_what_crashed_and_tells_why(reason: str) -> None:
    stage = Stage()
    before = stage.get(stage.path("search", "/instances"))
    stage.break_("search", "crash", reason=reason)
    assert stage.condition("search") == "no instance is ready"
    stage.later(30)
    assert stage.condition("search") == ""
    after = stage.get(stage.path("search", "/instances"))
    assert after[0]["id"] != before[0]["id"]
    assert after[0]["createdAt"] > before[0]["createdAt"]
    up, failed = stage.get(stage.path("search", "/events"), type="server_failed,server_available")
    assert up["event"]["type"] == "server_available"
    assert failed["event"]["details"]["instanceID"] == before[0]["id"]
    assert reason in failed["event"]["details"]["reason"]
    assert stage.api.violations == []


def test_a_crash_loop_ends_in_a_suspension_by_the_platform() -> None:
    stage = Stage()
    stage.break_("search", "crash_loop")
    stage.later(60)
    act(stage, "restart", "search")
    stage.later(1200)
    service = stage.get(stage.path("search"))
    assert (service["suspended"], service["suspenders"]) == ("suspended", ["stuck_crashlooping"])
    types = stage.event_types("search")
    assert types.count("server_failed") >= 8
    assert "service_suspended" in types


def test_the_platform_waits_longer_after_each_crash_of_a_loop() -> None:
    stage = Stage()
    stage.break_("search", "crash_loop")
    stage.later(400)
    found = stage.get(stage.path("search", "/events"), type="server_failed")
    times = [unix(item["event"]["timestamp"]) for item in found]
    gaps_s = [later - earlier for later, earlier in pairwise(times)]
    assert sorted(gaps_s, reverse=True) == gaps_s
    assert gaps_s[0] > gaps_s[-1] + 50


def test_crashes_far_apart_are_no_loop() -> None:
    stage = Stage()
    for _ in range(12):
        stage.break_("search", "crash")
        stage.later(600)
    assert stage.condition("search") == ""


def test_a_resumed_service_begins_to_count_its_crashes_anew() -> None:
    stage = Stage()
    stage.break_("search", "crash_loop")
    stage.later(1200)
    heal(stage.world, stage.world.service("search"))
    act(stage, "resume", "search")
    stage.later(100)
    stage.break_("search", "crash")
    stage.later(100)
    assert stage.condition("search") == ""


def test_what_is_down_gets_no_instance_by_itself() -> None:
    stage = Stage()
    stage.break_("search", "down")
    stage.later(600)
    assert stage.get(stage.path("search", "/instances")) == []


@pytest.mark.parametrize("name", ["deploy", "rollback"])
def test_a_crash_loop_is_mended_by_a_release(name: str) -> None:
    stage = Stage()
    stage.break_("search", "crash_loop")
    stage.later(20)
    act(stage, name, "search")
    stage.later(400)
    assert stage.condition("search") == ""
    assert stage.get(stage.path("search"))["suspended"] == "not_suspended"


def memory(stage: Stage, service: str) -> list[float]:
    """The newest curve of one instance."""
    path = stage.world.service(service).id
    curves = stage.get("/metrics/memory", resource=path, resolutionSeconds=30)
    return [point["value"] for point in curves[-1]["values"]]


def test_a_leak_is_seen_growing_and_ends_at_the_limit() -> None:
    stage = Stage()
    stage.later(300)
    stage.break_("search", "oom")
    stage.later(500)
    assert stage.condition("search") == "broken: oom"
    seen = memory(stage, "search")
    limit = stage.get("/metrics/memory-limit", resource=stage.world.service("search").id)[0]["values"][0][
        "value"
    ]
    assert seen[2] < 0.35 * limit < 0.8 * limit < seen[-1] < limit
    stage.later(110)
    [failed] = stage.get(stage.path("search", "/events"), type="server_failed")
    assert failed["event"]["details"]["reason"]["oomKilled"] == {"memoryLimit": "512Mi"}
    stage.later(60)
    assert stage.condition("search") == ""
    assert memory(stage, "search")[-1] < 0.35 * limit


def test_a_restart_in_time_prevents_the_kill() -> None:
    stage = Stage()
    stage.break_("search", "oom")
    stage.later(590)  # its limit falls into the overlap: nobody is told of what is on its way out
    act(stage, "restart", "search")
    stage.later(600)
    assert "server_failed" not in stage.event_types("search")
    assert stage.condition("search") == ""


def test_a_leaking_release_leaks_again_after_each_restart() -> None:
    stage = Stage()
    stage.break_("search", "bad_deploy", symptom="oom")
    stage.later(2000)
    assert stage.event_types("search").count("server_failed") >= 2


def test_an_overload_is_slower_with_fewer_instances() -> None:
    stage = Stage()
    service = stage.world.service("search")
    service.rps, delays = 45.0, []
    for count in (1, 2, 4):
        act_body = {"numInstances": count}
        stage.ask("POST", stage.path("search", "/scale"), act_body)
        stage.later(20)
        delays.append(answer(stage.world, service).delay_s)
    assert delays[0] > delays[1] > delays[2]


def test_what_is_overloaded_refuses_until_there_are_enough_instances() -> None:
    stage = Stage()
    service = stage.world.service("search")
    stage.break_("search", "overload")
    assert answer(stage.world, service).status == 503
    stage.ask("POST", stage.path("search", "/scale"), {"numInstances": 2})
    stage.later(20)
    assert answer(stage.world, service).status == 200


def test_a_broken_private_service_is_cut_off_and_a_web_service_answers_502() -> None:
    stage = Stage()
    for name in ("pricing", "search"):
        stage.break_(name, "down")
    assert answer(stage.world, stage.world.service("pricing")).kind == "reset"
    assert answer(stage.world, stage.world.service("search")).status == 502


def test_what_is_suspended_is_broken_no_further() -> None:
    stage = Stage()
    stage.break_("search", "suspended")
    with pytest.raises(VandalError, match="suspended already"):
        stage.break_("search", "hang")


def test_a_bad_deploy_comes_without_auto_deploy_too() -> None:
    stage = Stage(WorldPlan([ServicePlan("shop", auto_deploy=False)]))
    stage.break_("shop", "bad_deploy")
    stage.later(SETTLED_S)
    assert stage.condition("shop") == "answers 500"


def test_a_failing_health_check_is_restarted_by_the_platform() -> None:
    stage = Stage(WorldPlan([ServicePlan("shop", health_check_path="/health")]))
    stage.break_("shop", "hang")
    stage.later(120)
    assert stage.condition("shop") == ""
    [failed] = stage.get(stage.path("shop", "/events"), type="server_failed")
    assert "unhealthy" in failed["event"]["details"]["reason"]


def test_who_depends_on_a_store_fails_with_it() -> None:
    stage = Stage()
    break_store(stage.world, stage.world.store("shop-db"), "down")
    assert stage.condition("api") == "shop-db is unavailable"
    assert stage.condition("search") == ""
    stage.post(f"/postgres/{stage.world.store('shop-db').id}/restart")
    stage.later(30)
    assert stage.condition("api") == ""


def test_a_full_disk_is_told_and_mended_by_its_size() -> None:
    stage = Stage()
    stage.break_("reports", "disk_full")
    stage.later(10)
    assert "service_disk_usage_high" in stage.event_types("reports")
    disk = stage.world.service("reports").disk_id
    assert stage.ask("PATCH", f"/disks/{disk}", {"sizeGB": 5}).status == 400
    assert stage.ask("PATCH", f"/disks/{disk}", {"sizeGB": 20}).status == 200
    stage.later(SETTLED_S)
    assert stage.condition("reports") == ""
    [usage] = stage.get("/metrics/disk-usage", resource=stage.world.service("reports").id)
    assert usage["values"][-1]["value"] == 10


@pytest.mark.parametrize(
    ("service", "blow"),
    [("shop", {"fault": "sulk"}), ("nightly", {"fault": "hang"}), ("shop", {"fault": "disk_full"}),
     ("shop", {"fault": "crash", "reason": "boredom"}), ("shop", {"fault": "bad_deploy", "symptom": "ugly"})],
)  # fmt: skip
def test_what_cannot_be_broken_so_is_refused_with_what_can(service: str, blow: dict[str, str]) -> None:
    stage = Stage()
    with pytest.raises(VandalError):
        stage.break_(service, blow.pop("fault"), **blow)
    assert stage.condition(service) == ""


def test_a_fault_can_be_told_what_mends_it() -> None:
    stage = Stage()
    stage.break_("shop", "errors", cured_by=("rollback",))
    act(stage, "restart")
    stage.later(SETTLED_S)
    assert stage.condition("shop") == "answers 500"
    act(stage, "rollback")
    stage.later(SETTLED_S)
    assert stage.condition("shop") == ""


def test_each_fault_is_tried_here() -> None:
    assert set(KINDS) == {*MENDED_BY, "crash", "crash_loop", "oom", "disk_full"}
