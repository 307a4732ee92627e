import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.extra import needs
from tests.fixtures.served_models import ROOT, server, world

needs("fastapi", "uvicorn")
PAGE = (ROOT / "docs" / "api.md").read_text()
COMMANDS = re.findall(r"^    (curl .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    world(root)
    config = root / "config" / "monitoring_config.json"
    config.write_text(config.read_text().replace("credit.csv", "data/raw/credit_risk.csv"))
    with server(root) as (url, _):
        yield url.removeprefix("http://")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[8:60])
def test_each_command_of_the_page_works_and_answers_as_it_shows(command: str, address: str) -> None:
    assert "localhost:8000/" in command
    told = command.replace("localhost:8000", address)
    done = subprocess.run(told, shell=True, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    shown = PAGE.split(command, 1)[1].split("\n    curl", 1)[0]
    if example := re.search(r"^    (\{.*\})$", shown, re.MULTILINE):
        answer, expected = json.loads(done.stdout), json.loads(example[1])
        assert list(answer) == list(expected)
        for name in ("prediction", "status", "model_version", "accepted", "detail"):
            assert answer.get(name) == expected.get(name)


def test_there_are_commands_for_every_path() -> None:
    told = {re.search(r"localhost:8000(/[a-z/]*)", command)[1] for command in COMMANDS}  # type: ignore[index]
    assert {"/predict", "/labels", "/health", "/model", "/monitoring/stats", "/metrics"} <= told


def test_the_script_of_the_page_works(root: Path, address: str) -> None:
    [command] = re.findall(r"^    python (scripts/generate_\S+ .*)$", PAGE, re.MULTILINE)
    script, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *arguments, "--url", f"http://{address}"],
        cwd=root,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.endswith("250 of 250 labels accepted\n")) == (0, True)
