"""Where one who heals cannot live, a real process ends with exit code 1 and says why; its services live on."""

import subprocess
import sys
from pathlib import Path

from tests.fixtures.real_daemon import ROOT, RealDaemon

BROKEN = """
import sys
from pathlib import Path
from agents.act_gate import ActGate
from agents.supervisor import Policy
from scripts import daemon, run

async def cannot_live(self, outlet):
    raise RuntimeError("broken on purpose")

ActGate.run = cannot_live
daemon.AGENTS = daemon.ROOT = Policy(intensity=1, backoff_s=0.7)
sys.exit(run.main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""


def test_the_process_ends_and_leaves_its_services_to_the_next_one(tmp_path: Path) -> None:
    daemon = RealDaemon(tmp_path, "a")
    try:
        listen = f"127.0.0.1:{daemon.page_port}"
        command = [sys.executable, "-c", BROKEN, str(daemon.config), str(daemon.state), listen]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 1
        assert "nightwarden gave up: root: pipeline died too often" in ended.stderr
        assert "act_gate died too often, last of RuntimeError('broken on purpose')" in ended.stderr
        pid = daemon.pid("a")
        daemon.start()
        assert daemon.pid("a") == pid
    finally:
        daemon.end()
