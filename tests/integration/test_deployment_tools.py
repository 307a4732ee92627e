"""What we ship for other programs, judged by those programs where they are installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.real_daemon import ROOT

FOLDER = ROOT / "deploy/prometheus"


def judged(*words: str) -> str:
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_our_configuration_and_the_alerts_come_when_they_should() -> None:
    judged("promtool", "check", "config", "prometheus.yml")
    judged("promtool", "test", "rules", "alerts_test.yml")


def test_compose_takes_our_file_by_its_own_schema(tmp_path: Path) -> None:
    path = ROOT / "docker-compose.yml"
    words = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    judged(*words, str(path))
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(path.read_text().replace("healthcheck:", "healthchecks:"))
    done = subprocess.run([*words, str(misspelt)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "healthchecks" in done.stdout


def test_compose_resolves_our_file_with_its_profiles() -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not installed")
    found = judged(
        "docker",
        "compose",
        "-f",
        str(ROOT / "docker-compose.yml"),
        "--profile",
        "models",
        "config",
        "--services",
    )
    assert {"api", "mlflow", "airflow", "trainer", "bootstrap", "monitoring"} <= set(found.split())


def test_systemd_finds_nothing_in_our_unit(tmp_path: Path) -> None:
    text = (ROOT / "deploy/nightwarden.service").read_text()
    unit = tmp_path / "nightwarden.service"
    unit.write_text(text.replace("/opt/nightwarden/.venv/bin/nightwarden", sys.executable))
    assert judged("systemd-analyze", "verify", "--man=no", str(unit)) == ""
