import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.journal_audit import audit, facts
from tests.fixtures.real_daemon import RealDaemon, until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    daemon = RealDaemon(tmp_path, "a", "b", "c")
    yield daemon
    daemon.end()


def beyond_help(daemon: RealDaemon, name: str) -> dict[str, Any]:
    """It runs, and its probe asks where nobody listens: an incident that nothing closes."""
    service = daemon.tiny(name)
    service["probe"] = {"type": "tcp", "url": "tcp://127.0.0.1:9", "interval_s": 0.5, "timeout_s": 0.4}
    return service | {"start_timeout_s": 1}


def change_unseen(daemon: RealDaemon, services: list[dict[str, Any]]) -> None:
    """Same inode, size and time: only a signal can tell."""
    before, text = daemon.config.stat(), json.dumps({"services": services})
    assert len(text) <= before.st_size
    with daemon.config.open("r+") as file:
        file.write(text.ljust(before.st_size))
    os.utime(daemon.config, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("by", ["a changed file", "SIGHUP"])
def test_a_reload_touches_only_what_is_another_than_before(daemon: RealDaemon, by: str) -> None:
    daemon.configure([daemon.tiny("a"), beyond_help(daemon, "b"), daemon.tiny("c", "a"), daemon.tiny("e")])
    daemon.start()
    until("an incident of b is open", lambda: [i for i in daemon.incidents() if i["service"] == "b"])
    until("the others are healthy", lambda: list(daemon.health().values()).count("healthy") == 3)
    before = {name: daemon.pid(name) for name in "ace"}
    changed = daemon.tiny("c", "a")
    changed["platform"]["env"]["MORE"] = "1"
    milder = daemon.tiny("e", limits={"memory_mib": 100})  # nothing that its process would notice
    new = [daemon.tiny("a"), changed, milder, daemon.tiny("d", "c")]
    if by == "SIGHUP":
        change_unseen(daemon, new)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)
    else:
        daemon.configure(new)
    until("the new fleet is healthy", lambda: set(daemon.health()) == set("aced") and daemon.all_healthy())
    until("the changed one is another process", lambda: daemon.pid("c") != before["c"])
    until("it is healthy", daemon.all_healthy)
    assert sorted(daemon.leaders()) == ["a", "c", "d", "e"]
    assert {name: daemon.pid(name) for name in "ae"} == {name: before[name] for name in "ae"}
    withdrawn = [incident["status"] for incident in daemon.incidents() if incident["service"] == "b"]
    assert withdrawn == ["withdrawn"]
    assert daemon.stop() == 0
    assert daemon.notes("doubled") == []
    [change] = [fact for fact in facts(daemon.state, "ConfigChanged") if fact.get("why") == "reload"]
    assert (change["added"], change["removed"], sorted(change["changed"])) == (["d"], ["b"], ["c", "e"])
    assert {fact["service"] for fact in facts(daemon.state, "IncidentOpened")} == {"b"}
    audit(daemon.state)


def test_an_invalid_file_leaves_the_old_configuration_in_force_and_is_told(daemon: RealDaemon) -> None:
    daemon.start()
    until("healthy", daemon.all_healthy)
    before = daemon.leaders()
    daemon.configure([daemon.tiny("a", "nobody"), daemon.tiny("b") | {"restrat": "always"}])
    until("it is told", lambda: daemon.said().count("not reloaded: ") == 2)
    assert (
        f'not reloaded: {daemon.config}: $.services[0].depends_on[0]: unknown dependency "nobody"'
        in daemon.said()
    )
    assert f"not reloaded: {daemon.config}: $.services[1].restrat: unknown key" in daemon.said()
    assert daemon.leaders() == before
    assert daemon.all_healthy()
    daemon.config.unlink()
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)
    until("the missing file is told", lambda: f"not reloaded: {daemon.config}: no such file" in daemon.said())
    daemon.config.write_text(f'{{"services": {"9" * 5000}}}')
    until("what no parser reads is told", lambda: f"{daemon.config}: a number is too long" in daemon.said())
    daemon.configure([daemon.tiny("a"), daemon.tiny("b")])
    until("a valid file counts again", lambda: set(daemon.leaders()) == {"a", "b"})
    assert {name: daemon.leaders()[name] for name in "ab"} == {name: before[name] for name in "ab"}
    _, stream = daemon.get("/observability/services")
    assert [service["name"] for service in json.loads(stream)["items"]] == ["a", "b"]
    assert daemon.stop() == 0
    refused = [fact for fact in facts(daemon.state, "ConfigChanged") if fact.get("why") == "refused"]
    assert len(refused) == 3
    assert "nobody" in refused[0]["problem"]
    assert "restrat" in refused[0]["problem"]


def test_an_invalid_file_met_by_the_next_start_starts_nothing_and_stops_nothing(daemon: RealDaemon) -> None:
    daemon.configure([daemon.tiny("a", on_exit="leave")])
    daemon.start()
    until("healthy", daemon.all_healthy)
    before = daemon.leaders()
    assert daemon.stop() == 0
    daemon.config.write_text("{")
    daemon.launch()
    assert daemon.process is not None
    assert daemon.process.wait(10) == 2
    assert daemon.leaders() == before


def test_a_service_taken_out_while_no_daemon_ran_is_stopped_by_the_next(daemon: RealDaemon) -> None:
    daemon.configure([daemon.tiny("a"), beyond_help(daemon, "b"), daemon.tiny("c")])
    daemon.start()
    until("b has an incident", lambda: [i for i in daemon.incidents() if i["service"] == "b"])
    until("the others are healthy", lambda: list(daemon.health().values()).count("healthy") == 2)
    pid = daemon.pid("a")
    daemon.kill()
    daemon.configure([daemon.tiny("a"), daemon.tiny("d")])
    daemon.start()
    until("only what is declared runs", lambda: sorted(daemon.leaders()) == ["a", "d"])
    until("healthy", daemon.all_healthy)
    assert daemon.pid("a") == pid
    assert [(i["service"], i["status"]) for i in daemon.incidents()] == [("b", "withdrawn")]
    assert daemon.stop() == 0
