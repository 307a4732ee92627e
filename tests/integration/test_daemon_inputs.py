import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from config.settings import Settings
from config.world import World
from scripts.run import _life
from tests.fixtures.real_daemon import RealDaemon, command

Change = Callable[[list[dict[str, Any]]], Any]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    daemon = RealDaemon(tmp_path, "a", "b")
    yield daemon
    assert daemon.carriers() == []
    assert not daemon.births.exists(), "something was started"


def run(daemon: RealDaemon, *words: str) -> tuple[int, list[str]]:
    """Exit code and what it said on stderr."""
    done = command(*words, env=daemon.environment())
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()


def change(key: str, value: Any) -> Change:
    return lambda services: services[1].__setitem__(key, value)


WRONG: dict[str, tuple[Change, str, str]] = {
    "an unknown key": (change("prob", {}), "$.services[1].prob", 'did you mean "probe"'),
    "a wrong type": (change("start_timeout_s", "soon"), "$.services[1].start_timeout_s", "number"),
    "a duplicate name": (change("name", "a"), "$.services[1].name", 'duplicate name "a"'),
    "an unknown dependency": (change("depends_on", ["db"]), "$.services[1].depends_on[0]", '"db"'),
    "a cycle": (
        lambda services: [
            service.__setitem__("depends_on", [on]) for service, on in zip(services, "ba", strict=True)
        ],
        "$.services[0].depends_on",
        "a -> b -> a",
    ),
    "a missing command": (change("platform", {"type": "process"}), "$.services[1].platform", "command"),
    "a bad address": (
        change("probe", {"type": "http", "url": "localhost"}),
        "$.services[1].probe.url",
        "http://",
    ),
    "an unknown signal": (change("stop", {"signal": "TREM"}), "$.services[1].stop.signal", "TERM"),
}


@pytest.mark.parametrize("words", [("check",), ("run", "--config")], ids=["check", "run"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_configuration_gets_one_line_with_its_place(
    daemon: RealDaemon, wrong: str, words: tuple[str, ...]
) -> None:
    make_wrong, path, hint = WRONG[wrong]
    services = [daemon.tiny("a"), daemon.tiny("b")]
    make_wrong(services)
    daemon.configure(services)
    more = ("--state", str(daemon.state), "--listen", "127.0.0.1:0") if "run" in words else ()
    code, said = run(daemon, *words, str(daemon.config), *more)
    assert code == 2
    assert len(said) == 1, said
    assert said[0].startswith(f"{daemon.config}: {path}")
    assert hint in said[0]


@pytest.mark.parametrize("words", [("check",), ("run", "--config")], ids=["check", "run"])
def test_a_file_that_is_missing_or_no_json_gets_one_line(daemon: RealDaemon, words: tuple[str, ...]) -> None:
    missing = str(daemon.folder / "nothing.json")
    more = ("--state", str(daemon.state), "--listen", "127.0.0.1:0") if "run" in words else ()
    assert run(daemon, *words, missing, *more) == (2, [f"{missing}: no such file"])
    daemon.config.write_text('{"services": [}')
    code, [line] = run(daemon, *words, str(daemon.config), *more)
    assert code == 2
    assert line.startswith(f"{daemon.config}:1:15: not JSON")


def test_everything_that_is_wrong_is_told_at_once(daemon: RealDaemon) -> None:
    daemon.config.write_text(json.dumps({"services": [{"nam": "a"}], "more": 1}))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", daemon.page_port))
        taken.listen()
        code, said = run(daemon, *daemon.arguments()[3:])
    assert code == 2
    assert [word for word in ("$.more", "$.services[0].nam", "--listen") if word not in "\n".join(said)] == []


def test_a_listening_address_in_use_gets_one_line(daemon: RealDaemon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", daemon.page_port))
        taken.listen()
        code, [line] = run(daemon, *daemon.arguments()[3:])
    assert code == 2
    assert f"--listen 127.0.0.1:{daemon.page_port}: the port is in use" in line


def test_an_address_that_is_taken_just_after_we_looked_gets_one_line_too(
    daemon: RealDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    world, listen = World(Config(), {}, daemon.state), f"127.0.0.1:{daemon.page_port}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", daemon.page_port))
        taken.listen()
        assert asyncio.run(_life(world, Settings(), daemon.config, listen, "")) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"--listen {listen}: the port is in use")


def test_the_port_of_a_service_may_be_in_use(daemon: RealDaemon) -> None:
    """Adopted children hold theirs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", daemon.ports["a"]))
        taken.listen()
        assert run(daemon, "check", str(daemon.config)) == (0, [])


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:http", "127.0.0.1:70000", "no.such.host.invalid:1"])
def test_an_address_that_is_none_gets_one_line(daemon: RealDaemon, listen: str) -> None:
    code, [line] = run(daemon, *daemon.arguments()[3:-1], listen)
    assert code == 2
    assert line.startswith(f"--listen {listen}: ")


def test_a_state_folder_that_cannot_be_written_gets_one_line(daemon: RealDaemon) -> None:
    state = daemon.config / "state"  # under a file
    words = daemon.arguments()[3:]
    words[words.index("--state") + 1] = str(state)
    code, [line] = run(daemon, *words)
    assert code == 2
    assert line.startswith(f"--state {state}: cannot be written: ")


def test_a_setting_of_the_environment_that_is_wrong_gets_one_line(daemon: RealDaemon) -> None:
    daemon.env = {"SELF_HEALING_INTERVAL": "often"}
    code, [line] = run(daemon, *daemon.arguments()[3:])
    assert code == 2
    assert line == (
        "environment: SELF_HEALING_INTERVAL: must be a number of seconds, at least 0.01, not 'often'"
    )


def test_an_unknown_agent_gets_one_line(daemon: RealDaemon) -> None:
    code, [line] = run(
        daemon, "agent", "no_such_agent", "--config", str(daemon.config), "--state", str(daemon.state)
    )
    assert code == 2
    assert "no_such_agent" in line
    assert "rca_engine" in line, "it says which there are"
