"""The stand-in for Render: limits of calls, how a refusal tells its end, and calls that fail by design."""

import pytest

from tests.fixtures.render_api import Troubles
from tests.fixtures.render_api.asking import Stage


def statuses(stage: Stage, method: str, path: str, count: int, body: object = None) -> list[int]:
    return [stage.ask(method, path, body).status for _ in range(count)]


@pytest.mark.parametrize(
    ("method", "path", "body", "limit"),
    [
        ("GET", "/owners", None, 400),
        ("POST", "/services/{shop}/restart", None, 30),
        ("POST", "/services/{shop}/scale", {"numInstances": 2}, 30),
        ("POST", "/services/{shop}/resume", None, 10),
        ("POST", "/services/{shop}/deploys", {"clearCache": "never"}, 10),
        ("PATCH", "/services/{shop}", {"autoDeploy": "yes"}, 10),
        ("GET", "/logs", None, 30),
    ],
)
def test_each_bucket_admits_its_number_in_any_sixty_seconds(
    method: str, path: str, body: object, limit: int
) -> None:
    stage = Stage()
    path = path.replace("{shop}", stage.world.service("shop").id)
    assert 429 not in statuses(stage, method, path, limit // 2, body)
    stage.later(40)
    assert 429 not in statuses(stage, method, path, limit - limit // 2, body)
    assert stage.ask(method, path, body).status == 429
    stage.later(21)
    assert 429 not in statuses(stage, method, path, limit // 2, body)
    assert stage.ask(method, path, body).status == 429
    assert list(stage.api.beyond_limits().values()) == [2]
    assert stage.api.violations == []


def test_the_limit_of_one_service_is_not_that_of_another() -> None:
    stage = Stage()
    assert 429 in statuses(stage, "POST", stage.path("shop", "/resume"), 11)
    assert stage.ask("POST", stage.path("search", "/resume")).status == 202
    assert stage.ask("POST", stage.path("shop", "/restart")).status == 200
    assert stage.ask("GET", "/services").status == 200


def test_every_reply_tells_what_is_left() -> None:
    stage = Stage()
    stage.get("/services")
    headers = stage.ask("GET", "/services").headers
    assert (headers["Ratelimit-Limit"], headers["Ratelimit-Remaining"]) == ("400", "398")


@pytest.mark.parametrize(
    ("form", "name", "low"), [("epoch", "Ratelimit-Reset", 1), ("delta", "Ratelimit-Reset", 0), ("retry_after", "Retry-After", 0)]
)  # fmt: skip
def test_a_refusal_tells_its_end_in_each_form_and_keeps_it(form: str, name: str, low: int) -> None:
    stage = Stage(reset_form=form)
    path = stage.path("shop", "/restart")
    statuses(stage, "POST", path, 10)
    stage.later(8)
    statuses(stage, "POST", path, 20)
    stage.later(10)
    refused = stage.ask("POST", path)
    assert refused.status == 429
    wait_s = float(refused.headers[name]) - low * stage.clock()
    assert 41 < wait_s <= 44
    assert ("Ratelimit-Reset" in refused.headers) is (form != "retry_after")
    stage.later(wait_s)
    assert stage.ask("POST", path).status == 200


# --- calls that fail by design ---


def test_a_share_of_calls_fails_the_same_way_with_the_same_seed() -> None:
    def seen(seed: int) -> list[str]:
        stage = Stage(troubles=Troubles(share=0.1), seed=seed, limits_scale=100)
        for _ in range(500):
            stage.ask("GET", "/owners")
        assert stage.api.violations == []
        return [call.trouble for call in stage.api.calls]

    first = seen(1)
    assert first == seen(1) != seen(2)
    assert 30 <= sum(map(bool, first)) <= 70
    assert set(first) == {"", *Troubles().kinds}


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("503", 503), ("429", 429)])
def test_a_failed_call_has_done_nothing(kind: str, status: int) -> None:
    stage = Stage(troubles=Troubles(outage=kind))
    reply = stage.ask("POST", stage.path("shop", "/suspend"))
    assert (reply.status, set(reply.body)) == (status, {"id", "message"})
    assert not stage.world.service("shop").suspended
    assert 0 < float(reply.headers["Ratelimit-Reset"]) - stage.clock() < 70


def test_a_lost_answer_belongs_to_a_call_that_was_done_and_a_reset_to_one_that_was_not() -> None:
    stage = Stage(troubles=Troubles(outage="lost"))
    assert stage.ask("POST", stage.path("shop", "/suspend")).cut
    assert stage.world.service("shop").suspended
    stage.api.troubles = Troubles(outage="reset")
    assert stage.ask("POST", stage.path("search", "/suspend")).cut
    assert not stage.world.service("search").suspended


def test_a_slow_call_is_done_and_answers_late() -> None:
    stage = Stage(troubles=Troubles(outage="slow", slow_s=3))
    reply = stage.ask("GET", "/owners")
    assert (reply.status, reply.delay_s) == (200, 3)


@pytest.mark.parametrize("wrong", [{"share": 1.5}, {"outage": "sunspots"}, {"kinds": ("500", "boredom")}])
def test_troubles_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"share|trouble"):
        Troubles(**wrong)  # type: ignore[arg-type]  # wrong on purpose
