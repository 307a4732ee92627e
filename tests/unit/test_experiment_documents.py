"""Experiments as documents: what is shipped is valid, also for Chaos Toolkit, and what is wrong is told."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from chaoslib.experiment import ensure_experiment_is_valid

from platforms.chaos.names import FAULTS
from scripts.experiments.document import ExperimentError, configuration, load, substituted
from tests.unit.test_docs import ROOT, page, rows, section

SHIPPED = sorted((ROOT / "config/experiments").glob("*.json"))


def test_there_are_experiments_enough() -> None:
    assert len(SHIPPED) >= 8


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_shipped_experiment_is_valid_described_and_names_real_faults(path: Path) -> None:
    experiment, document = load(path, {})
    ensure_experiment_is_valid(document)
    assert path.stem in rows(section(page("chaos.md"), "Experiments"))
    faults = [
        activity.provider.arguments["fault"]
        for activity in experiment.method
        if getattr(activity.provider, "func", "") == "inject"
    ]
    assert faults
    assert set(faults) <= set(FAULTS)
    assert experiment.rollbacks


def broken(tmp_path: Path, **changes: Any) -> str:
    document = json.loads(SHIPPED[0].read_text()) | changes
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ExperimentError) as raised:
        load(path, {})
    return str(raised.value)


def activity(**provider: Any) -> dict[str, Any]:
    return {"type": "action", "name": "x", "provider": {"type": "python", **provider}}


def test_what_is_wrong_is_told_with_its_path(tmp_path: Path) -> None:
    def method(**provider: Any) -> str:
        return broken(tmp_path, method=[activity(**provider)])

    assert "only those of scripts.chaos_toolkit" in method(
        module="os", func="remove", arguments={"path": "x"}
    )
    assert "has no '_ask'; there are: acts_of" in method(module="scripts.chaos_toolkit", func="_ask")
    assert "has no 'Path'" in method(module="scripts.chaos_toolkit", func="Path")
    assert "missing a required argument: 'fault'" in method(module="scripts.chaos_toolkit", func="inject")
    assert "$.controls: this cannot be run here" in broken(tmp_path, controls=[])
    assert "missing required field `title`" in broken(tmp_path, **{"steady-state-hypothesis": {}})
    probe = {**activity(module="scripts.chaos_toolkit", func="all_healthy"), "type": "probe"}
    hypothesis = {"title": "x", "probes": [probe]}
    assert "probes[0]: a probe of the hypothesis needs a tolerance" in broken(
        tmp_path, **{"steady-state-hypothesis": hypothesis}
    )
    hypothesis["probes"] = [{**probe, "tolerance": {"type": "regex", "pattern": "("}}]
    assert "tolerance: pattern:" in broken(tmp_path, **{"steady-state-hypothesis": hypothesis})
    wanted = {"x": {"type": "env", "key": "NOT_SET"}}
    assert "the environment has no NOT_SET" in broken(tmp_path, configuration=wanted)


def test_configuration_comes_from_the_environment_with_its_type(tmp_path: Path) -> None:
    document = json.loads(SHIPPED[0].read_text())
    document["configuration"] = {
        "seconds": {"type": "env", "key": "S", "env_var_type": "int"},
        "plain": "p",
        "left": {"type": "env", "key": "NOT_SET", "default": 2},
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    experiment, _ = load(path, {"S": "7"})
    found = configuration(experiment, {"S": "7"})
    assert found == {"seconds": 7, "plain": "p", "left": 2}
    assert substituted(["${seconds}", "${plain}/${left}", "${other}"], found) == [7, "p/2", "${other}"]


def test_a_folder_of_state_is_found_as_people_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.chaos_toolkit import state_dir

    monkeypatch.delenv("NIGHTWARDEN_STATE_DIR", raising=False)
    assert state_dir(None) == Path("state")
    monkeypatch.setitem(os.environ, "NIGHTWARDEN_STATE_DIR", "/a")
    assert state_dir({}) == Path("/a")
    assert state_dir({"state_dir": "/b"}) == Path("/b")
