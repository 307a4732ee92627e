"""The chaos suite for real, with three of its scenarios: a real daemon, real services, a vandal of his own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = [sys.executable, "scripts/chaos_test_suite.py", "--warm", "0"]


def test_a_kill_a_bad_release_and_a_steady_run_are_scored(tmp_path: Path) -> None:
    chosen = [word for name in ("killed", "release-raises", "noisy-log") for word in ("--only", name)]
    done = subprocess.run(
        [*SUITE, "--out", str(tmp_path), *chosen],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "report.json").read_text())
    assert [found[name] for name in ("detection", "localisation", "cause", "mitigation")] == [1.0] * 4
    assert (found["acts_without_fault"], found["faults"], found["runs_without_fault"]) == (0, 2, 1)
    assert all(row["mttr_s"] > 0 and row["mttd_s"] >= 0 for row in found["scenarios"] if row["fault"])


def test_ctrl_c_leaves_nobody_behind(tmp_path: Path) -> None:
    call = [*SUITE, "--out", str(tmp_path), "--only", "noisy-log"]
    suite = subprocess.Popen(
        call, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    time.sleep(4.0)
    suite.send_signal(signal.SIGINT)
    said, _ = suite.communicate(timeout=60)
    assert suite.returncode == 130, said.decode()
    assert not _session(suite.pid)


def _session(leader: int) -> list[int]:
    """Who still lives of a session; our services have sessions of their own, and the daemon stops them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == leader:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found
