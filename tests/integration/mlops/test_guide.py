import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.loader import parse
from scripts.demo import free_ports
from scripts.service_ways import listener
from tests.fixtures.extra import needs

needs("fastapi", "uvicorn", "sklearn", "pandera")
ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "SELF_HEALING.md").read_text()
SKIPPED = {
    "make setup": "the tests run in what it made",
    "make setup-mlops": "the tests run in what it made",
    "make data": "make_data.py, which it calls, is run with its root here",
    "make demo-mlops": "it has a test of its own",
    ". .venv/bin/activate": "the test sets PATH itself",
    "python scripts/test_self_healing.py": "it has a test of its own",
}
FOR_EVER = ("python scripts/serve_model.py", "MONITORING_INTERVAL=1 nightwarden run")
SAYS = {"nightwarden status": "credit", "nightwarden incidents": "repair_data verified"}  # before long
LONG_S, SOON_S = 120, 60


def commands() -> list[str]:
    return [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]


class Terminal:
    """A user's shell in one folder, whose servers are ended with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, self.page = free_ports(2)
        self._running: list[subprocess.Popen[bytes]] = []
        self._env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(root),
        }
        for name in ("GITHUB_OUTPUT", "MLFLOW_TRACKING_URI", "PORT"):
            self._env.pop(name, None)
        if os.environ.get("NIGHTWARDEN_SOAK") != "1":
            # a server that is away: MLflow's own start is a quarter of the time, and has tests of its own
            self._env["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{free_ports(1)[0]}"

    def meant(self, command: str) -> str:
        """The command with free ports in the place of the usual ones."""
        command = command.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        if command.startswith("python scripts/generate_test_predictions.py"):
            return f"{command} --url http://127.0.0.1:{self.port}"
        if command.startswith("python scripts/serve_model.py"):
            return f"{command} --port {self.port}"
        if "nightwarden run" in command:
            return f"{command} --listen 127.0.0.1:{self.page}"
        return command

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        words = ["bash", "-o", "pipefail", "-c", self.meant(command)]
        return subprocess.run(
            words, cwd=self.root, env=self._env, capture_output=True, text=True, timeout=LONG_S, check=False
        )

    def start(self, command: str) -> None:
        words = ["bash", "-c", self.meant(command)]
        with (self.root / "background.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    words, cwd=self.root, env=self._env, stdout=log, stderr=log, start_new_session=True
                )
            )

    def until(self, command: str, says: str) -> "subprocess.CompletedProcess[str]":
        """Again and again, as a user would who waits for it."""
        ends_at = time.monotonic() + SOON_S
        while True:
            done = self.run(command)
            if (done.returncode == 0 and says in done.stdout) or time.monotonic() > ends_at:
                return done
            time.sleep(0.5)

    def close(self) -> None:
        for process in reversed(self._running):
            os.killpg(process.pid, signal.SIGINT)
        restarted = listener(self.port)  # by auto_recover_service.py, which leaves it running
        if restarted is not None:
            restarted.terminate()
            psutil.wait_procs([restarted], timeout=10)
        for process in self._running:
            process.wait(timeout=40)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    (tmp_path / "config").mkdir()
    for name in ("monitoring_config.json", "self_healing_config.json"):
        shutil.copy(ROOT / "config" / name, tmp_path / "config")
    found = Terminal(tmp_path)
    yield found
    found.close()


@pytest.mark.timeout(400)  # a fifth of that where nothing else runs
def test_each_command_of_the_guide_works_in_this_order(terminal: Terminal) -> None:
    jq = shutil.which("jq") is not None
    told: dict[str, list[str]] = {}
    for command in ["python scripts/make_data.py", *commands()]:
        if command in SKIPPED or (" | jq " in command or command.startswith("jq ")) > jq:
            continue
        if command.startswith(FOR_EVER):
            terminal.start(command)
            continue
        ready = "curl" in command or command in SAYS
        done = terminal.until(command, SAYS.get(command, "")) if ready else terminal.run(command)
        background = (terminal.root / "background.log").read_text() if ready else ""
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{background}"
        assert SAYS.get(command, "") in done.stdout, f"{command}: {done.stdout}{background}"
        if "jq" in command:
            assert done.stdout.split(), command
            assert "null" not in done.stdout.split(), f"{command}: {done.stdout}"
        told.setdefault(command, []).append(done.stdout)
    if jq:
        assert told["jq .champion models/credit/pointer.json"] == ["2\n", "1\n", "3\n"]
        assert told["jq .drift_detected alerts/drift_alert.json"] == ["true\n"]
        assert "promote" in told["jq '.events[-1]' .github/triggers/retraining_log.json"][0]
    assert "data_quality" in "".join(told["nightwarden incidents"])


def test_what_is_left_out_stands_in_the_guide_and_is_set_up_or_proven_elsewhere() -> None:
    assert set(SKIPPED) <= set(commands())
    assert {line for line in commands() if line.startswith("make ")} <= set(SKIPPED)


def test_the_configurations_of_the_guide_are_valid() -> None:
    shown = re.findall(r"^```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(shown) == 1
    config = parse(shown[0].encode(), "guide", {})
    assert [service.name for service in config.services] == ["credit", "credit-api"]
    assert json.loads(shown[0])


def test_the_guide_names_every_log_with_the_line_that_reads_it() -> None:
    for line in (
        "models/rollback_log.json | `jq '.[-1]'`",
        "monitoring/recovery_log.json | `jq '.[-1]'`",
        "alerts/drift_alert.json | `jq .drift_detected`",
        "results.json | `jq .accuracy`",
        ".github/triggers/retraining_log.json | `jq .last_retrain_time`, `jq '.events[-1]'`",
    ):
        assert line in GUIDE
