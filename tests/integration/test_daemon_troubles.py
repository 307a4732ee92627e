import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.journal_audit import audit, facts
from tests.fixtures.real_daemon import RealDaemon, until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    daemon = RealDaemon(tmp_path, "a", "b", "c")
    yield daemon
    daemon.end()


def test_a_daemon_that_was_frozen_blames_nobody_for_it(daemon: RealDaemon) -> None:
    daemon.start()
    until("healthy", daemon.all_healthy)
    before = daemon.leaders()
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(8)
    daemon.process.send_signal(signal.SIGCONT)
    time.sleep(3)
    assert daemon.all_healthy()
    assert daemon.incidents() == []
    assert daemon.leaders() == before
    assert daemon.stop() == 0
    assert [fact for fact in facts(daemon.state, "ObservationResumed") if fact.get("gap_s", 0) > 5]
    assert facts(daemon.state, "FixStarted") == []


def test_what_died_while_the_daemon_was_frozen_is_brought_back_once_it_looks(daemon: RealDaemon) -> None:
    daemon.start()
    until("healthy", daemon.all_healthy)
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    os.kill(daemon.pid("b"), signal.SIGKILL)
    time.sleep(2.5)
    daemon.process.send_signal(signal.SIGCONT)
    until("healed", lambda: [i["status"] for i in daemon.incidents()] == ["closed"])
    [incident] = daemon.incidents()
    assert (incident["service"], incident["cause"]["name"]) == ("b", "crash")
    assert daemon.stop() == 0


@contextlib.contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[None]:
    """Everything in the folder stands on a file system of that size."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_the_daemon_heals_says_so_and_catches_up(daemon: RealDaemon) -> None:
    with small_disk(daemon.state, 4096):
        daemon.start()
        until("healthy", daemon.all_healthy)
        ballast = daemon.state / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        os.kill(daemon.pid("a"), signal.SIGKILL)
        until("it runs again", lambda: "a" in daemon.leaders() and daemon.health()["a"] == "healthy")
        until("it says so", lambda: "cannot be written" in daemon.command("status").stdout)
        assert "records stay in memory, only safe fixes are applied" in daemon.said()
        assert "nightwarden_storage_ok 0" in daemon.get("/metrics")[1]
        ballast.unlink()
        until("it can write again", lambda: "cannot be written" not in daemon.command("status").stdout, 40)
        until("healed", lambda: [i["status"] for i in daemon.incidents()] == ["closed"])
        # status knows it before
        until("on disk", lambda: len(list(facts(daemon.state, "StorageChanged"))) == 2)
        daemon.kill()
        daemon.start()
        until("healthy", daemon.all_healthy)
        assert [(i["service"], i["status"]) for i in daemon.incidents()] == [("a", "closed")], (
            "it was written later"
        )
        assert daemon.stop() == 0
        assert [fact.get("ok", True) for fact in facts(daemon.state, "StorageChanged")] == [False, True]
        audit(daemon.state)
        assert daemon.carriers() == []


def test_a_daemon_started_on_a_full_disk_says_so_in_one_line(daemon: RealDaemon) -> None:
    with small_disk(daemon.state, 64):
        with contextlib.suppress(OSError), (daemon.state / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        daemon.launch()
        assert daemon.process is not None
        assert daemon.process.wait(15) == 2
        assert daemon.said().startswith(f"--state {daemon.state}: cannot be written: No space left")
        assert len(daemon.said().splitlines()) == 1
