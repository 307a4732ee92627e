"""The services of render.yaml, started as Render would start them: their commands, their variables, one machine."""

import json
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
