"""`python scripts/run_monitoring.py`: look at a model's predictions, once or again and again."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from threading import Event
from types import FrameType

from config.monitoring import ModelSpec, MonitoringConfig
from mlops.entry import add_setup_arguments, leave, parser, setup
from mlops.errors import BadInputError
from mlops.monitoring.look import look
from mlops.monitoring.result import MonitoringResult
from mlops.monitoring.writing import write_outputs
from mlops.places import Places
from mlops.predictions.records import unix

EXAMPLES = """\
  python scripts/run_monitoring.py                  the default model every MONITORING_INTERVAL seconds, until Ctrl-C
  python scripts/run_monitoring.py --once           one look, for cron and workflows
  python scripts/run_monitoring.py --once --full    one look with true performance and the page for people
  python scripts/run_monitoring.py --once --as-of 2026-11-20T12:00:00Z
"""


def main() -> int:
    arguments = _arguments()
    places, config = (asked := setup(arguments)).places, asked.config
    specs = config.models if arguments.all else (config.model(arguments.model),)
    if arguments.once or arguments.as_of is not None:
        now = time.time() if arguments.as_of is None else arguments.as_of
        for spec in specs:
            _one(spec, config, places, now, full=True if arguments.full else None)
        return 0
    return _forever(specs, config, places, full=arguments.full)


def _one(spec: ModelSpec, config: MonitoringConfig, places: Places, now: float, *, full: bool | None) -> None:
    result = look(spec, config, places, now, full=full)
    if path := os.environ.get("GITHUB_OUTPUT"):
        write_outputs(Path(path), result)
    print(_line(result), flush=True)
    for note in result.notes:
        print(note, file=sys.stderr)


def _line(result: MonitoringResult) -> str:
    words = {"drift": "drift", "no_drift": "no drift", "not_enough_data": "not enough data"}
    parts = [f"{result.timestamp} {result.model}: {words[result.verdict]}"]
    if result.drifted:
        share = f"{len(result.drifted)} of {len(result.features)} features"
        parts.append(f"{share} ({', '.join(result.drifted)}), drift_score {result.drift_score:g}")
    parts.append(f"{result.window.rows} predictions")
    if result.verdict == "not_enough_data":
        more = "a longer reference is needed" if result.needed is None else f"{result.needed} more are needed"
        parts.append(more)
    if result.estimated.accuracy is not None:
        parts.append(f"estimated accuracy {result.estimated.accuracy:.3f}")
    true = result.performance
    if true is not None and true.figures.accuracy is not None:
        parts.append(f"true accuracy {true.figures.accuracy:.3f} of {true.figures.samples} labels")
    return ", ".join(parts)


def _forever(specs: tuple[ModelSpec, ...], config: MonitoringConfig, places: Places, *, full: bool) -> int:
    """Until SIGTERM or Ctrl-C; what one look cannot read is told, and the next look tries again."""
    stopped = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    while not stopped.is_set():
        for spec in specs:
            try:
                _one(spec, config, places, time.time(), full=True if full else None)
            except (BadInputError, OSError) as error:
                print(f"{spec.name}: {error}", file=sys.stderr, flush=True)
        stopped.wait(config.watch.interval_s)
    return 0


def _time(text: str) -> float:
    try:
        return unix(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"no time in RFC 3339: {text!r}, as in 2026-11-20T12:00:00Z"
        ) from None


def _arguments() -> argparse.Namespace:
    arguments = parser("Look at a model's predictions: drift, estimated and true performance.", EXAMPLES)
    which = arguments.add_mutually_exclusive_group()
    which.add_argument("--model", help="default: default_model of the configuration")
    which.add_argument("--all", action="store_true", help="every configured model")
    arguments.add_argument("--once", action="store_true", help="one look, then leave")
    arguments.add_argument("--full", action="store_true", help="a full report at each look, due or not")
    arguments.add_argument(
        "--as-of", type=_time, metavar="TIME", help="look as if it were then (implies --once)"
    )
    add_setup_arguments(arguments)
    return arguments.parse_args()


if __name__ == "__main__":
    leave(main)
