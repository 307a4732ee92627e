import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.journal_audit import audit, facts
from tests.fixtures.real_daemon import RealDaemon, command, until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    daemon = RealDaemon(tmp_path, "a", "b", "c")
    yield daemon
    daemon.end()


def deaf(daemon: RealDaemon, name: str, grace_s: float) -> dict[str, Any]:
    """A service that does not hear SIGTERM."""
    words = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    platform = {"type": "process", "command": words, "cwd": str(daemon.folder)}
    return {"name": name, "platform": platform, "stop": {"grace_s": grace_s}}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_stops_the_services_in_reverse_order_of_dependency(daemon: RealDaemon, number: int) -> None:
    daemon.configure([daemon.tiny("c", "b"), daemon.tiny("a"), daemon.tiny("b", "a"), deaf(daemon, "d", 0.5)])
    daemon.start()
    until("healthy", daemon.all_healthy)
    began = time.monotonic()
    assert daemon.stop(number) == 0
    assert time.monotonic() - began < 5
    assert [service for service, _, _ in daemon.notes("born")] == ["a", "b", "c"]
    assert [service for service, _, _ in daemon.notes("ended")] == ["c", "b", "a"]
    assert daemon.carriers() == []
    assert "Traceback" not in daemon.said()
    assert {fact["service"] for fact in facts(daemon.state, "ServiceStopped")} == {"a", "b", "c", "d"}
    assert facts(daemon.state, "IncidentOpened") == []


@pytest.mark.soak
def test_services_that_hear_nothing_are_killed_in_time(daemon: RealDaemon) -> None:
    chain = [deaf(daemon, f"d{n}", 60) for n in range(5)]
    for n, service in enumerate(chain[1:]):
        service["depends_on"] = [f"d{n}"]
    daemon.configure(chain)
    daemon.start()
    until("healthy", daemon.all_healthy)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 25
    assert daemon.carriers() == []


def test_what_stays_is_left_running_and_adopted_by_the_next_daemon(daemon: RealDaemon) -> None:
    daemon.configure(
        [daemon.tiny("a", on_exit="leave"), daemon.tiny("b", "a"), daemon.tiny("c", probe=False)]
    )
    daemon.start()
    until("healthy", daemon.all_healthy)
    stays = daemon.pid("a")
    assert daemon.stop() == 0
    assert set(daemon.leaders()) == {"a"}
    daemon.start()
    until("healthy again", daemon.all_healthy)
    assert daemon.pid("a") == stays
    assert daemon.incidents() == []
    assert daemon.stop() == 0
    assert [fact["service"] for fact in facts(daemon.state, "ServiceStarted") if fact.get("adopted")] == ["a"]
    assert daemon.pid("a") == stays


def test_a_second_daemon_on_the_same_state_folder_goes_away_and_says_why(daemon: RealDaemon) -> None:
    daemon.start()
    until("healthy", daemon.all_healthy)
    words = [*daemon.arguments()[3:-1], "127.0.0.1:0"]
    second = command(*words, env=daemon.environment())
    assert daemon.process is not None
    who = f"--state {daemon.state} is in use by another daemon (pid {daemon.process.pid})\n"
    assert (second.returncode, second.stderr) == (2, who)
    assert daemon.all_healthy()
    assert daemon.command("status").returncode == 0, "the first one is still reached"
    assert len(daemon.notes("born")) == 3
    assert daemon.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_at_any_instant_of_the_start_leaves_nothing_behind(daemon: RealDaemon, number: int) -> None:
    for wait_s in (0, 0.03, 0.1, 0.3):
        daemon.launch()
        until("its page answers", lambda: daemon.get("/health")[0] == 200, step_s=0.01)
        time.sleep(wait_s)
        assert daemon.stop(number) == 0, daemon.said()
        assert daemon.carriers() == []
    daemon.start()
    assert daemon.stop(number) == 0
    assert "Traceback" not in daemon.said()
    audit(daemon.state)


def test_a_stop_does_not_wait_for_what_cannot_boot(daemon: RealDaemon) -> None:
    broken = daemon.tiny("b") | {"platform": {"type": "process", "command": ["false"]}}
    slow = daemon.tiny("c") | {"platform": {"type": "process", "command": ["sleep", "1000"]}}
    daemon.configure([daemon.tiny("a"), broken, slow])
    daemon.start()
    until("a boot failed", lambda: "b" in daemon.said() and (daemon.health()["a"] == "healthy"))
    os.kill(daemon.pid("a"), signal.SIGSTOP)
    time.sleep(0.3)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 4
    assert daemon.carriers() == []
    daemon.configure([daemon.tiny("a"), daemon.tiny("b"), daemon.tiny("c")])
    daemon.start()
    until("healthy", daemon.all_healthy)
    assert daemon.stop() == 0
    audit(daemon.state)
