"""The example services as real processes on free ports, each fault met from outside."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.loader import load
from config.model import Config, ProcessPlatform
from examples.fleet import build, point_release

Answer = tuple[int, Any]


def ask(url: str, *, post: Any = None, timeout_s: float = 3.0) -> Answer:
    """Status and body; status 0 where there is no answer."""
    data = None if post is None else json.dumps(post).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=timeout_s) as answer:
            body = answer.read().decode()
            return answer.status, json.loads(body) if body.startswith("{") else body
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
    except OSError as error:
        return 0, str(error)


def eventually(seen: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not seen():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


class Fleet:
    """Runs the services of the demo's configuration, without Nightwarden."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
            free = [held.getsockname()[1] for held in sockets]
        self.ports = dict(zip(("shop", "pricing", "worker"), free, strict=True))
        self.config: Config = load(build(folder, self.ports), {})
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, name: str, **env: str) -> subprocess.Popen[bytes]:
        service = self.config.service(name)
        assert service and isinstance(service.platform, ProcessPlatform)
        environ = {**os.environ, **service.platform.env, **env}
        errors = (self.folder / f"{name}.stderr").open("w")
        command = service.platform.command
        self.children[name] = subprocess.Popen(command, cwd=service.platform.cwd, env=environ, stderr=errors)
        errors.close()
        return self.children[name]

    def start(self, *names: str, **env: str) -> None:
        for name in names:
            self.launch(name, **env)
        for name in names:
            eventually(lambda name=name: self.health(name)[0] == 200)  # type: ignore[misc]

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def health(self, name: str) -> Answer:
        return ask(self.url(name, "/health"))

    def fault(self, name: str, what: str) -> None:
        assert ask(self.url(name, f"/fault/{what}"), post={})[0] == 200

    def errors(self, name: str) -> str:
        return (self.folder / f"{name}.stderr").read_text()

    def close(self) -> None:
        for child in self.children.values():
            child.kill()
            child.wait()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with contextlib.closing(Fleet(tmp_path)) as made:
        yield made


def test_the_fleet_serves_orders_and_jobs_and_says_so(fleet: Fleet) -> None:
    fleet.start("pricing", "shop", "worker")
    status, order = ask(fleet.url("shop", "/orders"), post={"sku": "book", "quantity": 2})
    assert (status, order["id"], order["version"]) == (201, 1, "v1")
    assert ask(fleet.url("shop", "/price?sku=book"))[1]["price"] == order["price"] > 0
    assert ask(fleet.url("shop", "/orders"))[1]["items"] == [order]
    assert json.loads((fleet.folder / "data/shop.json").read_text())["next_id"] == 2
    eventually(lambda: 'jobs_total{outcome="done"}' in ask(fleet.url("worker", "/metrics"))[1])
    page = ask(fleet.url("shop", "/metrics"))[1]
    assert 'http_requests_total{route="/orders",status="201"} 1.0' in page
    assert "http_request_seconds_bucket" in page
    assert "queue_length 0.0" in ask(fleet.url("worker", "/metrics"))[1]
    assert "order 1: 2 x book" in (fleet.folder / "logs/shop.log").read_text()


def test_bad_requests_are_refused_and_harm_nothing(fleet: Fleet) -> None:
    fleet.start("pricing", "shop")
    assert ask(fleet.url("shop", "/price?sku=car"))[0] == 404
    assert ask(fleet.url("shop", "/orders"), post=["book"])[0] == 400
    assert ask(fleet.url("shop", "/nowhere"))[0] == 404
    assert ask(fleet.url("pricing", "/predict"), post={"cost": "x"})[0] == 400
    assert ask(fleet.url("pricing", "/fault/leak?mib_per_s=nan"), post={})[0] == 400
    assert fleet.health("shop")[0] == 200


def test_a_start_is_quick_and_a_term_ends_it_cleanly(fleet: Fleet) -> None:
    began = time.monotonic()
    fleet.start("pricing")
    assert time.monotonic() - began < 3.0  # alone on a machine it takes 0.3 s
    fleet.children["pricing"].terminate()
    assert fleet.children["pricing"].wait(3) == 0


def test_a_hang_stops_all_answers_while_the_process_lives_and_ends_with_a_restart(fleet: Fleet) -> None:
    fleet.start("pricing")
    fleet.fault("pricing", "hang")
    assert ask(fleet.url("pricing", "/health"), timeout_s=0.3)[0] == 0
    assert fleet.children["pricing"].poll() is None
    fleet.children["pricing"].kill()
    fleet.start("pricing")


def test_a_hung_service_still_obeys_a_term(fleet: Fleet) -> None:
    fleet.start("pricing")
    fleet.fault("pricing", "hang")
    assert ask(fleet.url("pricing", "/health"), timeout_s=0.2)[0] == 0
    fleet.children["pricing"].terminate()
    assert fleet.children["pricing"].wait(4) == 0


def test_a_frozen_process_gives_no_answer_until_it_goes_on(fleet: Fleet) -> None:
    fleet.start("pricing")
    fleet.children["pricing"].send_signal(signal.SIGSTOP)
    assert ask(fleet.url("pricing", "/health"), timeout_s=0.3)[0] == 0
    fleet.children["pricing"].send_signal(signal.SIGCONT)
    assert fleet.health("pricing")[0] == 200


def test_a_slow_model_says_so_at_once_and_its_caller_blames_it(fleet: Fleet) -> None:
    fleet.start("pricing", "shop")
    fleet.fault("pricing", "slow?seconds=2")
    began = time.monotonic()
    assert fleet.health("pricing") == (
        503,
        {"status": "unhealthy", "reason": "inference is slow: not done after 0.2 s"},
    )
    assert time.monotonic() - began < 1
    status, answer = fleet.health("shop")
    assert status == 503
    assert f"{fleet.url('pricing', '/predict')} gave no answer within 0.3 s" in answer["reason"]
    fleet.fault("pricing", "slow?seconds=0")
    assert (fleet.health("pricing")[0], fleet.health("shop")[0]) == (200, 200)


