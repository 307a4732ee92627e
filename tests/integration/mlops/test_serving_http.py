import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlops.places import Places
from mlops.predictions.labels import matured
from mlops.predictions.reading import predictions
from mlops.predictions.records import ID_FORM
from tests.fixtures.extra import needs
from tests.fixtures.served_models import CREDIT, credit, lines, server, world

needs("fastapi", "uvicorn")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    world(folder)
    return folder


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with server(root) as (address, _):
        yield address


def ask(url: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def fields(url: str, body: Any) -> dict[str, str]:
    """{place: type} of a refusal."""
    status, answer = ask(url, body)
    assert status == 422, answer
    assert all(set(each) == {"loc", "msg", "type"} and each["loc"][0] == "body" for each in answer["detail"])
    return {".".join(map(str, each["loc"][1:])): each["type"] for each in answer["detail"]}


def until(condition: Any, within_s: float = 5.0) -> Any:
    end = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < end, "not reached"
        time.sleep(0.02)
    return found


def test_a_row_is_answered_with_what_the_model_says_and_the_id_of_the_prediction(url: str) -> None:
    expected = credit().model.score_row(CREDIT)
    for body in (CREDIT, {"features": CREDIT}, {**CREDIT, "customer": "Ada", "features_of": 3}):
        status, answer = ask(f"{url}/predict", body)
        assert status == 200
        assert list(answer) == ["prediction", "probability", "model_version", "prediction_id", "timestamp"]
        assert (answer["prediction"], answer["probability"]) == expected
        assert answer["model_version"] == 1
        assert re.search(ID_FORM, answer["prediction_id"])
        assert answer["timestamp"].endswith("Z")


def test_a_regression_has_no_probability_and_words_are_answered_in_words(url: str) -> None:
    _, price = ask(f"{url}/models/housing/predict", {"MedInc": 3, "HouseAge": 5.0})
    assert (price["prediction"], price["probability"]) == (pytest.approx(1.35), None)
    _, tenant = ask(f"{url}/models/rents/predict", {"months": 3, "home": "rent"})
    assert (tenant["prediction"], tenant["probability"]) == ("late", pytest.approx(0.78583498))
    _, unknown = ask(f"{url}/models/rents/predict", {"months": 3, "home": "boat"})
    assert unknown["probability"] == pytest.approx(0.57444252)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"age": "35"}, "float_type"),
        ({"age": True}, "float_type"),
        ({"age": None}, "float_type"),
        ({"age": [35]}, "float_type"),
        ({"age": float("nan")}, "finite_number"),
        ({"age": float("inf")}, "finite_number"),
        ({"age": -float("inf")}, "finite_number"),
        ({"age": 10**400}, "finite_number"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_bad_input_is_refused_with_its_field(url: str, wrong: dict[str, Any], kind: str) -> None:
    assert fields(f"{url}/predict", {**CREDIT, **wrong}) == {"age": kind}
    assert fields(f"{url}/predict", {"features": {**CREDIT, **wrong}}) == {"features.age": kind}


def test_every_field_that_is_wrong_is_told_at_once(url: str) -> None:
    sent = {"age": "x", "credit_score": float("nan"), "income": None}
    assert fields(f"{url}/predict", sent) == {
        "age": "float_type",
        "credit_score": "finite_number",
        "employment_years": "missing",
    }
    assert fields(f"{url}/models/rents/predict", {"home": 7}) == {"months": "missing", "home": "string_type"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "json_invalid"),
        (b'{"age": 35,', "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b'{"home": "\\ud800", "months": 1}', "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
        (b"[1, 2]", "dict_type"),
        (b"35", "dict_type"),
        (b'{"features": [1]}', "dict_type"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_what_is_no_row_at_all_is_refused(url: str, body: bytes, kind: str) -> None:
    assert set(fields(f"{url}/models/rents/predict", body).values()) == {kind}


def test_a_body_that_is_too_large_is_not_read(url: str) -> None:
    assert declare(url, "/predict", 2_000_000) == (413, "the body exceeds 1048576 bytes")
    assert declare(url, "/labels", 2_000_000)[0] == 413


def declare(url: str, path: str, length: int) -> tuple[int, str]:
    """Nothing behind the head is sent: who does not read would cut off a sender before it hears the answer."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    with closing(connection):
        connection.putrequest("POST", path)
        connection.putheader("content-length", str(length))
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["detail"]


def test_other_paths_and_methods_are_told(url: str) -> None:
    assert ask(f"{url}/models/nobody/predict", CREDIT)[0] == 404
    assert ask(f"{url}/predict", method="GET")[0] == 405


def test_health_model_and_stats_tell_of_the_champion(url: str) -> None:
    ask(f"{url}/predict", CREDIT)
    assert ask(f"{url}/health") == (
        200,
        {"status": "ok", "model": "credit", "model_version": 1, "detail": []},
    )
    _, model = ask(f"{url}/model")
    assert (model["model_version"], model["generation"], model["features"]) == (1, 1, list(CREDIT))
    assert model["card"]["metrics"]["accuracy"]["value"] == 0.8
    _, stats = ask(f"{url}/monitoring/stats")
    assert stats["requests"]["answered"] == stats["versions"]["1"] > 0
    assert stats["predictions_by_class"] == {"0": stats["requests"]["answered"]}
    assert stats["positive_share"] == 0.0
    assert 0 < stats["latency_ms"]["p50"] <= stats["latency_ms"]["p99"] <= stats["latency_ms"]["max"]


def test_the_page_of_the_api_needs_no_other_server(url: str) -> None:
    with urllib.request.urlopen(f"{url}/docs") as answer:
        page = answer.read().decode()
    assert answer.status == 200
    assert re.findall(r"""(?:src|href)=["'](?!openapi\.json)""", page) == []
    assert "http" not in page.replace("http://www.w3.org", "").replace("curl -s localhost:8000", "")
    _, described = ask(f"{url}/openapi.json")
    assert {"/predict", "/labels", "/health", "/model", "/monitoring/stats", "/metrics"} <= set(
        described["paths"]
    )
    assert "/models/housing/predict" in described["paths"]


@pytest.mark.parametrize("path", ["/predict", "/labels"])
def test_a_page_of_another_origin_may_neither_ask_nor_tell(url: str, path: str) -> None:
    def status(origin: str) -> int:
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}{path}", b"{}", headers)) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert [status(each) for each in ("https://evil.example", "null", "http://localhost:1")] == [403] * 3
    assert status(url) == 422


# --- what is logged --------------------------------------------------------------------------------------------------


def test_what_was_answered_is_logged_with_the_declared_features_only(url: str, root: Path) -> None:
    _, answer = ask(f"{url}/predict", {**CREDIT, "password": "hunter2"})
    folder = Places(root).predictions("credit")
    [line] = until(lambda: [x for x in lines(folder) if x["prediction_id"] == answer["prediction_id"]])
    assert line == {**answer, "model": "credit", "features": CREDIT}


def test_labels_join_the_predictions_they_are_about(url: str, root: Path) -> None:
    ids = [ask(f"{url}/predict", CREDIT)[1]["prediction_id"] for _ in range(3)]
    assert ask(f"{url}/labels", {"prediction_id": ids[0], "label": 1}) == (200, {"accepted": 1})
    told = [{"prediction_id": ids[1], "label": "0"}, {"prediction_id": ids[0], "label": 1}]
    assert ask(f"{url}/labels", told) == (200, {"accepted": 2})
    strange = "pred_20200101T000000000Z_00000000"
    assert ask(f"{url}/labels", {"prediction_id": strange, "label": 0})[0] == 200

    def joined() -> Any:
        found = matured(Places(root), "credit")
        return found if set(ids[:2]) <= set(found.ids) else None

    found = until(joined)
    assert dict(zip(found.ids, found.labels.tolist(), strict=True)) == {ids[0]: 1.0, ids[1]: 0.0}
    assert (found.tally.doubled, found.tally.unmatched) == (1, 1)
    _, stats = ask(f"{url}/monitoring/stats")
    assert stats["labels"]["accepted"] == 4
    assert [each["label"] for each in stats["last_labels"]] == [1, 0, 1, 0]


def test_labels_that_cannot_be_are_refused_as_a_whole_with_their_places(url: str, root: Path) -> None:
    good = {"prediction_id": ask(f"{url}/predict", CREDIT)[1]["prediction_id"], "label": 1}
    before = lines(Places(root).labels("credit"))
    wrong: list[Any] = [
        good,
        {**good, "label": 2},
        {"label": 1},
        {**good, "prediction_id": "x"},
        5,
        {**good, "label": True},
    ]
    assert fields(f"{url}/labels", wrong) == {
        "1.label": "label",
        "2.prediction_id": "missing",
        "3.prediction_id": "string_pattern",
        "4": "dict_type",
        "5.label": "label",
    }
    assert fields(f"{url}/labels", {**good, "label": None}) == {"label": "label"}
    assert fields(f"{url}/models/housing/labels", {**good, "label": "dear"}) == {"label": "label"}
    assert fields(f"{url}/labels", b"5") == {"": "list_type"}
    assert fields(f"{url}/labels", b"[]") == {"": "list_length"}
    assert lines(Places(root).labels("credit")) == before


def test_readers_see_the_log_of_a_server_that_runs(url: str, root: Path) -> None:
    before = predictions(Places(root), "housing").rows
    for n in range(20):
        ask(f"{url}/models/housing/predict", {"MedInc": n, "HouseAge": 1})
    read = until(lambda: (x := predictions(Places(root), "housing")).rows == before + 20 and x)
    assert read.features["MedInc"].tolist()[-20:] == [float(n) for n in range(20)]
    assert read.tally.torn == 0
