"""Alerts of a real Alertmanager, and signed events, to a real daemon that is killed in between."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from scripts.demo import free_ports
from tests.fixtures.real_daemon import RealDaemon, until
from tests.fixtures.render_api.world.hooks import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CREDENTIALS = "credentials-of-the-manager"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    secrets = {"RENDER_WEBHOOK_SECRET": SECRET, "ALERTMANAGER_WEBHOOK_SECRET": CREDENTIALS}
    daemon = RealDaemon(tmp_path, "a", "b", env=secrets)
    try:
        daemon.start()
        until("healthy", daemon.all_healthy)
        yield daemon
    finally:
        daemon.end()
    kept = "".join(p.read_text(errors="replace") for p in daemon.state.rglob("*") if p.is_file())
    assert SECRET not in kept + daemon.said()
    assert CREDENTIALS not in kept + daemon.said()


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        with urlopen(Request(url, body, headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def alarmed(daemon: RealDaemon, service: str) -> list[dict[str, Any]]:
    """Incidents of it that an alert opened."""
    return [
        i for i in daemon.incidents() if i["service"] == service and i["symptoms"][0].startswith("alert: ")
    ]


def test_a_signed_event_counts_once_though_the_daemon_is_killed(daemon: RealDaemon) -> None:
    url = f"http://127.0.0.1:{daemon.page_port}/webhooks/render"
    data = {"id": "evt-1", "serviceId": "srv-1", "serviceName": "a"}
    body = json.dumps({"type": "server_failed", "timestamp": "2026-05-01T10:00:00Z", "data": data}).encode()
    stamp = str(int(time.time()))
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp}
    good = headers | {"webhook-signature": sign(SECRET, "msg_1", stamp, body)}
    assert post(url, body, headers | {"webhook-signature": "v1,AAAA"}) == 401
    assert post(url, body, good) == 200
    daemon.kill()  # it had answered, so it is on disk
    daemon.start()
    until("it is over", lambda: [i["status"] for i in alarmed(daemon, "a")] == ["closed"], 40.0)
    assert post(url, body, good) == 200  # taken, as a sender would try for ever, and nothing follows
    time.sleep(1.0)
    assert len(alarmed(daemon, "a")) == 1


@pytest.fixture
def manager(daemon: RealDaemon, tmp_path: Path) -> Iterator[str]:
    """The address of a real Alertmanager that tells the daemon."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        if os.environ.get("NIGHTWARDEN_REQUIRE_SERVICES") == "1":
            pytest.fail("prometheus-alertmanager is missing, and NIGHTWARDEN_REQUIRE_SERVICES asks for it")
        pytest.skip("prometheus-alertmanager is not installed")
    folder, [port] = tmp_path / "manager", free_ports(1)
    folder.mkdir()
    told = {
        "url": f"http://127.0.0.1:{daemon.page_port}/webhooks/alertmanager",
        "http_config": {"authorization": {"credentials": CREDENTIALS}},
    }
    route = {"receiver": "n", "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1m"}
    configuration = {"route": route, "receivers": [{"name": "n", "webhook_configs": [told]}]}
    (folder / "alertmanager.yml").write_text(json.dumps(configuration))
    with (folder / "out").open("wb") as out:
        running = subprocess.Popen(
            [program, "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{port}"],
            cwd=folder, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        until("it listens", lambda: _is_ready(url), 30.0)
        yield f"{url}/api/v2/alerts"
    finally:
        running.terminate()
        running.wait(10)


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_alerts_of_a_real_alertmanager_open_incidents_and_a_stranger_is_told(
    daemon: RealDaemon, manager: str
) -> None:
    sent = [
        {"labels": {"alertname": "HighLatency", "service": "b"}, "annotations": {"summary": "p95 is 3 s"}},
        {"labels": {"alertname": "Fire", "service": "till"}, "annotations": {"summary": "it burns"}},
    ]
    as_json = {"Content-Type": "application/json"}
    assert post(manager, json.dumps(sent).encode(), as_json) == 200
    until("an incident", lambda: alarmed(daemon, "b"))
    assert alarmed(daemon, "b")[0]["symptoms"][0] == "alert: HighLatency: p95 is 3 s"
    assert alarmed(daemon, "b")[0]["cause"]["name"] == "network_latency"
    until(
        "it is told", lambda: "alert Fire of till, which is no service here fires: it burns" in daemon.said()
    )
    over = [one | {"endsAt": "2026-01-01T00:00:00Z", "startsAt": "2025-12-31T00:00:00Z"} for one in sent]
    assert post(manager, json.dumps(over).encode(), as_json) == 200
    until("it is over", lambda: [i["status"] for i in alarmed(daemon, "b")] == ["closed"], 40.0)
