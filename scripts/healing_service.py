"""The fourth proof of scripts/test_self_healing.py: a served model that was frozen, then killed, answers again."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from mlops.generators import credit_risk
from mlops.serving.client import Client
from mlops.tables import write_table
from mlops.training.renewal import renew
from scripts.healing_ground import MODEL, Ground, must
from scripts.service_ways import listener

SCRIPTS = Path(__file__).absolute().parent
RECOVER = SCRIPTS / "auto_recover_service.py"
ROW = {"age": 35, "income": 60_000, "credit_score": 700, "employment_years": 5}
START_S = RECOVERY_S = 60.0
ANSWER_S = 2.0


def service_recovery(ground: Ground) -> str:
    """A process of its own serves the model; the script brings it back, once frozen and once gone."""
    write_table(credit_risk(2000, seed=1), ground.table)
    renew(ground.spec, credit_risk(2000, seed=1), ground.places, tracking=False)
    with _served(ground) as (url, server):
        before = _answer(url)
        must(before == 200, f"the server answers {before} before anything is broken")
        server.send_signal(signal.SIGSTOP)
        must(_answer(url, 0.5) == 0, "a frozen server cannot answer")
        frozen_s = _recovered(ground, url, "a frozen server")
        must(server.wait(ANSWER_S) != 0, "the frozen process was not ended")
        again = _process(url)
        again.kill()
        _until_gone(again)
        must(_answer(url) == 0, "a killed server cannot answer")
        killed_s = _recovered(ground, url, "a killed server")
        must(_process(url).pid != again.pid, "nothing new was started")
    return f"frozen: back in {frozen_s:.1f} s, killed: back in {killed_s:.1f} s"


@contextlib.contextmanager
def _served(ground: Ground) -> Iterator["tuple[str, subprocess.Popen[bytes]]"]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [sys.executable, str(SCRIPTS / "serve_model.py"), "--root", str(ground.root), "--port", str(port)]
    log = ground.places.monitoring / "service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        server = subprocess.Popen(words, cwd=ground.root, env=_environ(), stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        ends_at = time.monotonic() + START_S
        while server.poll() is None and time.monotonic() < ends_at and _answer(url) != 200:
            time.sleep(0.05)
        must(server.poll() is None, f"the server ended with {server.returncode}: {_tail(log)}")
        yield url, server
    finally:
        _end(server, port)


def _environ() -> dict[str, str]:
    """Other processes find libraries and our own packages where this one found them."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _end(server: "subprocess.Popen[bytes]", port: int) -> None:
    """The first one, and whoever was started in its place."""
    server.kill()
    server.wait()
    if (process := listener(port)) is not None:
        with contextlib.suppress(psutil.Error):
            process.kill()
        _until_gone(process)


def _answer(url: str, within_s: float = ANSWER_S) -> int:
    """The status of a prediction; 0: none came."""
    client = Client(url, within_s)
    return client.post(f"/models/{MODEL}/predict", ROW)[0]


def _recovered(ground: Ground, url: str, what: str) -> float:
    """The seconds that the script took, if the service answers predictions after it and its log says so."""
    began = time.monotonic()
    words = [
        sys.executable,
        str(RECOVER),
        "--method",
        "process",
        "--service-url",
        url,
        "--root",
        str(ground.root),
    ]
    done = subprocess.run(
        words,
        cwd=ground.root,
        env=_environ(),
        capture_output=True,
        text=True,
        timeout=RECOVERY_S,
        check=False,
    )
    seconds = time.monotonic() - began
    said = " ".join((done.stdout + done.stderr).split())
    must(done.returncode == 0, f"{what} was not recovered: {said}")
    must((status := _answer(url)) == 200, f"{what} answers {status or 'nothing'} after its recovery: {said}")
    entries = json.loads(ground.places.recovery_log.read_text())
    must(
        entries[-1]["healthy"] and entries[-1]["service_url"] == url,
        f"the log tells otherwise: {entries[-1]}",
    )
    return seconds


def _process(url: str) -> psutil.Process:
    process = listener(int(url.rsplit(":", 1)[1]))
    must(process is not None, "nobody listens")
    assert process is not None
    return process


def _until_gone(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        process.wait(ANSWER_S)


def _tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-300:]
