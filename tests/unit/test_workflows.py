"""The workflows that we ship: their stages, what they give on, and that every script they call is there."""

import re
from itertools import pairwise
from typing import Any

import pytest
import yaml

from tests.fixtures.real_daemon import ROOT

FOLDER = ROOT / ".github/workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


def commands(name: str) -> str:
    jobs = workflow(name)["jobs"].values()
    return "\n".join(step.get("run", "") for job in jobs for step in job["steps"])


def test_the_life_of_the_models_has_eight_stages_each_after_the_one_before() -> None:
    jobs = workflow("main.yml")["jobs"]
    assert [job["name"][0] for job in jobs.values()] == list("12345678")
    *stages, summary = jobs
    for before, after in pairwise(stages):
        assert jobs[after]["needs"] == before
    assert jobs[summary]["needs"] == stages and jobs[summary]["if"] == "always()"


def test_accuracy_and_drift_are_outputs_that_the_summary_shows() -> None:
    jobs = workflow("main.yml")["jobs"]
    assert jobs["validate"]["outputs"]["accuracy"] == "${{ steps.validate.outputs.accuracy }}"
    assert {"drift_detected", "drift_score"} <= set(jobs["drift"]["outputs"])
    shown = str(jobs["summary"])
    for output in ("validate.outputs.accuracy", "drift.outputs.drift_detected", "drift.outputs.drift_score"):
        assert f"needs.{output}" in shown


def test_a_change_is_deployed_from_main_alone_and_after_everything_else() -> None:
    jobs = workflow("ci-cd.yml")["jobs"]
    assert list(jobs) == ["validation", "quality", "unit", "integration", "training", "image", "deploy"]
    assert jobs["deploy"]["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert jobs["deploy"]["needs"] == "image"


@pytest.mark.parametrize("name", NAMES)
def test_every_script_and_target_that_a_workflow_calls_is_there(name: str) -> None:
    text = commands(name)
    for script in re.findall(r"(?:python|bash) ((?:scripts|\.ci)/\S+)", text):
        assert (ROOT / script).exists(), script
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets


@pytest.mark.parametrize("name", NAMES)
def test_every_action_of_others_is_pinned_to_a_commit_and_every_job_has_an_end(name: str) -> None:
    for job in workflow(name)["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            used = step.get("uses", "./")
            assert used.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used), used
