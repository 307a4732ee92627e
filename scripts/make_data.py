"""Makes the example tables, with drift and damage on demand: `make data`, or one table with arguments of its own."""

import argparse
import json
from pathlib import Path

import msgspec

from mlops.entry import add_setup_arguments, leave, parser, setup
from mlops.errors import BadInputError
from mlops.generators import Damage, Drift, credit_risk, damage, ensure_data, housing
from mlops.tables import write_table

MAKERS = {"housing": (housing, 20_640), "credit_risk": (credit_risk, 10_000)}
EXAMPLES = """\
  python scripts/make_data.py                       both tables of the shipped configuration, where they are absent
  python scripts/make_data.py housing --rows 5000 --seed 7 --output /tmp/housing.csv
  python scripts/make_data.py housing --shift MedInc=1.5 --shift HouseAge=-0.5 --output data/current/housing.csv
  python scripts/make_data.py credit_risk --concept 0.5 --output /tmp/credit.csv
  python scripts/make_data.py housing --missing 0.02 --outliers 0.01 --types 0.01 --duplicates 0.02 \\
      --output /tmp/damaged.csv --ledger /tmp/damage.json
"""


def main(words: list[str] | None = None) -> int:
    arguments = _arguments().parse_args(words)
    if arguments.table is None:
        return _shipped(arguments)
    output: Path = arguments.output or arguments.root / "data" / "raw" / f"{arguments.table}.csv"
    if output.exists() and not arguments.force:
        raise BadInputError("the file is there already", where=output, do="name another --output, or --force")
    drift = Drift(shifts=dict(map(_shift, arguments.shift)), concept=arguments.concept)
    if arguments.rows is not None and arguments.rows < 1:
        raise BadInputError(f"--rows {arguments.rows}: a table has at least one row")
    maker, rows = MAKERS[arguments.table]
    table = maker(arguments.rows or rows, arguments.seed, drift)
    wanted = Damage(
        missing=arguments.missing,
        outliers=arguments.outliers,
        types=arguments.types,
        duplicates=arguments.duplicates,
        spared=table.names[-1:],  # the target
    )
    told = f"{output}: {table.rows} rows"
    if wanted == Damage(spared=wanted.spared):
        write_table(table, output)
    else:
        damaged = damage(table, wanted, arguments.seed)
        damaged.write(output)
        told = f"{output}: {len(damaged.rows)} rows, {len(damaged.ledger)} damages"
        if arguments.ledger:
            arguments.ledger.write_text(json.dumps(msgspec.to_builtins(damaged.ledger), indent=1) + "\n")
    print(told)
    return 0


def _shipped(arguments: argparse.Namespace) -> int:
    asked = setup(arguments)
    made = ensure_data(asked.places, asked.config)
    for name in asked.config.tables:
        there = asked.places.table(name).exists()
        print(
            f"{name}: {'made' if name in made else 'left as it is' if there else 'is none of ours: put it there'}"
        )
    return 0


def _arguments() -> argparse.ArgumentParser:
    found = parser(__doc__ or "", EXAMPLES)
    found.add_argument(
        "table", nargs="?", choices=sorted(MAKERS), help="one table; none: those of the configuration"
    )
    found.add_argument("--output", type=Path, metavar="FILE", help="default: data/raw/TABLE.csv")
    found.add_argument("--force", action="store_true", help="replace what is there")
    found.add_argument("--rows", type=int, metavar="N")
    found.add_argument("--seed", type=int, default=0, metavar="N")
    found.add_argument(
        "--shift", action="append", default=[], metavar="COLUMN=SIGMAS", help="drift of a column"
    )
    found.add_argument(
        "--concept", type=float, default=0.0, metavar="0..1", help="drift of the target's rule"
    )
    for kind, of in (("missing", "cells"), ("outliers", "cells"), ("types", "cells"), ("duplicates", "rows")):
        found.add_argument(
            f"--{kind}", type=float, default=0.0, metavar="SHARE", help=f"damage: a share of the {of}"
        )
    found.add_argument("--ledger", type=Path, metavar="FILE", help="what was damaged, as JSON")
    add_setup_arguments(found)
    return found


def _shift(text: str) -> tuple[str, float]:
    name, mark, sigmas = text.rpartition("=")
    try:
        return name, float(sigmas if mark else "")
    except ValueError:
        raise BadInputError(f"--shift {text}: must be COLUMN=SIGMAS, such as MedInc=1.5") from None


if __name__ == "__main__":
    leave(main)
