import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.fixtures.real_daemon import TOKEN, RealDaemon, until


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    """It has healed a crash and a hang, and was told to stop a service and to start it."""
    daemon = RealDaemon(tmp_path_factory.mktemp("http"), "a", "b", "c")
    try:
        daemon.start()
        until("healthy", daemon.all_healthy)
        os.kill(daemon.pid("a"), signal.SIGKILL)
        os.kill(daemon.pid("b"), signal.SIGSTOP)
        assert daemon.command("stop", "c").returncode == 0
        until("healed", lambda: [i["status"] for i in daemon.incidents()] == ["closed", "closed"])
        assert daemon.command("start", "c").returncode == 0
        until("healthy", daemon.all_healthy)
        yield daemon
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.said()
    finally:
        daemon.end()


def test_every_address_answers_with_what_happened(daemon: RealDaemon) -> None:
    paths = json.loads(daemon.get("/openapi.json")[1])["paths"]
    plain = [
        path for path, does in paths.items() if "get" in does and "{" not in path and "stream" not in path
    ]
    assert {path: daemon.get(path)[0] for path in plain} == dict.fromkeys(plain, 200)
    assert "<html" in daemon.get("/")[1]
    incidents = daemon.incidents()
    assert {i["service"]: (i["cause"]["name"], [act["fix"] for act in i["acts"]]) for i in incidents} == {
        "a": ("crash", ["respawn"]),
        "b": ("hang", ["kill_restart"]),
    }
    summary = json.loads(daemon.get("/observability/summary")[1])
    assert (summary["recoveries"], summary["overall_health"]) == (2, "healthy")
    assert summary["manual_interventions"] == 2
    status, one = daemon.get(f"/observability/incidents/{incidents[0]['id']}")
    assert (status, json.loads(one)) == (200, incidents[0])
    assert {trace["service"] for trace in daemon.items("/observability/traces")} == {"a", "b"}
    assert all(agent["status"] == "running" for agent in daemon.items("/observability/agents"))
    assert {metric["service"] for metric in daemon.items("/observability/metrics")} == {"a", "b", "c"}


def test_a_list_is_given_page_by_page(daemon: RealDaemon) -> None:
    first = json.loads(daemon.get("/observability/incidents?limit=1")[1])
    second = json.loads(daemon.get(f"/observability/incidents?limit=1&cursor={first['next']}")[1])
    assert [*first["items"], *second["items"]] == daemon.incidents()
    assert second["next"] is None


def test_a_command_needs_the_token_and_is_carried_out(daemon: RealDaemon) -> None:
    assert daemon.request("/api/services/c/stop", "POST")[0] == 401
    assert daemon.request("/api/services/c/stop", "POST", "guessed")[0] == 401
    assert daemon.health()["c"] == "healthy"
    assert daemon.request("/api/services/nobody/stop", "POST", TOKEN)[0] == 404
    assert daemon.request("/api/services/c/stop", "POST", TOKEN)[0] == 200
    until("it is stopped", lambda: "c" not in daemon.leaders())
    assert daemon.request("/api/services/c/start", "POST", TOKEN)[0] == 200
    until("it runs", daemon.all_healthy)
    assert daemon.request("/api/pause", "POST", TOKEN)[0] == 200
    assert "paused by api" in daemon.command("status").stdout
    assert daemon.request("/api/resume", "POST", TOKEN)[0] == 200
    assert "paused" not in daemon.command("status").stdout


def test_without_a_token_of_its_own_the_daemon_takes_no_commands(tmp_path: Path) -> None:
    daemon = RealDaemon(tmp_path, "a", env={"NIGHTWARDEN_TOKEN": ""})
    try:
        daemon.start()
        assert daemon.request("/api/pause", "POST")[0] == 403
        assert daemon.request("/api/pause", "POST", "anything")[0] == 403
        assert daemon.stop() == 0
    finally:
        daemon.end()


def test_the_stream_tells_what_happens_as_it_happens(daemon: RealDaemon) -> None:
    url = f"http://127.0.0.1:{daemon.page_port}/observability/stream?backlog=0"
    with urlopen(url, timeout=20) as stream:
        os.kill(daemon.pid("a"), signal.SIGKILL)
        seen = []
        for line in stream:
            if line.startswith(b"data: "):
                seen.append(json.loads(line[6:]))
                if seen[-1]["type"] == "IncidentClosed":
                    break
    told = [item["type"] for item in seen if item.get("service") == "a"]
    story = [
        "HealthChanged",
        "IncidentOpened",
        "CauseFound",
        "FixChosen",
        "FixStarted",
        "FixApplied",
        "FixVerified",
    ]
    assert [kind for kind in told if kind in story and kind != "HealthChanged"] == story[1:]
    assert told[0] == "HealthChanged"


def test_promtool_finds_nothing_to_blame_in_the_metrics_of_a_daemon_that_healed(daemon: RealDaemon) -> None:
    if shutil.which("promtool") is None:
        if os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES") == "1":
            pytest.fail("promtool is missing")
        pytest.skip("promtool is not installed")
    exposition = daemon.get("/metrics")[1]
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    samples = dict(line.rsplit(" ", 1) for line in exposition.splitlines() if not line.startswith("#"))
    assert float(samples['nightwarden_incidents_total{cause="hang",outcome="healed"}']) == 1
    assert float(samples['nightwarden_incidents_total{cause="crash",outcome="healed"}']) == 2


@pytest.mark.parametrize("authorized", [True, False], ids=["with the token", "without the token"])
def test_no_request_that_a_fuzzer_thinks_of_breaks_or_stalls_the_daemon(
    daemon: RealDaemon, authorized: bool, tmp_path: Path
) -> None:
    fuzzer = Path(sys.executable).with_name("st")
    if not fuzzer.exists():
        pytest.skip("schemathesis is not installed")
    done = subprocess.run(
        [
            str(fuzzer), "run", f"http://127.0.0.1:{daemon.page_port}/openapi.json", "--exclude-path=/observability/stream",
            "--max-examples=3", "--request-timeout=5", "--continue-on-failure", "--no-color",
            *(["--header", f"Authorization: Bearer {TOKEN}"] if authorized else []),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    assert daemon.request("/api/resume", "POST", TOKEN)[0] == 200  # the fuzzer may have paused it
    for name in "abc":
        assert daemon.request(f"/api/services/{name}/start", "POST", TOKEN)[0] == 200
    until("healthy", daemon.all_healthy)
    assert daemon.notes("doubled") == []
