"""Real daemons, a real receiver of their heartbeats: each fault from outside is known within a minute, and no daemon lies."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from scripts.heartbeat import ALARM_S
from tests.fixtures.real_daemon import ROOT, RealDaemon, until

SOON_S = 60.0
FAULTS = ("none", "frozen", "killed", "telegram_gone", "telegram_silent", "prometheus", "render")
EMPTY = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()


@contextmanager
def answering(heard: dict[str, list[float]]) -> Iterator[ThreadingHTTPServer]:
    """Notes when each path is asked, and says what a Prometheus server without data says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.setdefault(self.path.split("?")[0], []).append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(EMPTY)))
            self.end_headers()
            self.wfile.write(EMPTY)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def stand_in(module: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


class Stage:
    """One daemon and what it leans on; `strike` is the fault."""

    def __init__(self, fault: str, folder: Path, receiver: str, stack: ExitStack) -> None:
        self.fault = fault
        self.struck_at = 0.0
        self.leans_on: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        env = {"HEARTBEAT_URL": f"{receiver}/{fault}"}
        more: dict[str, Any] = {}
        if fault.startswith("telegram"):
            self.leans_on, told = stack.enter_context(stand_in("tests.fixtures.bot_api"))
            address = told["base_url"].removesuffix("/bot")
            env |= {
                "TELEGRAM_BOT_TOKEN": told["token"],
                "TELEGRAM_CHAT_ID": str(told["chat_id"]),
                "TELEGRAM_API_URL": address,
            }
        elif fault == "render":
            self.leans_on, told = stack.enter_context(stand_in("tests.fixtures.render_api"))
            env |= {"RENDER_MODE": "true", "RENDER_API_KEY": told["key"], "RENDER_API_URL": told["url"]}
        elif fault == "prometheus":
            self.server = stack.enter_context(answering({}))
            url = f"http://127.0.0.1:{self.server.server_port}"
            more = {"metrics": {"type": "promql", "url": url, "queries": {"load": "up"}, "interval_s": 5}}
        self.daemon = RealDaemon(folder, "shop", env=env)
        self.daemon.configure([self.daemon.tiny("shop", **more)])
        stack.callback(self.daemon.end)

    def strike(self) -> None:
        self.struck_at = time.monotonic()
        process = self.daemon.process
        assert process is not None
        match self.fault:
            case "frozen":
                process.send_signal(signal.SIGSTOP)
            case "killed":
                process.kill()
            case "telegram_silent":
                assert self.leans_on is not None
                self.leans_on.send_signal(signal.SIGSTOP)
            case "telegram_gone" | "render":
                assert self.leans_on is not None
                self.leans_on.kill()
            case "prometheus":
                self.server.shutdown()
                self.server.server_close()


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_fault_is_known_within_a_minute_and_none_is_told_without_one(tmp_path: Path, seed: int) -> None:
    random, beats = Random(seed), dict[str, list[float]]()
    with ExitStack() as stack:
        server = stack.enter_context(answering(beats))
        receiver = f"http://127.0.0.1:{server.server_port}"
        stages = [Stage(fault, tmp_path / fault, receiver, stack) for fault in FAULTS]
        for stage in stages:
            stage.daemon.start()
        until("every heart beats", lambda: all(len(beats.get(f"/{f}", ())) >= 2 for f in FAULTS), 90.0)
        for stage in random.sample(stages, len(stages)):
            stage.strike()
            time.sleep(random.uniform(0.0, 3.0))
        time.sleep(SOON_S + ALARM_S)
        ended_at = time.monotonic()
        took: dict[str, float] = {}
        for stage in stages:
            times = [*beats[f"/{stage.fault}"], ended_at]
            gaps = [a + ALARM_S for a, b in pairwise(times) if b - a > ALARM_S]
            if gaps:
                took[stage.fault] = round(gaps[0] - stage.struck_at, 1)
    print(took)
    assert set(took) == set(FAULTS) - {"none"}
    assert max(took.values()) <= SOON_S
