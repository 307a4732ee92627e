"""Who races: our daemon and what small teams use instead, each told in its own words to keep the same children alive."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.measure import free_ports
from benchmarks.stage import child, daemon, service, stopping

PROBE_S = 1.0
OURS = "nightwarden"
MONIT_CYCLE_S = 5


class Peer(Struct, frozen=True):
    """`start` runs it over the commands of all children; `probes` says whether it asks them how they are."""

    name: str
    variable: str  # of the environment, where it is not on the PATH
    program: str
    start: Callable[[str, Path, Sequence[list[str]], Sequence[int]], Any]

    def path(self) -> str:
        return os.environ.get(self.variable, "") or shutil.which(self.program) or ""


@contextmanager
def ours(folder: Path, ports: Sequence[int], store: int, *, every: Sequence[str]) -> Iterator[int]:
    """Yields the port of its page. What the children cannot boot without is declared, and watched."""
    [page] = free_ports(1)
    url = f"http://127.0.0.1:{store}/health"
    probe = {"type": "http", "url": url, "interval_s": PROBE_S, "timeout_s": PROBE_S}
    theirs = {"name": "store", "platform": {"type": "http", "url": url}, "probe": probe}
    own = [
        service(f"app{n}", port, *every, probe_s=PROBE_S, depends_on=["store"])
        for n, port in enumerate(ports)
    ]
    with daemon(folder, page, [theirs, *own]):
        yield page


@contextmanager
def _supervisord(
    path: str, folder: Path, commands: Sequence[list[str]], _ports: Sequence[int]
) -> Iterator[None]:
    programs = "".join(
        f"[program:app{n}]\ncommand={shlex.join(command)}\nautorestart=true\n"
        for n, command in enumerate(commands)
    )
    config = folder / "supervisord.conf"
    config.write_text(f"[supervisord]\nnodaemon=true\nlogfile={folder}/log\npidfile={folder}/pid\n{programs}")
    with stopping([path, "-n", "-c", str(config)], folder / "out.log"):
        yield


@contextmanager
def _monit(path: str, folder: Path, commands: Sequence[list[str]], ports: Sequence[int]) -> Iterator[None]:
    checks = []
    for n, (command, port) in enumerate(zip(commands, ports, strict=True)):
        start = folder / f"start{n}"
        start.write_text(
            f"#!/bin/sh\n{shlex.join(command)} >>{folder}/app{n}.log 2>&1 &\necho $! > {folder}/app{n}.pid\n"
        )
        start.chmod(0o700)
        checks.append(
            f'check process app{n} with pidfile {folder}/app{n}.pid\n  start program = "{start}" with timeout 10 seconds\n'
            f"  stop program = \"/bin/sh -c 'kill -9 $(cat {folder}/app{n}.pid)'\"\n"
            f'  if failed host 127.0.0.1 port {port} protocol http request "/health" with timeout 2 seconds for 2 cycles then restart\n'
        )
    config = folder / "monitrc"
    files = "\n".join(f"set {kind} {folder}/{kind}" for kind in ("logfile", "pidfile", "idfile", "statefile"))
    config.write_text(f"set daemon {MONIT_CYCLE_S}\n{files}\n{''.join(checks)}")
    config.chmod(0o600)
    with stopping([path, "-I", "-c", str(config)], folder / "out.log"):
        yield


@contextmanager
def _pm2(path: str, folder: Path, commands: Sequence[list[str]], _ports: Sequence[int]) -> Iterator[None]:
    apps = [
        {"name": f"app{n}", "script": command[0], "args": command[1:], "interpreter": "none"}
        for n, command in enumerate(commands)
    ]
    config = folder / "apps.json"
    config.write_text(json.dumps({"apps": apps}))
    home = ["env", f"PM2_HOME={folder}/home"]
    with stopping([*home, path, "start", str(config), "--no-daemon"], folder / "out.log"):
        yield


@contextmanager
def _circus(path: str, folder: Path, commands: Sequence[list[str]], _ports: Sequence[int]) -> Iterator[None]:
    control, news = free_ports(2)
    watchers = "".join(
        f"[watcher:app{n}]\ncmd = {shlex.join(command)}\n" for n, command in enumerate(commands)
    )
    ends = f"endpoint = tcp://127.0.0.1:{control}\npubsub_endpoint = tcp://127.0.0.1:{news}\n"
    config = folder / "circus.ini"
    config.write_text(f"[circus]\n{ends}{watchers}")
    with stopping([path, str(config)], folder / "out.log"):
        yield


PEERS = (
    Peer("supervisord", "SUPERVISORD", "supervisord", _supervisord),
    Peer("monit", "MONIT", "monit", _monit),
    Peer("pm2", "PM2", "pm2", _pm2),
    Peer("circus", "CIRCUSD", "circusd", _circus),
)


@contextmanager
def peer(one: Peer, folder: Path, ports: Sequence[int], *, every: Sequence[str]) -> Iterator[None]:
    folder.mkdir(parents=True)
    with one.start(one.path(), folder, [child(port, *every) for port in ports], ports):
        yield


def store(folder: Path, port: int) -> Any:
    """What everybody's children cannot boot without; nobody supervises it."""
    return stopping(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("child.py")), str(port)],
        folder / "store.log",
    )
