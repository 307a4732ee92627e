"""python scripts/auto_fix_data_issues.py: repairs damaged tables, and takes the last repair back with --undo."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

if __package__ in {None, ""}:  # run as a file: the project's folder is its parent
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import os

from config.monitoring import MonitoringConfig, load_monitoring
from mlops.entry import BAD_INPUT, leave, parser
from mlops.errors import BadInputError
from mlops.generators.shipped import ensure_data
from mlops.places import Places
from mlops.repair import RepairReport, repair_table, undo
from mlops.repair.roles import roles
from mlops.repair.scan import Progress
from utils.disk import OsDisk, replace_file

CONFIG = Path("config/monitoring_config.json")
SHIPPED = Path(__file__).resolve().parent.parent / CONFIG
EXAMPLES = """  python scripts/auto_fix_data_issues.py                                    every configured table
  python scripts/auto_fix_data_issues.py --data-path data/raw/housing.csv   one, in place
  python scripts/auto_fix_data_issues.py --data-path my.csv --dry-run       only say what would be done
  python scripts/auto_fix_data_issues.py --data-path my.csv --output clean.csv --report report.json
  python scripts/auto_fix_data_issues.py --data-path my.csv --undo          as it was before the last repair

exit code: 0 clean or repaired, 1 something was quarantined, 2 bad input"""


def arguments() -> argparse.Namespace:
    options = parser("Repair damaged tables; only damaged cells change.", EXAMPLES)
    options.add_argument(
        "--data-path", type=Path, metavar="CSV", help="the table; default: every configured one"
    )
    options.add_argument(
        "--schema",
        type=Path,
        metavar="S",
        help="a pandera schema (JSON or YAML); default: data/schemas/NAME.json",
    )
    options.add_argument(
        "--output", type=Path, metavar="O", help="write the repaired table there; default: in place"
    )
    options.add_argument("--dry-run", action="store_true", help="say what would be done and change nothing")
    options.add_argument("--report", type=Path, metavar="R", help="write what was found and done as JSON")
    options.add_argument(
        "--undo", action="store_true", help="restore what the last repair replaced, byte for byte"
    )
    options.add_argument("--config", type=Path, default=None, help=f"default: {CONFIG}")
    given = options.parse_args()
    if given.data_path is None and (given.output or given.schema):
        options.error("--output and --schema need --data-path")
    if given.undo and (given.dry_run or given.schema or given.report):
        options.error("--undo goes with --data-path and --output alone")
    return given


def main() -> int:
    given = arguments()
    config = _config(given)
    places = Places(root=Path.cwd())
    tables = [given.data_path] if given.data_path else [Path(name) for name in config.tables]
    if not given.data_path and not (given.dry_run or given.undo):
        for name in ensure_data(places, config):
            print(f"{name}: made, as it was absent")
    if not tables:
        raise BadInputError("names no table", where=given.config or CONFIG, do="name one with --data-path")
    codes, reports = [], []
    for table in tables:
        try:
            if given.undo:
                codes.append(_undone(given.output or table, places))
                continue
            report = _repaired(table, given, config, places)
        except BadInputError as error:
            if given.data_path:
                raise
            print(error, file=sys.stderr)
            codes.append(BAD_INPUT)
            continue
        print(summary(report))
        reports.append(report)
        codes.append(report.exit_code)
    if given.report:
        _write_report(given.report, reports, single=given.data_path is not None)
    return max(codes)


def _config(given: argparse.Namespace) -> MonitoringConfig:
    path = given.config or (CONFIG if CONFIG.exists() else SHIPPED)
    return load_monitoring(path, os.environ)


def _undone(table: Path, places: Places) -> int:
    manifest = undo(table, places)
    print(f"{table}: as it was before the repair of {manifest.timestamp}")
    return 0


def _repaired(
    table: Path, given: argparse.Namespace, config: MonitoringConfig, places: Places
) -> RepairReport:
    with progress(table) as told:
        return repair_table(
            table,
            places=places,
            settings=config.repair,
            schema=given.schema,
            output=given.output,
            dry_run=given.dry_run,
            roles=roles(table, config.models, Path()),
            told=told,
        )


def summary(report: RepairReport) -> str:
    """What people read on the terminal."""
    seconds = f"{report.rows:,} rows in {report.seconds:.1f} s"
    where = report.output if report.output == report.path else f"{report.path} -> {report.output}"
    lines = [f"{where}: {report.status.replace('_', ' ')}; {report.fixes:,} fixes; {seconds}"]
    kinds = ("missing", "mismatched", "rewritten", "outliers")
    for column in report.columns:
        found = ", ".join(f"{getattr(column, kind):,} {kind}" for kind in kinds if getattr(column, kind))
        why = column.quarantined or column.left
        told = f"QUARANTINED: {why}" if column.quarantined else why
        if found or told:
            lines.append(f"  {column.name}: {'; '.join(part for part in (found, told) if part)}")
    if report.duplicates:
        lines.append(f"  {report.duplicates:,} rows that repeat an earlier one")
    if report.quarantined_rows:
        into = f", kept in {report.quarantine_file}" if report.quarantine_file else ""
        lines.append(f"  QUARANTINED: {report.quarantined_rows:,} rows with too few or too many cells{into}")
    lines += [f"  schema: {line}" for line in report.schema.after]
    lines += [f"  {report.schema.note}"] if report.schema.note else []
    lines += [f"  backup: {report.backup}"] if report.backup else []
    return "\n".join(lines)


def _write_report(path: Path, reports: list[RepairReport], *, single: bool) -> None:
    document: object = reports[0] if single and reports else {"tables": reports}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        replace_file(OsDisk(), path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except OSError as error:
        raise BadInputError(f"the report cannot be written: {error.strerror}", where=path) from error


def _untold(_stage: str, _done: int, _of: int) -> None:
    pass


@contextmanager
def progress(table: Path) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield _untold
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(table.name)
        yield lambda stage, done, of: bar.update(
            task, description=f"{table.name}: {stage}", completed=done, total=of
        )


if __name__ == "__main__":
    leave(main)