def test_a_leak_makes_the_process_really_grow(fleet: Fleet) -> None:
    fleet.start("pricing")
    process = psutil.Process(fleet.children["pricing"].pid)
    before_mib = process.memory_info().rss / (1 << 20)
    assert before_mib < 100
    fleet.fault("pricing", "leak?mib_per_s=60")
    eventually(lambda: process.memory_info().rss / (1 << 20) > before_mib + 30)
    assert fleet.health("pricing")[0] == 200


def test_a_noisy_load_takes_processor_time_and_harms_nothing(fleet: Fleet) -> None:
    fleet.start("pricing")
    process = psutil.Process(fleet.children["pricing"].pid)
    before_s = process.cpu_times().user
    fleet.fault("pricing", "busy?seconds=3&share=0.6")
    eventually(lambda: process.cpu_times().user > before_s + 0.3)
    assert fleet.health("pricing")[0] == 200


def test_a_bad_release_answers_500_until_the_link_points_back(fleet: Fleet) -> None:
    fleet.start("pricing", "shop")
    point_release(fleet.folder, "v2")
    status, answer = fleet.health("shop")
    assert (status, answer["status"]) == (500, "failing")
    assert answer["reason"].startswith("TypeError: unsupported operand")
    assert ask(fleet.url("shop", "/price?sku=mug"))[0] == 500
    assert 'http_errors_total{route="/price"} 1.0' in ask(fleet.url("shop", "/metrics"))[1]
    assert "Traceback" in fleet.errors("shop")
    point_release(fleet.folder, "v1")
    assert fleet.health("shop") == (200, {"status": "ok", "version": "v1", "orders": 0})


def test_a_shop_also_boots_with_a_release_that_is_not_there(fleet: Fleet) -> None:
    (fleet.folder / "releases/current").unlink()
    fleet.launch("shop")
    eventually(lambda: fleet.health("shop")[0] == 500)
    assert "FileNotFoundError" in fleet.health("shop")[1]["reason"]


@pytest.mark.parametrize("damage", [b'{"orders": [', b"\x00" * 40, b"[]", b"{}", b""])
def test_a_damaged_state_file_is_told_and_never_written_over(fleet: Fleet, damage: bytes) -> None:
    fleet.start("pricing", "shop")
    state_file = fleet.folder / "data/shop.json"
    good = state_file.read_bytes()
    state_file.write_bytes(damage)
    status, answer = fleet.health("shop")
    assert status == 503
    assert answer["reason"].startswith("state file damaged: data/shop.json")
    assert ask(fleet.url("shop", "/orders"), post={"sku": "mug"})[0] == 503
    assert state_file.read_bytes() == damage
    state_file.write_bytes(good)
    assert fleet.health("shop")[0] == 200
    assert ask(fleet.url("shop", "/orders"), post={"sku": "mug"})[0] == 201


def test_a_worker_cannot_boot_without_its_dependency_and_says_which(fleet: Fleet) -> None:
    child = fleet.launch("worker", WAIT_FOR_S="0")
    assert child.wait(5) == 1
    assert f"cannot start: dependency {fleet.url('pricing', '/health')} cannot be reached" in fleet.errors(
        "worker"
    )
    assert "Traceback" not in fleet.errors("worker")


def test_a_worker_that_gets_nothing_done_is_unhealthy_and_recovers_with_its_queue(fleet: Fleet) -> None:
    fleet.start("pricing", "worker", STALE_S="0.5")
    eventually(lambda: fleet.health("worker")[0] == 503)
    reason = fleet.health("worker")[1]["reason"]
    assert "no job done for" in reason
    assert f"dependency {fleet.url('shop', '/price')} cannot be reached" in reason
    fleet.start("shop")
    eventually(lambda: fleet.health("worker")[0] == 200)
    eventually(lambda: "queue_length 0.0" in ask(fleet.url("worker", "/metrics"))[1])


def test_a_killed_worker_finds_its_queue_again(fleet: Fleet) -> None:
    fleet.start("pricing", "worker")
    eventually(lambda: fleet.health("worker")[1]["waiting"] >= 2)
    fleet.children["worker"].kill()
    fleet.children["worker"].wait()
    fleet.start("worker", FEED_S="3600")
    assert fleet.health("worker")[1]["waiting"] >= 2


def test_a_model_file_that_cannot_be_used_ends_the_start_with_one_line(fleet: Fleet) -> None:
    (fleet.folder / "pricing_model.json").write_text('{"version": 1}')
    assert fleet.launch("pricing").wait(5) == 1
    assert fleet.errors("pricing").count("\n") == 1
    assert "cannot start: model file pricing_model.json: KeyError: 'bias'" in fleet.errors("pricing")


def test_a_port_in_use_ends_the_start_with_one_line(fleet: Fleet) -> None:
    fleet.start("pricing")
    first = fleet.children["pricing"]
    second = fleet.launch("pricing")
    assert second.wait(5) == 1
    assert "cannot listen: " in fleet.errors("pricing")
    assert "Traceback" not in fleet.errors("pricing")
    first.kill()
    first.wait()


@pytest.mark.parametrize("name", ["shop", "pricing", "worker"])
def test_each_example_explains_itself(name: str) -> None:
    script = Path(__file__).parents[2] / f"examples/{name}.py"
    shown = subprocess.run(
        [sys.executable, script, "--port", "9001", "--help"], capture_output=True, text=True, check=True
    )
    assert name in shown.stdout.lower()
    assert "--log-file" in shown.stdout
