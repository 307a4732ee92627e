import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.secret import SECRET_NAMES
from scripts.make_requirements import pins

ROOT = Path(__file__).parents[2]
LOCKS = ("core.lock", "dev.lock")
DATA = Path(os.environ.get("NIGHTWARDEN_BENCH_DATA", ROOT.parent / "shared/data"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Agents have a name, what they consume and what they emit.
AGENT = re.compile(r"^    name = .*^    consumes\b.*^    emits\b", re.MULTILINE | re.DOTALL)


def lock(name: str) -> str:
    return (ROOT / "requirements" / name).read_text()


def entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each pinned package with its hashes."""
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        if re.match(r"[a-z0-9]", entry):
            yield entry.split("==")[0], re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;~! ]", line)[0].lower().replace("_", "-") for line in requirements}


# --- locks -----------------------------------------------------------------------------------------------------------


def test_requirements_txt_is_made_from_the_lock() -> None:
    assert (ROOT / "requirements.txt").read_text() == pins(lock("core.lock"))


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_has_its_hashes(name: str) -> None:
    found = dict(entries(lock(name)))
    assert len(found) > 20
    assert [package for package, hashes in found.items() if not hashes] == []


@pytest.mark.parametrize("name", [*LOCKS, "../requirements.txt"])
def test_no_lock_says_where_packages_come_from(name: str) -> None:
    assert re.findall(r"://|--index|--find-links|--trusted| @ |^-e|^/", lock(name), re.MULTILINE) == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    asked = PROJECT["project"]
    core = {name for name, _ in entries(lock("core.lock"))}
    dev = {name for name, _ in entries(lock("dev.lock"))}
    assert names(asked["dependencies"]) <= core
    assert names(asked["optional-dependencies"]["dev"]) <= dev
    assert core <= dev


def test_both_locks_pin_the_same_versions() -> None:
    core, dev = (
        dict(re.findall(r"^([a-z0-9][^=\s]*)==([^\s;]+)", lock(name), re.MULTILINE)) for name in LOCKS
    )
    assert {name: version for name, version in core.items() if dev[name] != version} == {}


# --- import contracts ------------------------------------------------------------------------------------------------


def contract(name: str) -> dict[str, Any]:
    [found] = [each for each in PROJECT["tool"]["importlinter"]["contracts"] if each["name"] == name]
    return dict(found)


def test_every_agent_stands_in_the_contract_that_keeps_agents_apart() -> None:
    agents = {
        f"agents.{path.stem}" for path in (ROOT / "agents").glob("*.py") if AGENT.search(path.read_text())
    }
    assert len(agents) >= 11
    assert set(contract("Agents share events and nothing else")["modules"]) == agents
    assert set(contract("What runs agents knows none of them")["forbidden_modules"]) == agents


def test_every_package_has_its_layer_and_is_installed() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    inside = {path.parent for name in packages for path in (ROOT / name).rglob("__init__.py")}
    names = {".".join(path.relative_to(ROOT).parts) for path in inside}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == names
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == packages
    layers = {name for layer in contract("Imports point down only")["layers"] for name in layer.split(" | ")}
    assert layers == packages - {"examples"}


# --- Render ----------------------------------------------------------------------------------------------------------


def lint_render(blueprint: dict[str, Any]) -> list[str]:
    """What is wrong beyond the schema: Render accepts it and then something bad happens."""
    return [f"{service['name']}: {line}" for service in blueprint["services"] for line in _lint(service)]


def _lint(service: dict[str, Any]) -> Iterator[str]:
    if service["type"] == "worker" and "healthCheckPath" in service:
        yield "a worker has no inbound network, so nobody can ask its healthCheckPath"
    if "disk" in service and (service.get("numInstances", 1) != 1 or "scaling" in service):
        yield "a disk belongs to one instance"
    for variable in service.get("envVars", ()):
        if variable.get("key") in SECRET_NAMES and (variable.get("sync") is not False or "value" in variable):
            yield f"{variable['key']} is a secret: sync: false and no value"
    if not 30 <= service.get("maxShutdownDelaySeconds", 30) <= 300:
        yield "the daemon needs up to 30 s to stop, and Render allows at most 300"


def blueprint() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "render.yaml").read_text()))


def test_render_yaml_passes_our_own_lint() -> None:
    assert lint_render(blueprint()) == []


def test_the_lint_finds_what_it_is_for() -> None:
    secret = {"key": "TELEGRAM_BOT_TOKEN", "value": "123"}
    bad = {"name": "x", "type": "worker", "healthCheckPath": "/", "disk": {}, "numInstances": 2, "envVars": [secret],
           "maxShutdownDelaySeconds": 5}  # fmt: skip
    assert len(lint_render({"services": [bad]})) == 4


def test_the_state_on_render_lies_on_the_disk() -> None:
    [service] = blueprint()["services"]
    assert service["disk"]["mountPath"].endswith(
        "/src/state"
    )  # commands start in src, the state folder is ./state
    assert service["startCommand"] == "nightwarden run"


def test_render_yaml_follows_the_schema_of_render() -> None:
    path = DATA / "render/blueprint.schema.json"
    if not path.exists():
        pytest.skip(f"no copy of the schema at {path}; NIGHTWARDEN_BENCH_DATA says where")
    validators = pytest.importorskip("jsonschema", reason="jsonschema comes with the extra dev").validators
    schema = json.loads(path.read_text())
    errors = validators.validator_for(schema)(schema).iter_errors(blueprint())
    assert [error.message for error in errors] == []


def test_the_procfile_starts_what_render_starts() -> None:
    assert (ROOT / "Procfile").read_text() == "worker: nightwarden run\n"


# --- systemd ---------------------------------------------------------------------------------------------------------


def test_systemd_never_gives_the_daemon_up_and_leaves_its_services_to_it() -> None:
    unit = (ROOT / "deploy/nightwarden.service").read_text()
    wanted = {
        "StartLimitIntervalSec=0",
        "Restart=always",
        "RestartSec=1",
        "KillMode=process",
        "TimeoutStopSec=40",
    }
    assert wanted <= set(unit.splitlines())
    assert "RestartPrevent" not in unit
