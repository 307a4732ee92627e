import asyncio
import os
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.fixtures.extra import needs
from tests.fixtures.served_models import server, world
from tests.integration.test_dashboard_contract import run

needs("fastapi", "uvicorn")


@pytest.mark.parametrize("examples", [3, pytest.param(25, marks=pytest.mark.soak)])
async def test_no_request_that_a_fuzzer_thinks_of_gets_an_undescribed_answer(
    tmp_path: Path, examples: int
) -> None:
    world(tmp_path)
    fuzzer = Path(sys.executable).with_name("st")
    if not fuzzer.exists():
        pytest.skip("schemathesis is not installed")
    with server(tmp_path) as (url, process):
        status, output = await run(
            str(fuzzer),
            "run",
            f"{url}/openapi.json",
            "--exclude-path-regex=^/models/credit/",  # the default model's own paths are the same
            f"--max-examples={examples}",
            "--request-timeout=5",
            "--continue-on-failure",
            "--no-color",
            cwd=tmp_path,
        )
        assert process.poll() is None
    assert status == 0, output[-5000:]


def told(url: str) -> tuple[str, bytes]:
    """The page of metrics after three answers."""
    for _ in range(3):
        urllib.request.urlopen(f"{url}/models/housing/predict", b'{"MedInc": 3, "HouseAge": 1}').close()
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        return answer.headers["Content-Type"], answer.read()


async def test_promtool_finds_nothing_to_blame_in_the_metrics(tmp_path: Path) -> None:
    world(tmp_path)
    if shutil.which("promtool") is None:
        if os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES") == "1":
            pytest.fail("promtool is missing")
        pytest.skip("promtool is not installed")
    with server(tmp_path) as (url, _):
        kind, text = await asyncio.to_thread(told, url)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert b'nightwarden_model_answer_seconds_count{model="housing"} 3\n' in text
    assert await run("promtool", "check", "metrics", stdin=text) == (0, "")
