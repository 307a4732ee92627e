"""`python scripts/auto_retrain_on_drift.py --drift-detected --drift-score 0.85`: retrain a model that has drifted."""

import argparse
import os
import sys

import msgspec

from config.monitoring import ModelSpec
from config.settings import load_settings
from mlops.entry import add_setup_arguments, leave, parser, setup, step_outputs
from mlops.errors import BadInputError
from mlops.gate import limits_of
from mlops.places import Places
from mlops.retraining import Desk, Report, resume, retrain
from mlops.retraining.consent import add_healing_argument, healing

ABOUT = """Retrain a model whose data have drifted, and promote what comes out if the evaluation gate lets it pass.

The new version scores the same requests in the shadow; the gate judges both by labels that came in (docs/evaluation_gates.md),
or, where nothing is served, by held-out rows that neither has seen. After a promotion true performance is watched, and what
is worse than the champion before is rolled back. Run it again, or let the daemon, to go on with a retraining that waits.
Without --drift-detected and --drift-score it reads alerts/drift_alert.json, which scripts/run_monitoring.py writes.

Exit codes: 0 promoted, waiting for labels, not needed, or cooling down; 1 rejected, rolled back, or blocked (consent, a
window that fails its checks, another retraining); 2 bad input; 130 stopped by Ctrl-C."""
EXAMPLES = """  python scripts/auto_retrain_on_drift.py --drift-detected --drift-score 0.85
  python scripts/auto_retrain_on_drift.py --drift-detected --drift-score 0.85 --model housing --force
  python scripts/auto_retrain_on_drift.py            by what the last look of the monitoring found"""


class Alert(msgspec.Struct):
    """What the monitoring said of one model."""

    drift_detected: bool
    drift_score: float
    models: dict[str, "Alert"] = {}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    options = parser(ABOUT, EXAMPLES)
    options.add_argument("--drift-detected", action="store_true", help="the verdict was drift")
    options.add_argument("--drift-score", type=float, metavar="SHARE", help="of drifted features, 0 to 1")
    options.add_argument("--model", metavar="NAME", help="default: default_model of the configuration")
    options.add_argument("--force", action="store_true", help="skip the cool-down")
    options.add_argument("--no-tracking", action="store_true", help="leave MLflow out")
    add_healing_argument(options)
    add_setup_arguments(options)
    return options.parse_args(words)


def main(words: list[str] | None = None) -> int:
    chosen = arguments(words)
    asked = setup(chosen)
    spec = asked.config.model(chosen.model)
    detected, score = drift(chosen, asked.places, spec)
    desk = Desk(
        places=asked.places,
        drift=healing(asked.places, chosen.healing_config).drift_detection,
        limits=limits_of(load_settings(os.environ)),
        tracking=not chosen.no_tracking,
    )
    try:
        report = act(spec, desk, score, detected=detected, force=chosen.force)
    except OSError as error:
        raise BadInputError(f"cannot be written: {error.strerror}", where=error.filename or "") from error
    print(f"{spec.name}: {report.says}", file=sys.stderr if report.exit_code else sys.stdout)
    step_outputs(
        retrained=report.run is not None and report.run.challenger is not None,
        status=report.status,
        drift_detected=detected,
        drift_score=f"{score:g}",
        model_version=report.run.challenger if report.run is not None and report.run.challenger else "",
    )
    return report.exit_code


def act(spec: ModelSpec, desk: Desk, score: float, *, detected: bool, force: bool) -> Report:
    if detected:
        return retrain(spec, score, desk, force=force)
    return resume(spec, desk) or Report("not_needed", f"no retraining: no drift, drift score {score:g}")


def drift(chosen: argparse.Namespace, places: Places, spec: ModelSpec) -> tuple[bool, float]:
    """What the flags say, or else the last alert."""
    if chosen.drift_score is None and not chosen.drift_detected:
        return _alert(places, spec)
    if chosen.drift_score is None:
        raise BadInputError("--drift-detected needs --drift-score", do="for example --drift-score 0.85")
    if not 0 <= chosen.drift_score <= 1:
        raise BadInputError(f"--drift-score must be between 0 and 1, not {chosen.drift_score:g}")
    return chosen.drift_detected, chosen.drift_score


def _alert(places: Places, spec: ModelSpec) -> tuple[bool, float]:
    path = places.drift_alert
    try:
        alert = msgspec.json.decode(path.read_bytes(), type=Alert)
    except FileNotFoundError:
        do = "run scripts/run_monitoring.py --once, or give --drift-detected and --drift-score"
        raise BadInputError("no such file", where=path, do=do) from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        do = "run scripts/run_monitoring.py --once"
        raise BadInputError(f"is no drift alert: {error}", where=path, do=do) from error
    found = alert.models.get(spec.name, alert)
    return found.drift_detected, found.drift_score


if __name__ == "__main__":
    leave(main)
