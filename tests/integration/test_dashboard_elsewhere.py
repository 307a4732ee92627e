"""A daemon feeds a dashboard in another process; both are real, and either is killed and started again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from scripts.demo import free_ports
from tests.fixtures.real_daemon import ROOT, TOKEN, RealDaemon, until


class RealDashboard(RealDaemon):
    """The same looks from outside, at another command."""

    def arguments(self, *more: str) -> list[str]:
        listen = f"127.0.0.1:{self.page_port}"
        return [sys.executable, "-m", "scripts.nightwarden", "dashboard", "--listen", listen, *more]

    def lives(self) -> bool:
        return self.get("/health")[0] == 200


class Pair:
    def __init__(self, folder: Path) -> None:
        (folder / "far").mkdir()
        self.far = RealDashboard(folder / "far")
        url = f"127.0.0.1:{self.far.page_port}"  # as Render gives it
        self.daemon = RealDaemon(folder, "a", "b", env={"NIGHTWARDEN_DASHBOARD_URL": url})

    def post(self, path: str, token: str = TOKEN) -> tuple[int, dict[str, object]]:
        status, body = self.far.request(path, "POST", token)
        return status, json.loads(body)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    try:
        yield pair
    finally:
        pair.daemon.end()
        pair.far.end()


def test_a_page_elsewhere_shows_and_commands_a_daemon_and_either_may_be_restarted(pair: Pair) -> None:
    far, daemon = pair.far, pair.daemon
    far.launch()
    until("it listens", far.lives)
    status, body = far.get("/ready")
    assert (status, "no daemon has been heard yet" in body) == (503, True)
    status, answer = pair.post("/api/pause")
    assert (status, "nothing was done" in json.dumps(answer)) == (409, True)

    daemon.start()
    until("fed", lambda: far.get("/ready")[0] == 200)
    until("healthy there", far.all_healthy)
    os.kill(daemon.pid("a"), signal.SIGKILL)
    until("healed there", lambda: [i["status"] for i in far.incidents()] == ["closed"])
    [incident] = far.incidents()
    assert incident == daemon.incidents()[0]
    near, shown = daemon.get(f"/reports/{incident['id']}.md"), far.get(f"/reports/{incident['id']}.md")
    assert shown == near
    assert shown[0] == 200
    assert far.get("/reports/nobody")[0] == 404
    metrics = far.get("/metrics")[1]
    assert "nightwarden_feed_up 1" in metrics
    assert 'nightwarden_service_healthy{service="a"} 1' in metrics

    assert pair.post("/api/services/b/stop", "wrong")[0] == 401
    assert pair.post("/api/services/nobody/stop")[0] == 404
    assert pair.post("/api/services/b/stop") == (200, {"command": "stop", "service": "b", "durable": True})
    until("stopped", lambda: daemon.health()["b"] == "stopped")
    status, answer = pair.post(f"/api/incidents/{incident['id']}/approve")
    here = daemon.request(f"/api/incidents/{incident['id']}/approve", "POST", TOKEN)
    assert (status, answer) == (here[0], json.loads(here[1]))

    far.kill()
    far.launch()
    until("fed again after its restart", lambda: far.get("/ready")[0] == 200)
    assert [i["id"] for i in far.incidents()] == [incident["id"]]
    assert pair.post("/api/services/b/start")[0] == 200
    until("started", lambda: daemon.health()["b"] == "healthy")

    daemon.kill()
    daemon.start()
    os.kill(daemon.pid("b"), signal.SIGKILL)
    until("the next life is shown", lambda: len(far.incidents()) == 2)
    status, _ = pair.post("/api/pause")
    assert status == 200
    assert daemon.stop() == 0
    assert far.stop() == 0
    assert "Traceback" not in daemon.said() + far.said()


def test_the_stream_goes_through_once_and_without_repeats(pair: Pair) -> None:
    far, daemon = pair.far, pair.daemon
    far.launch()
    daemon.start()
    until("fed", lambda: far.get("/ready")[0] == 200)
    os.kill(daemon.pid("a"), signal.SIGKILL)
    until("healed there", lambda: [i["status"] for i in far.incidents()] == ["closed"])
    daemon.kill()
    daemon.start()  # it tells again what its journal remembers
    until("the second life feeds", lambda: sum('"ConfigChanged"' in line for line in backlog(far)) == 2)
    seen = [json.loads(line) for line in backlog(far)]
    ids = [item["id"] for item in seen if item["id"]]
    assert len(ids) == len(set(ids))
    assert {"IncidentOpened", "FixStarted", "FixVerified", "IncidentClosed"} <= {
        item["type"] for item in seen
    }


def test_a_dashboard_that_hangs_holds_up_no_healing_and_hears_of_it_later(pair: Pair) -> None:
    far, daemon = pair.far, pair.daemon
    far.launch()
    daemon.start()
    until("healthy there", lambda: far.get("/ready")[0] == 200 and far.all_healthy())
    assert far.process is not None
    far.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(daemon.pid("a"), signal.SIGKILL)
        until("healed", lambda: [i["status"] for i in daemon.incidents()] == ["closed"], 10)
    finally:
        far.process.send_signal(signal.SIGCONT)
    until("told", lambda: [i["status"] for i in far.incidents()] == ["closed"])
    assert pair.post("/api/pause")[0] == 200


def backlog(far: RealDashboard) -> list[str]:
    request = Request(f"http://127.0.0.1:{far.page_port}/observability/stream?backlog=1000")
    lines: list[str] = []
    with urlopen(request, timeout=1) as answer:
        try:
            while line := answer.readline():
                if line.startswith(b"data: "):
                    lines.append(line[6:].decode())
        except TimeoutError:
            pass
    return lines


def test_without_a_token_neither_side_starts(tmp_path: Path) -> None:
    [port] = free_ports(1)
    env = {name: text for name, text in os.environ.items() if name != "NIGHTWARDEN_TOKEN"}
    for words, more in (
        (["dashboard", "--listen", f"127.0.0.1:{port}"], {}),
        (["run", "--state", str(tmp_path)], {"NIGHTWARDEN_DASHBOARD_URL": "http://127.0.0.1:1"}),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "scripts.nightwarden", *words],
            cwd=ROOT, env=env | more, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "NIGHTWARDEN_TOKEN: must be set" in done.stderr
