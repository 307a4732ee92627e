"""The services of render.yaml, started as Render would start them: their commands, their variables, one machine."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest
import yaml

from scripts.demo import free_ports
from tests.fixtures.real_daemon import ROOT, TOKEN, RealDaemon, until

SERVICES: dict[str, Any] = {
    s["name"]: s for s in yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
}


class Instance(RealDaemon):
    """One service of the blueprint in a clone of its own; its state folder is where the clone has it."""

    def __init__(self, clone: Path, name: str, ports: dict[str, int]) -> None:
        super().__init__(clone)
        self.page_port = ports[name]
        self.words = shlex.split(SERVICES[name]["startCommand"])
        self.env = {"PYTHONPATH": str(ROOT)} | _variables(name, ports)

    def arguments(self, *more: str) -> list[str]:
        listen = f"127.0.0.1:{self.page_port}"  # as PORT and RENDER would have it, but on the loopback
        return [sys.executable, "-m", "scripts.nightwarden", *self.words[1:], "--listen", listen, *more]


def _variables(name: str, ports: dict[str, int]) -> dict[str, str]:
    """As Render resolves them; what it asks a person for is left empty but the token."""
    found = {}
    for variable in SERVICES[name]["envVars"]:
        link = variable.get("fromService", {})
        if link.get("property") == "hostport":
            found[variable["key"]] = f"127.0.0.1:{ports[link['name']]}"
        elif variable["key"] == "NIGHTWARDEN_TOKEN":
            found[variable["key"]] = TOKEN
        else:
            found[variable["key"]] = str(variable.get("value", ""))
    return found


@pytest.fixture
def blueprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Instance]]:
    numbers = free_ports(len(SERVICES) + 3)
    ports = dict(zip(SERVICES, numbers, strict=False))
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("var"))
    (tmp_path / "config").mkdir()
    shipped = (ROOT / "config/self_healing_config.json").read_text()
    fleet = dict(zip(("9001", "9002", "9003"), numbers[-3:], strict=True))
    text = re.sub(r"\b900[123]\b", lambda found: str(fleet[found[0]]), shipped)
    (tmp_path / "config/self_healing_config.json").write_text(text)
    monkeypatch.setattr("tests.fixtures.real_daemon.ROOT", tmp_path)  # where commands start
    instances = {name: Instance(tmp_path, name, ports) for name in SERVICES}
    try:
        yield instances
    finally:
        for instance in instances.values():
            instance.end()


def test_the_first_incident_is_healed_and_seen_on_the_page_of_the_other_service(
    blueprint: dict[str, Instance],
) -> None:
    page, worker = blueprint["nightwarden-dashboard"], blueprint["nightwarden"]
    page.launch()
    worker.launch()
    until("the page hears the worker", lambda: page.get("/ready")[0] == 200)
    until("the example fleet is healthy", lambda: len(page.health()) == 3 and page.all_healthy())
    pid = next(s["pid"] for s in page.items("/observability/services") if s["name"] == "shop")
    assert "examples/shop.py" in " ".join(psutil.Process(pid).cmdline())
    psutil.Process(pid).send_signal(signal.SIGKILL)
    until("healed", lambda: [i["status"] for i in page.incidents()] == ["closed"])
    [incident] = page.incidents()
    assert (incident["service"], incident["cause"]["name"]) == ("shop", "crash")
    status, body = page.request("/api/pause", "POST", TOKEN)
    assert (status, json.loads(body)["durable"]) == (200, True)
    assert worker.stop() == 0
    assert page.stop() == 0
    assert "Traceback" not in worker.said() + page.said()


@pytest.fixture
def api() -> Iterator[dict[str, str]]:
    """The stand-in for Render's API as a program, and where it is."""
    words = [sys.executable, "-m", "tests.fixtures.render_api", "--speed", "60"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)


def test_a_service_that_hangs_on_render_is_found_and_healed_and_seen_on_the_page(
    blueprint: dict[str, Instance], api: dict[str, str]
) -> None:
    """As docs/deploy.md has it, but that a second stands for half a minute."""
    page, worker = blueprint["nightwarden-dashboard"], blueprint["nightwarden"]
    worker.env |= {"RENDER_MODE": "true", "RENDER_API_KEY": api["key"], "RENDER_API_URL": api["url"]}
    config = worker.folder / "config/self_healing_config.json"
    config.write_text('{"render": {"include": ["shop"], "probe_interval_s": 1}}')
    page.launch()
    worker.launch()
    until(
        "the page shows what was found",
        lambda: page.get("/ready")[0] == 200 and page.health() == {"shop": "healthy"},
    )
    broken = json.dumps({"service": "shop", "fault": "hang"}).encode()
    urlopen(Request(f"{api['control']}/break", data=broken, method="POST"), timeout=10).close()
    until("healed", lambda: [i["status"] for i in page.incidents()] == ["closed"], 60)
    [incident] = page.incidents()
    assert incident["acts"], "it did not pass by itself"
    assert {act["layer"] for act in incident["acts"]} == {"infrastructure"}
    with urlopen(f"{api['control']}/world", timeout=10) as world:
        assert {s["name"]: s["healthy"] for s in json.load(world)["services"]}["shop"]
    assert worker.stop() == 0
    assert page.stop() == 0
    assert api["key"] not in worker.said() + page.said()
