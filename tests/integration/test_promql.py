"""Queries against Debian's Prometheus, which scrapes a small exporter; and what becomes of answers that are none."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from config.model import PromqlMetrics
from platforms.platform import PlatformError
from platforms.promql import REST_S, Promql
from scripts.demo import free_ports
from tests.fixtures.real_daemon import until

PAGE = """# TYPE requests_total counter
requests_total{path="/a"} 5
requests_total{path="/b"} 7
queue_length 3
nothing NaN
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prometheus that has scraped at least once."""
    program = shutil.which("prometheus")
    if program is None:
        if os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES") == "1":
            pytest.fail("prometheus is not installed, and NIGHTWARDEN_REQUIRE_SERVICES asks for it")
        pytest.skip("prometheus is not installed")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (folder / "metrics").write_text(PAGE)
    page_port, port = free_ports(2)
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{page_port}']}}]}}]\n"
    )
    pages = subprocess.Popen(
        ["python3", "-m", "http.server", str(page_port), "--bind", "127.0.0.1"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    running = subprocess.Popen(
        [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        until("it has scraped", lambda: _value(url), 40.0)
        yield url
    finally:
        for process in (running, pages):
            process.terminate()
            process.wait(10)


def _value(url: str) -> bool:
    async def ask() -> dict[str, float]:
        client = Promql()
        try:
            return await client.query(PromqlMetrics(url=url, queries={"q": "queue_length"}), 2.0)
        except PlatformError:
            return {}
        finally:
            await client.close()

    return bool(asyncio.run(ask()))


async def test_queries_become_named_values_with_labels_where_there_are_several(server: str) -> None:
    client = Promql()
    queries = {
        "queue": "queue_length", "requests": "requests_total", "all": "sum(requests_total)", "none": "no_such_metric",
        "odd": "nothing", "constant": "scalar(vector(4))",
    }  # fmt: skip
    found = await client.query(PromqlMetrics(url=server, queries=queries), 5.0)
    await client.close()
    assert {name: value for name, value in found.items() if not name.startswith("requests")} == {
        "queue": 3.0, "all": 12.0, "constant": 4.0,
    }  # fmt: skip
    assert sorted(
        value for name, value in found.items() if name.startswith("requests{") and 'path="/' in name
    ) == [5.0, 7.0]


async def test_a_query_that_prometheus_cannot_read_is_told_in_its_words(server: str) -> None:
    client = Promql()
    with pytest.raises(PlatformError, match="parse error"):
        await client.query(PromqlMetrics(url=server, queries={"bad": "sum("}), 5.0)
    await client.close()


async def test_a_token_comes_from_the_environment_and_goes_into_a_header() -> None:
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization", ""))
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    app = web.Application()
    app.router.add_post("/prom/api/v1/query", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/prom/"
    metrics = PromqlMetrics(url=url, queries={"a": "b"}, token_env="PROM_TOKEN")
    client = Promql({"PROM_TOKEN": "hush"})
    assert await client.query(metrics, 2.0) == {}
    assert heard == ["Bearer hush"]
    with pytest.raises(PlatformError, match="PROM_TOKEN holds no token"):
        await Promql({}).query(metrics, 2.0)
    await client.close()
    await runner.cleanup()


async def test_a_server_that_is_gone_is_left_alone_after_three_failures() -> None:
    [port] = free_ports(1)
    now = [0.0]
    client = Promql(clock=lambda: now[0])
    metrics = PromqlMetrics(url=f"http://127.0.0.1:{port}", queries={"a": "b"})
    assert client.ailing() == ""
    for _ in range(3):
        with pytest.raises(PlatformError, match="ClientConnectorError"):
            await client.query(metrics, 2.0)
        assert client.ailing() == "1 servers do not answer"
    with pytest.raises(PlatformError, match="failed 3 times in a row and rests"):
        await client.query(metrics, 2.0)
    now[0] = REST_S + 1
    with pytest.raises(PlatformError, match="ClientConnectorError"):
        await client.query(metrics, 2.0)
    await client.close()
