import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fixtures.real_daemon import ROOT, RealDaemon, until


def test_the_shipped_configuration_starts_the_example_fleet_and_is_all_there_is_to_say(
    tmp_path: Path,
) -> None:
    """As from the root of a clone, on other ports; python is on nobody's PATH but the daemon's own."""
    shipped = ROOT / "config/self_healing_config.json"
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("var"))
    (tmp_path / "config").mkdir()
    daemon = RealDaemon(tmp_path, "9001", "9002", "9003")
    text = re.sub(r"\b900[123]\b", lambda found: str(daemon.ports[found[0]]), shipped.read_text())
    (tmp_path / "config/self_healing_config.json").write_text(text)
    words = [sys.executable, "-m", "scripts.nightwarden"]
    path = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    env = daemon.environment() | path
    checked = subprocess.run(
        [*words, "check"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert "valid, 3 services" in checked.stdout
    assert "PATH" not in checked.stdout
    with daemon.output.open("wb") as out:
        daemon.process = subprocess.Popen(
            [*words, "run", "--listen", f"127.0.0.1:{daemon.page_port}"],
            cwd=tmp_path,
            env=env,
            stdout=out,
            stderr=out,
        )
    try:
        until("ready", daemon.is_ready, 30)
        until("every example is healthy", daemon.all_healthy, 60)
        assert set(daemon.leaders()) == {"pricing", "shop", "worker"}
        pythons = {str(Path(f"/proc/{lives[0][1]}/exe").resolve()) for lives in daemon.leaders().values()}
        assert pythons == {str(Path(sys.executable).resolve())}
        assert daemon.incidents() == []
        assert daemon.stop() == 0
        assert daemon.carriers() == []
        assert "Traceback" not in daemon.said()
    finally:
        daemon.end()
