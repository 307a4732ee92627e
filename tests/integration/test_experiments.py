"""Every shipped experiment against the real fleet, by Chaos Toolkit's own command and by ours."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.control import ControlError, ask
from tests.fixtures.experiment_fleet import EXPERIMENTS, ExperimentFleet, experiment_fleet
from tests.fixtures.real_daemon import until

QUICK = {"kill", "slow_dependency"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentFleet]:
    with experiment_fleet(tmp_path_factory.mktemp("experiments")) as found:
        yield found


@pytest.mark.parametrize(
    "experiment",
    [
        pytest.param(path, marks=() if path.stem in QUICK else pytest.mark.soak, id=path.stem)
        for path in EXPERIMENTS
    ],
)
def test_chaos_toolkit_finds_the_fleet_as_steady_after_as_before(
    fleet: ExperimentFleet, experiment: Path
) -> None:
    journal = fleet.by_chaos_toolkit(experiment)
    told = [(run["activity"]["name"], run["status"], run.get("output")) for run in journal["run"]]
    assert (journal["status"], journal["deviated"]) == ("completed", False), journal
    assert all(status == "succeeded" for _, status, _ in told), told
    assert [output for name, _, output in told if name.endswith("seen to be unwell") and not output] == [], (
        told
    )
    assert all(run["status"] == "succeeded" for run in journal["rollbacks"]), journal["rollbacks"]
    assert ask(fleet.daemon.state, "faults")["notes"] == []


def test_our_own_command_tells_the_same_and_looks_that_nothing_is_left(
    fleet: ExperimentFleet, tmp_path: Path
) -> None:
    [kill] = [path for path in EXPERIMENTS if path.stem == "kill"]
    code, said, journal = fleet.by_ourselves(kill)
    assert code == 0, said
    assert (journal["status"], journal["deviated"], journal["left"]) == ("completed", False, "")
    assert said.rstrip().endswith("nothing is left of any fault")
    forgetful = json.loads(kill.read_text())
    forgetful["method"] = [
        {"type": "action", "name": "freeze it for long", "provider": {
            "type": "python", "module": "scripts.chaos_toolkit", "func": "inject",
            "arguments": {"fault": "cpu", "service": "worker", "for_s": 300},
        }},
    ]  # fmt: skip
    forgetful["rollbacks"] = []
    path = tmp_path / "forgetful.json"
    path.write_text(json.dumps(forgetful))
    code, said, journal = fleet.by_ourselves(path)
    assert journal["deviated"] is True
    assert (code, journal["left"]) == (1, "")
    assert ask(fleet.daemon.state, "faults")["notes"] == []
    assert "DEVIATED: nothing is broken on purpose" in said


def test_an_interrupted_experiment_is_rolled_back(fleet: ExperimentFleet, tmp_path: Path) -> None:
    slow = json.loads(next(path for path in EXPERIMENTS if path.stem == "busy_neighbour").read_text())
    slow["method"][0]["provider"]["arguments"]["for_s"] = 300
    path = tmp_path / "slow.json"
    path.write_text(json.dumps(slow))
    command = [
        sys.executable,
        "-m",
        "scripts.nightwarden",
        "chaos",
        str(path),
        "--state",
        str(fleet.daemon.state),
    ]
    running = subprocess.Popen(command, env=fleet.environment(), stdout=subprocess.PIPE, text=True)
    until("the fault is in", lambda: ask(fleet.daemon.state, "faults")["active"])
    notices = ask(fleet.daemon.state, "status")["summary"]["notices"]
    assert notices == ["broken on purpose: cpu on pricing"]
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said.rstrip().endswith("interrupted; everything was rolled back")
    found = ask(fleet.daemon.state, "faults")
    assert (found["active"], found["notes"]) == ([], [])


def test_what_of_ourselves_is_broken_is_as_before_afterwards(fleet: ExperimentFleet) -> None:
    def fault(name: str, what: str, for_s: float = 0.5, **options: Any) -> str:
        return str(
            ask(
                fleet.daemon.state,
                "fault",
                fault=name,
                service=f"nightwarden:{what}",
                for_s=for_s,
                options=options,
            )
        )

    def over() -> bool:
        found = ask(fleet.daemon.state, "faults")
        return not found["active"] and not found["notes"]

    assert "nothing moved for 0.5 s" in fault("loop_block", "loop", seconds=0.5)
    until("that is over", over)
    assert "the state folder is broken" in fault("own_disk", "disk", 2.0, problem="broken")
    until("people are told", lambda: "Input/output error" in json.dumps(ask(fleet.daemon.state, "status")))
    until("that is over", over)
    until(
        "it is written again",
        lambda: "error" not in json.dumps(ask(fleet.daemon.state, "status")["summary"]["notices"]),
    )
    with pytest.raises(ControlError, match="nothing that is used here"):
        fault("unreachable", "telegram")
    with pytest.raises(ControlError, match="nightwarden:notifier"):
        fault("agent_kill", "chaos_controller")


def test_an_experiment_that_costs_too_much_ends_at_once(fleet: ExperimentFleet) -> None:
    """The budget of the fleet's configuration is a second here."""
    daemon = fleet.daemon
    before = daemon.config.read_text()
    document = json.loads(before)
    document["chaos"]["budget_s"] = 1.0
    daemon.config.write_text(json.dumps(document))
    try:
        time.sleep(1.5)  # the file is looked at each second
        ask(daemon.state, "fault", fault="crash_at_boot", service="worker", for_s=120.0)
        began = time.monotonic()
        until("it ended", lambda: not ask(daemon.state, "faults")["active"])
        assert time.monotonic() - began < 15
        assert "more than the error budget of 1 s" in (daemon.state / "nightwarden.log").read_text()
    finally:
        daemon.config.write_text(before)
        until("every service is healthy", daemon.all_healthy, 40)
