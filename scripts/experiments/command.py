"""`nightwarden chaos EXPERIMENT.json`: validates the document, runs it against the daemon, tells what happened."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from scripts.experiments.document import ExperimentError, configuration, load
from scripts.experiments.run import Run
from utils.disk import OsDisk, replace_file


def main(path: Path, state_dir: Path, journal: Path | None, *, check: bool) -> int:
    """0: it was steady before, and is again; 1: it is not, or something is left; 2: the document is wrong."""
    environ = {**os.environ, "NIGHTWARDEN_STATE_DIR": str(state_dir)}
    try:
        experiment, document = load(path, environ)
        variables = configuration(experiment, environ)
    except ExperimentError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{experiment.title}: {experiment.description}")
    if check:
        print("the experiment is valid")
        return 0
    run = Run(experiment, document, {**variables, "state_dir": str(state_dir)}, _told)
    found = run.run()
    if journal is not None:
        replace_file(OsDisk(), journal, json.dumps(found, indent=2, default=str).encode() + b"\n")
    print(_verdict(found))
    return 130 if found["status"] == "interrupted" else 0 if run.is_good else 1


def _told(part: str, how: str, entry: dict[str, Any]) -> None:
    said = entry.get("exception") or entry["output"]
    text = said if isinstance(said, str) else json.dumps(said)
    print(
        f"{part}: {entry['activity']['name']}: {how} after {entry['duration']:.1f} s: {text[:200]}",
        flush=True,
    )


def _verdict(journal: dict[str, Any]) -> str:
    if journal["left"]:
        return f"NOT CLEAN: {journal['left']}"
    failed = [entry["activity"]["name"] for entry in journal["rollbacks"] if entry["status"] != "succeeded"]
    if failed:
        return f"NOT ROLLED BACK: {', '.join(failed)}"
    if journal["status"] == "interrupted":
        return "interrupted; everything was rolled back"
    if journal["status"] != "completed":
        return "not run: the state was not steady before"
    after = journal["steady_states"]["after"]
    if journal["deviated"]:
        return f"DEVIATED: {after['probes'][-1]['activity']['name']} is not as it was before"
    return "completed: the state is steady again, and nothing is left of any fault"
