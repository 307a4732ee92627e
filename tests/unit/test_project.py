import itertools
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.make_requirements import pins

ROOT = Path(__file__).parents[2]
LOCKS = ("core.lock", "dev.lock", "mlops.lock")  # that are installed into one environment
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ALL_LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("*.lock"))
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


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_each_locked_package_has_its_hashes(name: str) -> None:
    found = dict(entries(lock(name)))
    assert len(found) > 20
    assert [package for package, hashes in found.items() if not hashes] == []


@pytest.mark.parametrize("name", [*ALL_LOCKS, "../requirements.txt"])
def test_no_lock_says_where_packages_come_from(name: str) -> None:
    assert re.findall(r"://|--index|--find-links|--trusted| @ |^-e|^/", lock(name), re.MULTILINE) == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    asked = PROJECT["project"]
    core = {name for name, _ in entries(lock("core.lock"))}
    assert names(asked["dependencies"]) <= core
    for extra in ("dev", "mlops"):
        held = {name for name, _ in entries(lock(f"{extra}.lock"))}
        assert names(asked["optional-dependencies"][extra]) <= held
        assert core <= held


def test_all_locks_pin_the_same_versions() -> None:
    """So that an extra on top of what is there changes nothing of it; a version may depend on the Python."""
    pinned = []
    for name in LOCKS:
        found: dict[str, set[str]] = {}
        for line in pins(lock(name)).splitlines():
            found.setdefault(line.split("==")[0], set()).add(line)
        pinned.append(found)
    for one, other in itertools.combinations(pinned, 2):
        assert {
            name: (one[name], other[name]) for name in one if one[name] != other.get(name, one[name])
        } == {}


def test_the_types_are_judged_alike_with_the_extra_and_without() -> None:
    """What dev does not install is a module without types for mypy, also where it is installed."""
    others = {"opentelemetry", "sklearn", "telegram", "xgboost", "yaml", "dateutil", "prometheus_client"}
    known = (
        {name.replace("-", "_") for name, _ in entries(lock("dev.lock"))} | others | sys.stdlib_module_names
    )
    own = {path.name for path in ROOT.iterdir()}
    asked = {
        name
        for package in PROJECT["tool"]["mypy"]["packages"]
        for path in (ROOT / package).rglob("*.py")
        for names in re.findall(
            r"^ *(?:from (\w+)[\w.]* import |import (\w+)[\w.]*(?: as \w+)?$)", path.read_text(), re.MULTILINE
        )
        for name in names
        if name
    }
    untyped = {
        name.removesuffix(".*")
        for override in PROJECT["tool"]["mypy"]["overrides"]
        if override.get("follow_imports") == "skip"
        for name in override["module"]
    }
    assert len(asked & known) > 20
    assert asked - known - own <= untyped
    assert untyped.isdisjoint(known)


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
