"""python -m benchmarks [NAME ...] [--quick] [--write]: each benchmark beside its peer or limit."""

import argparse
import importlib
import sys
import time
from pathlib import Path

from benchmarks.report import Table, machine, text
from benchmarks.write import write_page

NAMES = (
    "restart",
    "hang",
    "boot",
    "bus",
    "journal",
    "loop_block",
    "probe",
    "scoring",
    "serving",
    "startup",
    "repair",
    "drift",
    "maintenance",
    "month",
    "gate",
    "race",
    "exhaustion",
    "prediction",
    "fix",
    "root_cause",
    "selector",
    "detection",
    "learning",
)
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    where = machine()
    print(where, end="\n\n", flush=True)
    results: dict[str, list[Table]] = {}
    for name in arguments.names or NAMES:
        began = time.monotonic()
        results[name] = importlib.import_module(f"benchmarks.{name}").run(quick=arguments.quick)
        for table in results[name]:
            print(text(table))
        print(f"  ({name} took {time.monotonic() - began:.0f} s)\n", flush=True)
    if arguments.write:
        write_page(PAGE, results, where, quick=arguments.quick)
        print(f"written: {PAGE}")
    return 0 if all(g.reached for tables in results.values() for t in tables for g in t.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
