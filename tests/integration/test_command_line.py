import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.team import MAKERS
from tests.fixtures.journal_audit import facts
from tests.fixtures.real_daemon import ROOT, RealDaemon, command, until


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    daemon = RealDaemon(tmp_path_factory.mktemp("commands"), "a", "b")
    try:
        daemon.start()
        until("healthy", daemon.all_healthy)
        yield daemon
    finally:
        daemon.end()


def said(daemon: RealDaemon, *words: str) -> str:
    done = daemon.command(*words)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_status_tells_each_service_and_the_whole(daemon: RealDaemon) -> None:
    lines = said(daemon, "status").splitlines()
    assert lines[0].startswith("healthy, ")
    assert [line.split()[:2] for line in lines[1:]] == [["a", "healthy"], ["b", "healthy"]]


def test_an_incident_is_listed_and_explained_by_the_beginning_of_its_id(daemon: RealDaemon) -> None:
    os.kill(daemon.pid("b"), signal.SIGKILL)
    until("healed", lambda: any(incident["status"] == "closed" for incident in daemon.incidents()))
    [line] = said(daemon, "incidents", "--status", "closed").splitlines()
    assert re.fullmatch(r"[0-9a-f]{8}  \S+Z  closed +b: crash of b; respawn verified", line)
    explained = said(daemon, "explain", line[:6])
    assert "respawn" in explained
    assert "crash" in explained
    assert said(daemon, "incidents", "--status", "open") == "no incidents with status open\n"


def test_what_cannot_be_done_is_one_line_and_fails(daemon: RealDaemon) -> None:
    for words, answer in (
        (("explain", "zz"), "no incident begins with 'zz'; see: nightwarden incidents"),
        (("stop", "nobody"), "no service is called 'nobody'; there are: a, b"),
        (("fault", "kill", "a"), "faults are only made where CHAOS_ENABLED=true is set for the daemon"),
    ):
        done = daemon.command(*words)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", answer + "\n")


def test_what_a_terminal_cannot_show_costs_no_line(tmp_path: Path) -> None:
    file = tmp_path / "\u20ac.json"
    file.write_text('{"services": []}')
    done = command("check", str(file), env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u20ac.json: valid, 0 services" in done.stdout


def test_without_a_daemon_the_line_says_how_to_start_one(tmp_path: Path) -> None:
    done = command("status", "--state", str(tmp_path))
    line = f"no daemon has used the state folder {tmp_path}; start one with: nightwarden run, or name another folder with --state\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_a_paused_daemon_watches_and_does_not_act(daemon: RealDaemon) -> None:
    assert said(daemon, "pause") == "done\n"
    assert "paused by command line" in said(daemon, "status")
    os.kill(daemon.pid("a"), signal.SIGKILL)
    until("it is seen", lambda: daemon.health()["a"] == "down")
    time.sleep(0.5)
    assert "a" not in daemon.leaders()
    [incident] = [i for i in daemon.incidents() if i["service"] == "a"]
    assert "paused" in said(daemon, "explain", incident["id"])
    assert said(daemon, "resume") == "done\n"
    until("it acts", daemon.all_healthy)


def test_a_pause_outlives_the_daemon(daemon: RealDaemon) -> None:
    said(daemon, "pause")
    assert daemon.stop() == 0
    daemon.start()
    assert "paused by command line" in said(daemon, "status")
    until("it starts what is declared all the same", daemon.all_healthy)
    said(daemon, "resume")
    assert "paused" not in said(daemon, "status")


@pytest.mark.parametrize("end", ["SIGTERM", "kill -9"])
def test_what_an_operator_stopped_stays_stopped_over_a_restart(daemon: RealDaemon, end: str) -> None:
    assert said(daemon, "stop", "b") == "done\n"
    until("it is gone", lambda: "b" not in daemon.leaders())
    before = len(daemon.incidents())
    daemon.stop() if end == "SIGTERM" else daemon.kill()
    daemon.start()
    until("a is healthy", lambda: daemon.health() == {"a": "healthy", "b": "stopped"})
    time.sleep(1.5)
    assert "b" not in daemon.leaders()
    assert len(daemon.incidents()) == before
    assert said(daemon, "start", "b") == "done\n"
    until("it runs again", daemon.all_healthy)


def test_the_pause_file_is_a_switch_from_outside(daemon: RealDaemon) -> None:
    switch = daemon.state / "PAUSE"
    switch.touch()
    until("it is seen", lambda: "paused by file PAUSE" in said(daemon, "status"))
    assert said(daemon, "resume") == "done, but still paused by file PAUSE in the state folder: remove it\n"
    os.kill(daemon.pid("a"), signal.SIGKILL)
    until("it is seen", lambda: daemon.health()["a"] == "down")
    time.sleep(0.5)
    assert "a" not in daemon.leaders()
    daemon.kill()
    switch.unlink()  # while nobody looks
    daemon.start()
    until("it acts", daemon.all_healthy)
    until("not paused", lambda: "paused" not in said(daemon, "status"))


def test_the_daemon_stops_well_after_all_this(daemon: RealDaemon) -> None:
    assert daemon.stop() == 0
    assert daemon.carriers() == []
    assert daemon.notes("doubled") == []
    done = daemon.command("status")
    assert done.returncode == 1
    assert f"no daemon runs on the state folder {daemon.state}" in done.stderr


def test_a_dry_run_does_nothing_and_says_what_it_would_do(tmp_path: Path) -> None:
    daemon = RealDaemon(tmp_path, "a", "b")
    other = subprocess.Popen(
        daemon.tiny("a")["platform"]["command"],
        env=os.environ | daemon.tiny("a")["platform"]["env"]
        | {"NIGHTWARDEN_SERVICE": "a", "NIGHTWARDEN_INCARNATION": "somebody-else"},
    )  # fmt: skip
    try:
        daemon.start("--dry-run")
        until("what runs is watched", lambda: daemon.health()["a"] == "healthy")
        assert daemon.carriers() == []
        assert "dry run: nothing is done, only said" in said(daemon, "status")
        os.kill(other.pid, signal.SIGSTOP)
        until("it says what it would do", lambda: "dry run" in daemon.said())
        incident = until("the incident", lambda: [i for i in daemon.incidents() if i["service"] == "a"])[0]
        assert "dry run" in said(daemon, "explain", incident["id"])
        time.sleep(1)
        assert daemon.carriers() == []
        assert facts(daemon.state, "FixStarted") == []
        os.kill(other.pid, signal.SIGCONT)
        until("it passes by itself", lambda: daemon.health()["a"] == "healthy")
        assert daemon.stop() == 0
        assert other.poll() is None, "what is not ours is left alone"
    finally:
        other.kill()
        other.wait()
        daemon.end()


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_each_agent_runs_alone_from_its_own_file(tmp_path: Path, name: str) -> None:
    daemon = RealDaemon(tmp_path, "a")
    words = [
        sys.executable,
        f"agents/{name}.py",
        "--config",
        str(daemon.config),
        "--state",
        str(daemon.state),
    ]
    with daemon.output.open("wb") as out:
        process = subprocess.Popen(words, cwd=ROOT, stdout=out, stderr=out, env=daemon.environment())
    try:
        until("it runs", lambda: "page: http://127.0.0.1:" in daemon.said() or process.poll() is not None)
        until("it is reached", lambda: daemon.command("status").returncode == 0)
        until("it says what happens", lambda: "configuration in force, 1 service" in daemon.said())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, daemon.said()
        assert "Traceback" not in daemon.said()
        assert daemon.carriers() == []
        assert not daemon.births.exists()
    finally:
        process.kill()
        process.wait()
