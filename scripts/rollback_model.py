"""`python scripts/rollback_model.py --current-metric 0.65 --threshold 0.70`: back to the champion before."""

import argparse
import math
import sys

from mlops.entry import add_setup_arguments, leave, parser, setup, step_outputs
from mlops.errors import BadInputError
from mlops.registry.registry import Registry
from mlops.retraining.consent import add_healing_argument, healing
from mlops.retraining.measuring import measure

ABOUT = """Roll a model back to the champion before if its metric is below the threshold.

Only with model_validation.auto_rollback_enabled. Each rollback is logged in models/rollback_log.json, newest last, and a
running service takes the earlier version over without a failed request.

Exit codes: 0 rolled back, or good enough; 1 it should be rolled back, but cannot be (no earlier version) or may not be
(auto_rollback_enabled is false); 2 bad input; 130 stopped by Ctrl-C."""
EXAMPLES = """  python scripts/rollback_model.py --current-metric 0.65 --threshold 0.70
  python scripts/rollback_model.py                       measured now, against min_accuracy_threshold
  python scripts/rollback_model.py --current-metric 0.65 --threshold 0.70 --dry-run"""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    options = parser(ABOUT, EXAMPLES)
    options.add_argument(
        "--current-metric",
        type=float,
        metavar="X",
        help="default: accuracy, measured now on the held-out part",
    )
    options.add_argument(
        "--threshold", type=float, metavar="X", help="default: model_validation.min_accuracy_threshold"
    )
    options.add_argument("--model", metavar="NAME", help="default: default_model of the configuration")
    options.add_argument("--reason", default="", help="for the log")
    options.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    options.add_argument("--no-tracking", action="store_true", help="leave MLflow's aliases as they are")
    add_healing_argument(options)
    add_setup_arguments(options)
    return options.parse_args(words)


def main(words: list[str] | None = None) -> int:
    chosen = arguments(words)
    asked = setup(chosen)
    spec = asked.config.model(chosen.model)
    validation = healing(asked.places, chosen.healing_config).model_validation
    threshold = validation.min_accuracy_threshold if chosen.threshold is None else chosen.threshold
    metric = measure(asked.places, spec).accuracy if chosen.current_metric is None else chosen.current_metric
    for name, value in (("--current-metric", metric), ("--threshold", threshold)):
        if not math.isfinite(value):
            raise BadInputError(f"{name} must be a number, not {value}")
    registry = Registry(asked.places, spec.name, keep=spec.keep_versions)
    champion = registry.champion()
    if champion is None:
        raise BadInputError(f"model {spec.name!r} has no version", do="train it: scripts/train_model.py")
    said = f"{spec.name} version {champion}: {metric:g}"
    if metric >= threshold:
        return _end(f"{said} is not below {threshold:g}: it stays", rolled_back=False, version=champion)
    if not validation.auto_rollback_enabled:
        told = f"{said} is below {threshold:g}, but model_validation.auto_rollback_enabled is false"
        return _end(told, rolled_back=False, version=champion, code=1)
    if not registry.pointer().previous:
        told = f"{said} is below {threshold:g}, but there is no earlier version to go back to; nothing was changed"
        return _end(told, rolled_back=False, version=champion, code=1)
    if chosen.dry_run:
        told = f"{said} is below {threshold:g}: would go back to version {registry.pointer().previous[-1]}"
        return _end(told, rolled_back=False, version=champion)
    return _roll_back(registry, chosen, said, metric, threshold)


def _roll_back(
    registry: Registry, chosen: argparse.Namespace, said: str, metric: float, threshold: float
) -> int:
    reason = chosen.reason or f"metric {metric:g} is below {threshold:g}"
    try:
        version = registry.rollback(reason, details={"current_metric": metric, "threshold": threshold})
    except BadInputError as error:
        print(error, file=sys.stderr)
        return 1
    if not chosen.no_tracking:
        from mlops.registry.mirror import mirror

        for problem in mirror(registry.places, registry.name):
            print(problem, file=sys.stderr)
    return _end(
        f"{said} is below {threshold:g}: rolled back to version {version}", rolled_back=True, version=version
    )


def _end(told: str, *, rolled_back: bool, version: int, code: int = 0) -> int:
    print(told, file=sys.stderr if code else sys.stdout)
    step_outputs(rolled_back=rolled_back, model_version=version)
    return code


if __name__ == "__main__":
    leave(main)
