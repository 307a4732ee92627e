"""Whether a model's table needs repair: a dry run of the repair, done again only where the file has changed."""

from pathlib import Path

import msgspec
from msgspec import Struct

from config.monitoring import ModelSpec, MonitoringConfig
from mlops.places import Places
from utils.disk import OsDisk, replace_file


class TableState(Struct, frozen=True, kw_only=True):
    stamp: tuple[int, int]  # of the file: time of change in ns, size in bytes
    damaged: bool
    columns: tuple[str, ...] = ()
    says: str = ""


def state_of(spec: ModelSpec, config: MonitoringConfig, places: Places) -> TableState:
    """Raises BadInputError where the table cannot be read."""
    table, path = places.table(spec.data), places.monitoring / "tables" / f"{spec.name}.json"
    known, stamp = _read(path), _stamp(table)
    if known is not None and known.stamp == stamp:
        return known
    found = _look(table, spec, config, places, stamp)
    disk = OsDisk()
    disk.mkdir(path.parent)
    replace_file(disk, path, msgspec.json.encode(found))
    return found


def _look(
    table: Path, spec: ModelSpec, config: MonitoringConfig, places: Places, stamp: tuple[int, int]
) -> TableState:
    from mlops.repair import repair_table
    from mlops.repair.roles import roles

    known = roles(table, config.models, places.root)
    report = repair_table(table, places=places, settings=config.repair, roles=known, dry_run=True)
    columns = tuple(column.name for column in report.columns if column.fixed or column.quarantined)
    parts = [f"{report.fixes} repairs are needed"] if report.fixes else []
    parts += [f"quarantined: {', '.join(report.quarantined)}"] if report.quarantined else []
    parts += [f"{report.quarantined_rows} rows cannot be read"] if report.quarantined_rows else []
    says = f"{spec.data}: {'; '.join(parts)}" + (f" ({', '.join(columns)})" if columns else "")
    return TableState(stamp=stamp, damaged=bool(parts), columns=columns, says=says)


def _stamp(table: Path) -> tuple[int, int]:
    try:
        found = table.stat()
    except FileNotFoundError:
        return (0, 0)  # the repair says what is wrong
    return (found.st_mtime_ns, found.st_size)


def _read(path: Path) -> TableState | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=TableState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
