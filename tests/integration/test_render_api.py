"""The stand-in for Render: services, their instances, pages of lists, and what it refuses."""

from collections.abc import Iterator

import pytest

from tests.fixtures.render_api import KEY, RenderApi, ServicePlan, WorldPlan
from tests.fixtures.render_api.asking import Asking, Stage

PROD = "evm-1"


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    assert stage.api.violations == []
    assert stage.api.unserved == []


def names(items: list[dict[str, dict[str, str]]]) -> list[str]:
    return [item["service"]["name"] for item in items]


def instances(stage: Stage, service: str) -> set[str]:
    return {each["id"] for each in stage.get(stage.path(service, "/instances"))}


# --- who may ask, and what ---


def test_a_call_without_the_right_key_is_refused(stage: Stage) -> None:
    assert stage.ask("GET", "/services").status == 200
    assert Asking(stage.api, key="rnd_other").ask("GET", "/services").status == 401
    assert Asking(stage.api, key="").ask("GET", "/services").body["message"] == "Unauthorized"


def test_what_is_not_documented_is_not_found(stage: Stage) -> None:
    assert stage.ask("GET", "/nothing").status == 404
    assert stage.ask("DELETE", stage.path("shop", "/restart")).status == 404
    assert stage.ask("GET", "/services/srv-00000000000000000000").status == 404


def test_what_is_documented_but_not_built_is_written_down() -> None:
    stage = Stage()
    if stage.api.contract.source != "contract.json":
        assert stage.ask("GET", "/projects").status == 404
        assert stage.api.unserved == ["GET /projects"]


# --- lists ---


def test_services_are_filtered_by_what_is_asked(stage: Stage) -> None:
    assert names(stage.get("/services", name="shop")) == ["shop"]
    assert set(names(stage.get("/services", type=["cron_job", "static_site"]))) == {"nightly", "landing"}
    assert set(names(stage.get("/services", type="cron_job,static_site"))) == {"nightly", "landing"}
    assert stage.get("/services", region="oregon") == []
    assert stage.get("/services", environmentId=PROD) == []
    stage.post(stage.path("shop", "/suspend"))
    assert names(stage.get("/services", suspended="suspended")) == ["shop"]
    born = stage.get(stage.path("shop"))["createdAt"]
    assert stage.get("/services", createdAfter=born) == []


def test_pages_hold_all_services_once() -> None:
    many = Stage(WorldPlan([ServicePlan(f"s{n}") for n in range(45)]))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while page := many.get("/services", limit=20, **cursor):
        seen += names(page)
        cursor = {"cursor": page[-1]["cursor"]}
    assert sorted(seen) == sorted(f"s{n}" for n in range(45))
    assert len(many.get("/services")) == 20
    assert many.api.violations == []


def test_a_cursor_keeps_its_place_while_newer_items_arrive(stage: Stage) -> None:
    for _ in range(4):
        stage.post(stage.path("shop", "/restart"))
        stage.later(5)
    first = stage.get(stage.path("shop", "/events"), limit=2)
    stage.post(stage.path("shop", "/restart"))
    stage.later(30)
    rest = stage.get(stage.path("shop", "/events"), limit=2, cursor=first[-1]["cursor"])
    ids = [item["event"]["id"] for item in [*first, *rest]]
    assert len(set(ids)) == 4
    times = [item["event"]["timestamp"] for item in [*first, *rest]]
    assert times == sorted(times, reverse=True)


def test_a_cursor_that_is_none_of_ours_is_refused_by_name(stage: Stage) -> None:
    reply = stage.ask("GET", "/services", cursor="nonsense")
    assert (reply.status, reply.body["code"]) == (400, "invalid_cursor")


# --- instances ---


def test_a_restart_answers_nothing_and_replaces_all_instances_after_an_overlap(stage: Stage) -> None:
    before = instances(stage, "shop")
    reply = stage.ask("POST", stage.path("shop", "/restart"))
    assert (reply.status, reply.body) == (200, None)
    stage.later(20)
    both = instances(stage, "shop")
    assert before < both
    stage.later(60)
    assert instances(stage, "shop") == both - before
    assert "server_restarted" in stage.event_types("shop")


@pytest.mark.parametrize("service", ["nightly", "landing"])
def test_what_has_no_instances_is_not_restarted(stage: Stage, service: str) -> None:
    assert stage.ask("POST", stage.path(service, "/restart")).status == 400
    assert stage.get(stage.path(service, "/instances")) == []


def test_a_suspended_service_has_no_instances_and_its_resumption_is_a_deploy(stage: Stage) -> None:
    assert stage.ask("POST", stage.path("shop", "/suspend")).status == 202
    service = stage.get(stage.path("shop"))
    assert (service["suspended"], service["suspenders"]) == ("suspended", ["user"])
    assert instances(stage, "shop") == set()
    assert stage.ask("POST", stage.path("shop", "/restart")).status == 400
    assert stage.ask("POST", stage.path("shop", "/deploys"), {}).status == 409
    assert stage.ask("POST", stage.path("shop", "/resume")).status == 202
    stage.later(60)
    newest, before = (item["deploy"] for item in stage.get(stage.path("shop", "/deploys"), limit=2))
    assert (newest["trigger"], newest["status"]) == ("service_resumed", "live")
    assert newest["commit"] == before["commit"]
    assert stage.condition("shop") == ""


