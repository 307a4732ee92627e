"""Trains the configured models: `python scripts/train_model.py [--model NAME]`."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from config.monitoring import ModelSpec
from mlops.entry import BAD_INPUT, add_setup_arguments, leave, parser, setup
from mlops.errors import BadInputError
from mlops.generators import ensure_data
from mlops.places import Places
from mlops.registry.reader import Reader
from mlops.tables.reading import read_table
from mlops.training.renewal import Renewal, renew
from mlops.training.train import Say

ABOUT = """Train models on their tables and register what comes out.

The current model is backed up first (models/backups/). A part of the table is held out; the new version is judged by it,
beside the champion on the same rows. The first version becomes champion. A later one is promoted if its accuracy is not
worse than the champion's by more than chance explains (the 95 % interval of the difference), else it is kept as
challenger, which scores the same requests in the shadow, and that is told. Accuracy of a regression is R², clipped to 0-1.
Runs are tracked in MLflow: models/mlflow, or the server that MLFLOW_TRACKING_URI names.

The shipped example tables are made where they are absent. Exit codes: 0 trained (promoted or not), 2 bad input, 130 stopped by Ctrl-C."""
EXAMPLES = """  python scripts/train_model.py
  python scripts/train_model.py --model credit --seed 7
  python scripts/train_model.py --model housing --no-tracking --promote"""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    options = parser(ABOUT, EXAMPLES)
    options.add_argument(
        "--model", metavar="NAME", help="train this one alone (default: all that are configured)"
    )
    options.add_argument(
        "--seed", type=int, default=0, help="of everything random; same seed, same model (default: 0)"
    )
    options.add_argument("--promote", action="store_true", help="promote the new version even if it is worse")
    options.add_argument("--if-absent", action="store_true", help="train only what has no version yet")
    options.add_argument("--no-tracking", action="store_true", help="leave MLflow out")
    add_setup_arguments(options)
    return options.parse_args(words)


def main(words: list[str] | None = None) -> int:
    chosen = arguments(words)
    places, config = (asked := setup(chosen)).places, asked.config
    specs = [config.model(chosen.model)] if chosen.model else list(config.models)
    if not specs:
        raise BadInputError("no model is configured", do="name one in config/monitoring_config.json")
    if chosen.if_absent:
        specs = list(_untrained(specs, places))
    ensure_data(places, msgspec.structs.replace(config, models=tuple(specs), data=()))
    failed = 0
    for spec in specs:
        try:
            show(train_one(spec, places, chosen), places)
        except BadInputError as error:
            if len(specs) == 1:
                raise
            failed += 1
            print(f"{spec.name}: {error}", file=sys.stderr)
    return BAD_INPUT if failed else 0


def _untrained(specs: list[ModelSpec], places: Places) -> Iterator[ModelSpec]:
    for spec in specs:
        if (champion := Reader(places, spec.name).champion()) is None:
            yield spec
        else:
            print(f"{spec.name}: version {champion} is champion and stays")


def train_one(spec: ModelSpec, places: Places, chosen: argparse.Namespace) -> Renewal:
    with progress(spec.name) as say:
        say(f"Reading {spec.data}")
        table = read_table(places.table(spec.data), target=spec.target)
        return renew(
            spec,
            table,
            places,
            seed=chosen.seed,
            tracking=not chosen.no_tracking,
            promote=chosen.promote,
            say=say,
        )


@contextmanager
def progress(name: str) -> Iterator[Say]:
    """A line that changes, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(name) as status:
        yield lambda text: status.update(f"{name}: {text}")


def show(renewal: Renewal, places: Places) -> None:
    trained, card = renewal.trained, renewal.trained.card
    verdict = "champion" if renewal.decision.promote else "challenger"
    print(f"{card.name}: version {renewal.version} is {verdict}: {renewal.decision.why}")
    rows = f"{card.data.trained_rows:,} rows, judged by {card.data.held_out_rows:,} others"
    print(f"  {card.algorithm}, {rows}, {card.seconds:.1f} s, seed {card.seed}")
    for name, metric in trained.metrics.items():
        print(f"  {name:<9} {metric.value:.4f}  (95 % between {metric.low:.4f} and {metric.high:.4f})")
    if trained.backup is not None:
        print(f"  backup of the champion before: {trained.backup.relative_to(places.root)}")
    for note in renewal.notes:
        print(f"  note: {note}")


if __name__ == "__main__":
    leave(main)
