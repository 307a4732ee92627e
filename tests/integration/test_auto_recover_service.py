"""`scripts/auto_recover_service.py` on real processes, and on the stand-in for Render."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from scripts.service_ways import listener
from tests.fixtures.real_daemon import ROOT

SICK = ROOT / "tests/fixtures/sick_service.py"


class Sick:
    """A service at a port of its own, started and ended by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = f"{sys.executable} {SICK} {self.port}"

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self.command.split(), cwd=self.folder)
        ends_at = time.monotonic() + 10
        while time.monotonic() < ends_at and listener(self.port) is None:
            time.sleep(0.02)
        return process

    def recover(self, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
        words = [
            sys.executable, str(ROOT / "scripts/auto_recover_service.py"), "--service-url", self.url,
            "--root", str(self.folder), "--wait-s", "5", *more,
        ]  # fmt: skip
        return subprocess.run(
            words, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False
        )

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.folder / "monitoring/recovery_log.json").read_text())
        return found

    def end(self) -> None:
        if (process := listener(self.port)) is not None:
            with contextlib.suppress(psutil.Error):
                process.kill()


@pytest.fixture
def sick(tmp_path: Path) -> Iterator[Sick]:
    service = Sick(tmp_path)
    try:
        yield service
    finally:
        service.end()


def test_a_healthy_service_is_let_alone(sick: Sick) -> None:
    process = sick.start()
    done = sick.recover()
    assert (done.returncode, process.poll()) == (0, None)
    assert "nothing to do" in done.stdout and not (sick.folder / "monitoring").exists()


def test_what_does_not_run_is_started(sick: Sick) -> None:
    done = sick.recover("--command", sick.command)
    assert done.returncode == 0, done.stdout + done.stderr
    [entry] = sick.log()
    assert entry["healthy"] and entry["attempt"] == 1 and entry["service_url"] == sick.url


def test_a_frozen_process_is_killed_and_started_as_it_was(sick: Sick) -> None:
    process = sick.start()
    process.send_signal(signal.SIGSTOP)
    done = sick.recover()
    assert done.returncode == 0, done.stdout + done.stderr
    assert process.wait(5) == -signal.SIGKILL
    [entry] = sick.log()
    assert "killed" in entry["actions"][0] and "started" in entry["actions"][0]


def test_a_declared_cache_is_emptied_before_the_restart(sick: Sick) -> None:
    (sick.folder / "cache").mkdir()
    (sick.folder / "cache/bad").write_text("")
    process = sick.start()
    done = sick.recover("--cache", "cache")
    process.wait(5)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sick.log()[0]["actions"][0] == "cleared cache (1 files)"


def test_three_attempts_in_vain_are_logged_newest_last_and_the_exit_code_says_so(sick: Sick) -> None:
    done = sick.recover("--command", "false", "--wait-s", "0.2")
    assert done.returncode == 1 and "not recovered after 3 attempts" in done.stderr
    assert [entry["attempt"] for entry in sick.log()] == [1, 2, 3]
    assert not any(entry["healthy"] for entry in sick.log())


def test_the_operators_switch_keeps_it_from_acting(sick: Sick) -> None:
    (sick.folder / "config").mkdir()
    off = {"service_recovery": {"auto_recovery_enabled": False}}
    (sick.folder / "config/self_healing_config.json").write_text(json.dumps(off))
    done = sick.recover("--command", sick.command)
    assert done.returncode == 1 and "auto_recovery_enabled is off" in done.stdout
    assert listener(sick.port) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--service-url", "localhost"], "not an http address"),
        (["--method", "docker"], "needs a container"),
        (["--method", "render"], "RENDER_API_KEY"),
        (["--root", "/nowhere/at/all"], "no such folder"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(sick: Sick, words: list[str], said: str) -> None:
    done = sick.recover(*words, RENDER_API_KEY="")
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_a_service_on_render_is_restarted_through_its_api(sick: Sick, tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text('{"services": [{"name": "till"}]}')
    words = [
        sys.executable,
        "-m",
        "tests.fixtures.render_api",
        "--world",
        str(world),
        "--speed",
        "100",
        "--key",
        "rnd_mine",
    ]
    render = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert render.stdout is not None
        place = json.loads(render.stdout.readline())
        with urllib.request.urlopen(f"{place['control']}/world", timeout=10) as reply:
            service = json.load(reply)["services"][0]["id"]
        (sick.folder / "cache").mkdir()
        (sick.folder / "cache/bad").write_text("")
        process = sick.start()
        more = ["--method", "render", "--service-id", service, "--cache", "cache"]
        done = sick.recover(*more, RENDER_API_KEY="rnd_mine", RENDER_API_URL=place["url"])
        process.kill()
        process.wait(5)
    finally:
        render.terminate()
        render.wait(10)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"restarted {service} on Render" in sick.log()[0]["actions"]
    assert "rnd_mine" not in done.stdout + done.stderr + json.dumps(sick.log())
