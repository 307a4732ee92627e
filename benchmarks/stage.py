"""Whoever supervises the child: a real daemon, the bare limit, supervisord where there is one."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, ask, until

# kills come every few seconds here: a fix counts as verified early, so that each is an incident of its own
WINDOWS = {"good_probes_to_verify": 1, "acts_per_service_per_hour": 1000, "acts_per_hour": 1000}
CHILD = Path(__file__).with_name("child.py")


def child(port: int, *options: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(CHILD), str(port), *options]


def service(name: str, port: int, *options: str, probe_s: float = 0.25, **more: Any) -> dict[str, Any]:
    """One watched child; its probe's deadline is the interval."""
    return {
        "name": name,
        "platform": {"type": "process", "command": child(port, *options)},
        "probe": {
            "type": "http",
            "url": f"http://127.0.0.1:{port}/health",
            "interval_s": probe_s,
            "timeout_s": probe_s,
        },
        **more,
    }


@contextmanager
def stopping(command: Sequence[str], log: Path, cwd: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own, ended with everything it started."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=cwd, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run_command(folder: Path, page_port: int, services: Sequence[dict[str, Any]]) -> list[str]:
    """`nightwarden run` on these services."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.json"
    config.write_text(json.dumps({"services": list(services), "windows": WINDOWS}))
    listen = f"127.0.0.1:{page_port}"
    state = str(folder / "state")
    return [
        sys.executable,
        "-m",
        "scripts.nightwarden",
        "run",
        "--config",
        str(config),
        "--state",
        state,
        "--listen",
        listen,
    ]


@contextmanager
def daemon(
    folder: Path, page_port: int, services: Sequence[dict[str, Any]]
) -> Iterator[subprocess.Popen[bytes]]:
    command = run_command(folder, page_port, services)
    with stopping(command, folder / "out.log") as process:
        until(lambda: ask(page_port) is not None)
        yield process


@contextmanager
def bare(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The limit: wait for the exit, start again, nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.bare", *child(port, *options)]
    with stopping(command, folder / "out.log") as process:
        yield process


def supervisord() -> str:
    """Its path, from SUPERVISORD or the PATH; empty where there is none."""
    return os.environ.get("SUPERVISORD", "") or shutil.which("supervisord") or ""


@contextmanager
def supervised(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "supervisord.conf"
    config.write_text(
        f"[supervisord]\nnodaemon=true\nlogfile={folder}/log\npidfile={folder}/pid\n"
        f"[program:child]\ncommand={' '.join(child(port, *options))}\nautorestart=true\nstartsecs=1\n"
    )
    with stopping([supervisord(), "-n", "-c", str(config)], folder / "out.log") as process:
        yield process
