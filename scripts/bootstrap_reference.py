"""`python scripts/bootstrap_reference.py`: freeze what is normal, which monitoring compares with."""

import argparse
import sys
import time
from pathlib import Path

from config.monitoring import ModelSpec
from mlops.entry import add_setup_arguments, leave, parser, setup
from mlops.errors import BadInputError
from mlops.monitoring.bootstrap import FEW, from_predictions, from_table, set_aside
from mlops.places import Places

EXAMPLES = """\
  python scripts/bootstrap_reference.py                              the default model, from its training table
  python scripts/bootstrap_reference.py --model housing --data data/raw/housing.csv
  python scripts/bootstrap_reference.py --from-predictions 168       from the last week of the prediction log
  python scripts/bootstrap_reference.py --force                      anew, for instance after a retraining
  python scripts/bootstrap_reference.py --all --if-absent            of every model that has none yet
"""


def main() -> int:
    arguments = _arguments()
    places, config = (asked := setup(arguments)).places, asked.config
    for spec in config.models if arguments.all else (config.model(arguments.model),):
        if arguments.if_absent and places.reference(spec.name).exists():
            print(f"{places.reference(spec.name)}: is there already and stays")
        else:
            _freeze(spec, places, arguments)
    return 0


def _freeze(spec: ModelSpec, places: Places, arguments: argparse.Namespace) -> None:
    now, data = time.time(), arguments.data or places.root / spec.data
    if arguments.from_predictions is None and not data.is_file():
        raise BadInputError("no such file", where=data, do="give --data, or run make data")
    old = set_aside(places, spec.name, force=arguments.force)
    try:
        if arguments.from_predictions is None:
            card, notes = from_table(spec, places, data, now)
        else:
            card, notes = from_predictions(spec, places, now, arguments.from_predictions)
    except BaseException:
        _put_back(places, spec.name, old)
        raise
    print(f"{places.reference(spec.name)}: {card.rows} rows, {len(card.columns)} columns from {card.source}")
    print(f"fingerprint {card.fingerprint[:16]}" + (f"; the old one is {old}" if old else ""))
    if card.rows < FEW:
        notes.append(f"{card.rows} rows are few: drift is told from chance with at least {FEW}")
    for note in notes:
        print(note, file=sys.stderr)


def _put_back(places: Places, model: str, old: Path | None) -> None:
    if old is None or places.reference(model).exists():
        return
    for ending in (".npz", ".json"):
        if (each := old.with_suffix(ending)).exists():
            each.rename(places.reference(model).with_suffix(ending))


def _arguments() -> argparse.Namespace:
    arguments = parser("Freeze the reference of a model's monitoring; see docs/drift.md.", EXAMPLES)
    which = arguments.add_mutually_exclusive_group()
    which.add_argument("--model", help="default: default_model of the configuration")
    which.add_argument("--all", action="store_true", help="every configured model, each from its own table")
    source = arguments.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, help="a table; default: the one that the model is trained on")
    source.add_argument(
        "--from-predictions", type=float, metavar="HOURS", help="from the log of predictions instead"
    )
    there = arguments.add_mutually_exclusive_group()
    there.add_argument("--force", action="store_true", help="replace a reference; the old one is kept")
    there.add_argument("--if-absent", action="store_true", help="leave a reference that is there as it is")
    add_setup_arguments(arguments)
    given = arguments.parse_args()
    if given.all and given.data is not None:
        arguments.error("--data is one model's table: it goes with --model")
    return given


if __name__ == "__main__":
    leave(main)
