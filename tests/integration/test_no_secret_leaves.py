"""Tokens planted in environment, configuration and what a service prints are found nowhere after its incidents."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.real_daemon import RealDaemon, until

OURS, DECLARED, PRINTED = (
    "planted-in-our-environment",
    "planted-in-the-declaration",
    "planted-in-what-it-prints",
)
SERVICE = """
import http.server, os, sys
print("begins with", os.environ["SHOP_SECRET"], "password=" + sys.argv[1], flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        bad = os.path.exists("bad")
        self.send_response(500 if bad else 200)
        self.end_headers()
        self.wfile.write(("token " + os.environ["SHOP_SECRET"] + " api_key=" + sys.argv[1]).encode())

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    made = RealDaemon(
        tmp_path, "shop", env={"RENDER_API_KEY": OURS, "HEARTBEAT_URL": f"http://127.0.0.1:9/{OURS}"}
    )
    (tmp_path / "shop.py").write_text(SERVICE)
    service = made.tiny("shop")
    service["platform"]["command"] = [sys.executable, str(tmp_path / "shop.py"), PRINTED]
    service["platform"]["env"]["SHOP_SECRET"] = DECLARED
    made.configure([service])
    yield made
    made.end()


def test_no_planted_token_is_found_in_state_log_page_stream_or_report(
    daemon: RealDaemon, tmp_path: Path
) -> None:
    daemon.start()
    until("the shop is healthy", lambda: _health(daemon) == "healthy")
    (tmp_path / "bad").touch()
    until("an incident of its errors", lambda: _incidents(daemon))
    (tmp_path / "bad").unlink()
    until("it is over", lambda: all(item["closed_at"] for item in _incidents(daemon)), 60.0)
    until("its report is written", lambda: list((daemon.state / "reports").glob("*.md")))
    paths = ["/observability/incidents", "/observability/services", "/observability/traces", "/observability/summary",
             "/metrics", f"/reports/{_incidents(daemon)[0]['id']}"]  # fmt: skip
    shown = {path: daemon.get(path)[1] for path in paths}
    daemon.stop()
    seen = (
        {name: str(text) for name, text in shown.items()}
        | {"what it said": daemon.said()}
        | _files(daemon.state)
    )
    assert "500" in seen["/observability/incidents"], "there was something to tell"
    found = [
        (where, secret)
        for where, text in seen.items()
        for secret in (OURS, DECLARED, PRINTED)
        if secret in text
    ]
    assert found == []


def _health(daemon: RealDaemon) -> str:
    items = daemon.items("/observability/services")
    return str(items[0]["health"]) if items else ""


def _incidents(daemon: RealDaemon) -> list[dict[str, Any]]:
    return daemon.items("/observability/incidents")


def _files(state: Path) -> dict[str, str]:
    """All of the state folder but the raw output of services, which is theirs."""
    paths = [path for path in state.rglob("*") if path.is_file() and path.parent.name != "logs"]
    return {str(path.relative_to(state)): path.read_bytes().decode(errors="replace") for path in paths}
