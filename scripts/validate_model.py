"""`python scripts/validate_model.py --output results.json`: how good the champion is now, and whether that is enough."""

import argparse
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from mlops.entry import add_setup_arguments, leave, parser, setup, step_outputs
from mlops.errors import BadInputError
from mlops.retraining.consent import add_healing_argument, healing
from mlops.retraining.measuring import Measured, measure
from utils.disk import OsDisk, replace_file

ABOUT = """Measure a model's champion on rows that it was not trained on, and compare its accuracy with the threshold.

Accuracy of a classifier is the share that is right, of a regression R², clipped to 0-1. The result holds `accuracy`,
`passed`, the version and every metric with its 95 % interval.

Exit codes: 0 passed; 1 below the threshold; 2 bad input (no model, no table); 130 stopped by Ctrl-C."""
EXAMPLES = """  python scripts/validate_model.py --output results.json
  python scripts/validate_model.py --model housing --threshold 0.6
  python scripts/validate_model.py --data data/raw/new.csv --output results.json && jq .accuracy results.json"""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    options = parser(ABOUT, EXAMPLES)
    options.add_argument("--output", type=Path, metavar="FILE", help="write the result there as JSON")
    options.add_argument("--model", metavar="NAME", help="default: default_model of the configuration")
    options.add_argument(
        "--threshold", type=float, metavar="X", help="default: model_validation.min_accuracy_threshold"
    )
    options.add_argument("--data", metavar="CSV", help="another table (default: the model's own)")
    add_healing_argument(options)
    add_setup_arguments(options)
    return options.parse_args(words)


def main(words: list[str] | None = None) -> int:
    chosen = arguments(words)
    asked = setup(chosen)
    spec = asked.config.model(chosen.model)
    threshold = chosen.threshold
    if threshold is None:
        threshold = healing(asked.places, chosen.healing_config).model_validation.min_accuracy_threshold
    if not math.isfinite(threshold):
        raise BadInputError(f"--threshold must be a number, not {threshold}")
    found = measure(asked.places, spec, chosen.data)
    passed = found.accuracy >= threshold
    if chosen.output is not None:
        write(chosen.output, result(found, threshold, passed=passed))
    word = "passed" if passed else "FAILED"
    low, high = found.metrics["accuracy"].low, found.metrics["accuracy"].high
    print(
        f"{found.model} version {found.version}: accuracy {found.accuracy:.4f} ({low:.4f} to {high:.4f}),"
        f" threshold {threshold:g}: {word}; on {found.rows} rows, {found.judged_on}"
    )
    step_outputs(accuracy=f"{found.accuracy:.6f}", passed=passed, model_version=found.version)
    return 0 if passed else 1


def result(found: Measured, threshold: float, *, passed: bool) -> dict[str, Any]:
    return {
        "model": found.model,
        "version": found.version,
        "accuracy": found.accuracy,
        "threshold": threshold,
        "passed": passed,
        "metrics": found.metrics,
        "rows": found.rows,
        "data": found.data,
        "judged_on": found.judged_on,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def write(path: Path, document: dict[str, Any]) -> None:
    try:
        replace_file(OsDisk(), path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror}", where=path) from error


if __name__ == "__main__":
    leave(main)
