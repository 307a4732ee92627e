"""Breaks the example fleet from outside: plain signals, files and HTTP, in a process of its own with a log of its own.

python -m scripts.breaker --folder DIR --state DIR --ports '{"shop": 9001, ...}' --log faults.jsonl

It knows nothing of Nightwarden but its command line, which one round uses as an operator would. Each line of the log is
one round: what was done when, and how users saw it; moments are Unix seconds.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil

STEADY_S = 3.0
GIVE_UP_S = 60.0
LOOK_S = 0.05
LEAK_MIB_PER_S = 8


@dataclass(frozen=True)
class Round:
    """What is done to whom, and what the right answer is; `cause` empty: nothing is wrong, the right act is none."""

    name: str
    service: str
    cause: str
    fix: str
    do: Callable[[], None]
    culprit: str = ""  # where it is not the service itself
    after: Callable[[], None] = lambda: None
    shows: str = "fails"  # how users see the fault: fails | restarts | nothing
    lasts_s: float = 0.0  # at least


class Fleet:
    """The services as users and vandals see them."""

    def __init__(self, folder: Path, state: Path, ports: Mapping[str, int], partner_port: int) -> None:
        self.folder = folder
        self.state = state
        self.ports = ports
        self.partner = Partner(partner_port)

    def ask(self, name: str, path: str = "/health", method: str = "GET", timeout_s: float = 0.5) -> int:
        """The status, 0 for no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=timeout_s)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def pid(self, name: str) -> int:
        """Who listens on the service's port."""
        for found in psutil.net_connections("tcp"):
            if (
                found.status == psutil.CONN_LISTEN
                and found.laddr
                and found.laddr.port == self.ports[name]
                and found.pid
            ):
                return found.pid
        return 0

    def signal(self, name: str, number: int) -> None:
        os.kill(self.pid(name), number)

    def steady(self, seconds: float, limit_s: float = GIVE_UP_S) -> bool:
        """Wait until everybody has been well for so long."""
        began = good_since = time.monotonic()
        while time.monotonic() - began < limit_s:
            if not all(self.ask(name) == 200 for name in self.ports):
                good_since = time.monotonic()
            elif time.monotonic() - good_since >= seconds:
                return True
            time.sleep(LOOK_S)
        return False

    def point_release(self, version: str) -> None:
        """As a deployment does: a new link replaces the old one in one step."""
        link = self.folder / "releases/current"
        fresh = link.with_name(".fresh")
        fresh.symlink_to(version)
        fresh.replace(link)

    def corrupt_state(self) -> None:
        path = self.folder / "data/shop.json"
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + b"\x00garbage")

    def operator(self, command: str, service: str) -> None:
        call = [sys.executable, "-m", "scripts.nightwarden", command, service, "--state", str(self.state)]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)

    def crowd(self, name: str, path: str, seconds: float, people: int = 6) -> None:
        """A noisy peak of load: many ask at once, in bursts."""
        end = time.monotonic() + seconds

        def one(number: int) -> None:
            while time.monotonic() < end:
                for _ in range(5 + 3 * number):
                    self.ask(name, path, timeout_s=2.0)
                time.sleep(0.05 * (number + 1))

        threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Partner:
    """A service of somebody else, without which the worker cannot start; the daemon may only watch it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: HTTPServer | None = None

    def up(self) -> None:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"status": "ok"}')

            def log_message(self, *_: Any) -> None:
                """Silence: the log of this process is about faults."""

        self._server = HTTPServer(("127.0.0.1", self._port), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def rounds(fleet: Fleet) -> list[Round]:
    def cannot_boot() -> None:
        fleet.partner.down()
        fleet.signal("worker", signal.SIGKILL)
        time.sleep(20.0)
        fleet.partner.up()

    def peak() -> None:
        fleet.ask("shop", "/fault/busy?seconds=8&share=0.4", "POST")
        fleet.crowd("shop", "/price?sku=book", 8.0)

    def stopped() -> None:
        fleet.operator("stop", "worker")
        time.sleep(6.0)

    post = "POST"
    return [
        Round("killed", "worker", "crash", "respawn", lambda: fleet.signal("worker", signal.SIGKILL)),
        Round("frozen", "pricing", "hang", "kill_restart", lambda: fleet.signal("pricing", signal.SIGSTOP)),
        Round("handler hangs", "shop", "hang", "kill_restart", lambda: void(fleet.ask("shop", "/fault/hang", post))),
        Round("bad release", "shop", "bad_deploy", "rollback_release", lambda: fleet.point_release("v2")),
        Round("noisy load peak", "shop", "", "", peak, shows="nothing"),
        Round("state file corrupted", "shop", "state_corruption", "restore_file", fleet.corrupt_state),
        Round("dependency slow", "pricing", "network_latency", "kill_restart",
              lambda: void(fleet.ask("pricing", "/fault/slow?seconds=2", post))),
        Round("memory leak", "worker", "memory_leak", "restart",
              lambda: void(fleet.ask("worker", f"/fault/leak?mib_per_s={LEAK_MIB_PER_S}", post)), shows="restarts"),
        Round("stopped by an operator", "worker", "", "", stopped,
              after=lambda: fleet.operator("start", "worker"), shows="nothing"),
        Round("cannot boot for 20 s", "worker", "dependency_failure", "respawn", cannot_boot, culprit="partner",
              lasts_s=20.0),
    ]  # fmt: skip


def void(_: object) -> None:
    """For lambdas whose answer does not matter."""


def play(fleet: Fleet, round_: Round) -> dict[str, Any]:
    """One round, from a steady fleet to a steady fleet."""
    if not fleet.steady(STEADY_S):
        return _line(round_, 0.0, problem="the fleet was not well before")
    pid = fleet.pid(round_.service)
    injected_at = time.time()
    round_.do()
    acted_at = time.time()
    failed_at = _first(lambda: _shows(fleet, round_, pid), GIVE_UP_S) if round_.shows != "nothing" else 0.0
    round_.after()
    well = fleet.steady(STEADY_S)
    healed_at = time.time() - STEADY_S if well else 0.0
    problem = "" if well else "not well again"
    if round_.shows != "nothing" and not failed_at and not round_.lasts_s:
        problem = "nobody saw the fault"
    return _line(
        round_, injected_at, acted_at=acted_at, failed_at=failed_at, healed_at=healed_at, problem=problem
    )


def _shows(fleet: Fleet, round_: Round, pid: int) -> bool:
    if round_.shows == "restarts":
        return fleet.pid(round_.service) not in {0, pid}
    return fleet.ask(round_.service) != 200 or fleet.pid(round_.service) not in {0, pid}


def _first(seen: Callable[[], bool], limit_s: float) -> float:
    """When it was first seen, 0 if never."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if seen():
            return time.time()
        time.sleep(LOOK_S)
    return 0.0


def _line(round_: Round, injected_at: float, **seen: Any) -> dict[str, Any]:
    wanted = {"name": round_.name, "service": round_.service, "cause": round_.cause, "fix": round_.fix}
    wanted["culprit"] = round_.culprit or round_.service
    return {**wanted, "injected_at": injected_at, "ended_at": time.time(), **seen}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ports", type=json.loads, required=True)
    parser.add_argument("--partner-port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--only", default="", help="play only rounds whose name holds this")
    args = parser.parse_args()
    fleet = Fleet(args.folder, args.state, args.ports, args.partner_port)
    fleet.partner.up()
    with args.log.open("a") as log:
        for round_ in rounds(fleet):
            if args.only in round_.name:
                log.write(json.dumps(play(fleet, round_)) + "\n")
                log.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