# --- scaling ---


def test_scaling_answers_nothing_and_changes_the_number_of_instances(stage: Stage) -> None:
    reply = stage.ask("POST", stage.path("search", "/scale"), {"numInstances": 4})
    assert (reply.status, reply.body) == (202, None)
    stage.later(10)
    assert len(instances(stage, "search")) == 4
    stage.post(stage.path("search", "/scale"), {"numInstances": 1})
    stage.later(100)
    assert len(instances(stage, "search")) == 1
    assert stage.event_types("search").count("instance_count_changed") == 2


@pytest.mark.parametrize(
    ("service", "wanted"), [("search", 0), ("search", 101), ("reports", 2), ("nightly", 2)]
)
def test_numbers_that_cannot_be_are_refused(stage: Stage, service: str, wanted: int) -> None:
    assert stage.ask("POST", stage.path(service, "/scale"), {"numInstances": wanted}).status == 400


def autoscaling(least: int, most: int, percentage: int = 60) -> dict[str, object]:
    criterion = {"enabled": True, "percentage": percentage}
    return {
        "enabled": True, "min": least, "max": most,
        "criteria": {"cpu": criterion, "memory": criterion | {"enabled": False}},
    }  # fmt: skip


def test_scaling_by_hand_is_ignored_while_autoscaling_is_on(stage: Stage) -> None:
    assert stage.ask("PUT", stage.path("search", "/autoscaling"), autoscaling(1, 5)).status == 200
    assert stage.ask("POST", stage.path("search", "/scale"), {"numInstances": 3}).status == 202
    stage.later(10)
    assert len(instances(stage, "search")) == 1
    stage.break_("search", "overload")
    stage.later(200)
    assert len(instances(stage, "search")) == 3
    assert {"autoscaling_started", "autoscaling_ended"} <= set(stage.event_types("search"))
    assert stage.ask("DELETE", stage.path("search", "/autoscaling")).status == 204
    stage.post(stage.path("search", "/scale"), {"numInstances": 4})
    stage.later(10)
    assert len(instances(stage, "search")) == 4


def test_autoscaling_that_is_set_but_not_enabled_scales_nothing(stage: Stage) -> None:
    stage.ask("PUT", stage.path("search", "/autoscaling"), autoscaling(1, 5) | {"enabled": False})
    stage.break_("search", "overload")
    stage.later(200)
    assert len(instances(stage, "search")) == 1
    stage.post(stage.path("search", "/scale"), {"numInstances": 2})
    stage.later(10)
    assert len(instances(stage, "search")) == 2


@pytest.mark.parametrize(
    "rule", [autoscaling(3, 2), autoscaling(0, 2), autoscaling(1, 101), autoscaling(1, 2, 91)]
)
def test_autoscaling_that_cannot_be_is_refused(stage: Stage, rule: dict[str, object]) -> None:
    assert stage.ask("PUT", stage.path("search", "/autoscaling"), rule).status == 400


# --- changes and settings ---


def test_auto_deploy_is_turned_off_and_on_and_told(stage: Stage) -> None:
    assert stage.ask("PATCH", stage.path("shop"), {"autoDeploy": "no"}).body["autoDeploy"] == "no"
    assert stage.ask("PATCH", stage.path("shop"), {"autoDeploy": "yes"}).body["autoDeploy"] == "yes"
    stage.later(10)
    assert stage.event_types("shop")[:2] == ["auto_deploy_enabled", "auto_deploy_disabled"]


def test_a_change_that_would_be_dropped_is_refused(stage: Stage) -> None:
    assert stage.ask("PATCH", stage.path("shop"), {"rootDir": "elsewhere"}).status == 400
    assert stage.ask("PATCH", stage.path("shop"), {"autodeploy": "no"}).status == 400


def test_environment_variables_come_with_their_values(stage: Stage) -> None:
    [item] = stage.get(stage.path("api", "/env-vars"))
    assert item["envVar"] == {"key": "LOG_LEVEL", "value": "info"}


def test_the_same_seed_gives_the_same_world() -> None:
    assert Stage(seed=3).get("/services") == Stage(seed=3).get("/services")
    assert Stage(seed=3).get("/services") != Stage(seed=4).get("/services")


def test_a_key_of_ones_own_takes_the_place_of_the_printed_one() -> None:
    api = RenderApi(Stage().world, key="rnd_mine")
    assert Asking(api, key=KEY).ask("GET", "/owners").status == 401
    assert Asking(api).ask("GET", "/owners").status == 200
