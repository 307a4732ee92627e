"""One repair from end to end: look, decide, back up, rewrite beside the table, replace it at one instant, note it."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from config.monitoring import Repair
from mlops.errors import BadInputError
from mlops.places import Places
from mlops.repair import duplicates, history, plan
from mlops.repair import schema as schemas
from mlops.repair.apart import Apart, Digest
from mlops.repair.dialect import shape_of
from mlops.repair.files import Replacement, alone, back_up, make_folder, sha256_of
from mlops.repair.log import NoLog, RepairLog
from mlops.repair.outcome import outcome
from mlops.repair.report import RepairReport
from mlops.repair.rewrite import Rewriter
from mlops.repair.scan import Progress, Scan, guess_numeric, scan
from mlops.repair.task import Looked, Result, Task


def _untold(stage: str, done: int, of: int) -> None:
    pass


def repair_table(
    path: Path,
    *,
    places: Places,
    settings: Repair,
    schema: Path | None = None,
    output: Path | None = None,
    dry_run: bool = False,
    roles: Mapping[str, str] | None = None,
    told: Progress = _untold,
) -> RepairReport:
    """Repair a CSV file in place, or into `output`. `roles`: columns not to be repaired: "target", "time", "ignored".

    Raises BadInputError where the input or the disk does not allow it; the table is then as it was.
    """
    source = path.resolve()
    task = Task(
        source=source, target=output.resolve() if output else source, places=places, settings=settings,
        schema=schema, dry_run=dry_run, roles=roles or {}, told=told,
    )  # fmt: skip
    try:
        with alone(source):
            return _repair(task)
    except OSError as error:
        where = error.filename or path
        raise BadInputError(
            f"{error.strerror or error}: nothing was replaced",
            where=where,
            do="make room or give the right to write there",
        ) from error


def _repair(task: Task) -> RepairReport:
    began, timestamp, stamp = time.monotonic(), history.now(), _stamp(task.source)
    with ExitStack() as stack:
        looked = look(task)
        stack.callback(looked.scan.spill.close)
        checked = schemas.prepare(task, looked)
        result = _rewrite(task, looked, stamp, timestamp)
    report = outcome(task, looked, result, timestamp)
    report.schema = schemas.check(task, looked, checked, report, result.rewriter.spans)
    if report.schema.after:
        report.status = "quarantined"
    report.seconds = round(time.monotonic() - began, 3)
    if report.changed and not task.dry_run:
        history.audit(task.places, _entry(report))
    return report


def look(task: Task) -> Looked:
    """The first pass, once more where a column turned out to be of the other kind."""
    shape = shape_of(task.source)
    for name in task.roles:
        if name not in shape.names and task.roles[name] != "ignored":
            raise BadInputError(
                f"has no column {name!r}, the {task.roles[name]}",
                where=task.source,
                do=f"it has {', '.join(shape.names[:20])}",
            )
    numeric = guess_numeric(task.source, shape)
    protected = history.judged_rows(task.places, task.source)
    folder = None if task.dry_run else task.target.parent
    for attempt in range(2):
        found = scan(task.source, shape, numeric, folder, task.told)
        try:
            _refuse(found, task)
            with task.source.open("rb", buffering=0) as file:
                kept = duplicates.find(found.spill, file.fileno(), protected)
            decided = plan.decide(found, kept, task.settings, task.roles)
        except BaseException:
            found.spill.close()
            raise
        if not decided.again or attempt:
            break
        found.spill.close()
        numeric = [decided.again.get(column, number) for column, number in enumerate(numeric)]
    return Looked(found, kept, decided)


def _refuse(found: Scan, task: Task) -> None:
    if found.spill.rows + found.ragged == 0:
        raise BadInputError(
            "holds a header and no row", where=task.source, do="a table needs two rows at least"
        )
    if found.ragged > task.settings.max_damage_share * (found.spill.rows + found.ragged):
        raise BadInputError(
            f"{found.ragged:,} of {found.ragged + found.spill.rows:,} rows do not have {found.shape.width} cells",
            where=task.source,
            do=f"the delimiter seems to be {found.shape.delimiter!r}: is it? nothing was changed",
        )
    if found.spill.rows == 1:
        raise BadInputError("holds only one row", where=task.source, do="nothing can be told from one row")


def _rewrite(task: Task, looked: Looked, stamp: tuple[int, ...], timestamp: str) -> Result:
    nothing = not looked.plan.changes and not looked.kept.removed and not looked.scan.ragged
    if task.dry_run or (nothing and task.in_place):
        return _tried(task, looked)
    with ExitStack() as undo:
        result = _write(task, looked, stamp, timestamp, undo)
        undo.pop_all()
    return result


def _tried(task: Task, looked: Looked) -> Result:
    """The whole second pass but for the writing."""
    digest = Digest()
    rewriter = Rewriter(looked.scan, looked.plan, looked.kept, digest.write, NoLog(), lambda _: None)
    with task.source.open("rb", buffering=0) as file:
        rewriter.run(file.fileno(), task.told)
    return Result(rewriter=rewriter, sha256=digest.sha256, size=digest.size)


def _write(task: Task, looked: Looked, stamp: tuple[int, ...], timestamp: str, undo: ExitStack) -> Result:
    """Every file that is made is removed again where the repair fails before the table is replaced."""
    stem = history.free_stem(task.target, timestamp)
    existed = task.target.exists()
    make_folder(task.target.parent)
    before, reading, backup = "", task.source, None
    if existed:
        before = looked.scan.sha256 if task.in_place else sha256_of(task.target)
        backup = task.places.backups / f"{stem}{task.target.suffix}"
        back_up(task.target, backup, before, task.told)
        undo.callback(backup.unlink, missing_ok=True)
        reading = backup if task.in_place else task.source
    make_folder(task.places.repairs)
    log_path = task.places.repairs / f"{stem}.jsonl.gz"
    undo.callback(log_path.unlink, missing_ok=True)
    new = Replacement(task.target, task.source)
    undo.callback(new.drop)
    apart = Apart(task.places.quarantine / f"{stem}{task.source.suffix}", task.source, looked.scan.shape.body)
    undo.callback(apart.drop)
    with RepairLog(log_path) as log, reading.open("rb", buffering=0) as file:
        rewriter = Rewriter(looked.scan, looked.plan, looked.kept, new.write, log, apart.write)
        rewriter.run(file.fileno(), task.told)
        log.finish()
    new.finish()
    apart.finish()
    result = Result(rewriter=rewriter, sha256=new.sha256, size=new.size)
    if task.in_place and not rewriter.fixed:
        undo.close()  # what was to be filled already stood there
        return result
    result.backup, result.log, result.quarantine_file = str(backup or ""), str(log_path), apart.name
    _note(task, looked, result, stem, before, timestamp, undo)
    if _stamp(task.source) != stamp:
        raise BadInputError(
            "was changed during the repair", where=task.source, do="it was left alone; try again"
        )
    new.commit()
    history.prune(task.places, task.target, task.settings.keep_backups)
    return result


def _note(
    task: Task, looked: Looked, result: Result, stem: str, before: str, timestamp: str, undo: ExitStack
) -> None:
    manifest = history.Manifest(
        path=str(task.target), source=str(task.source), timestamp=timestamp, sha256_before=before,
        sha256_after=result.sha256, size_after=result.size,
        rows_after=looked.scan.spill.rows - looked.kept.removed,
        backup=result.backup, log=result.log, quarantine_file=result.quarantine_file,
    )  # fmt: skip
    undo.callback((task.places.repairs / f"{stem}.json").unlink, missing_ok=True)
    history.write_manifest(task.places, stem, manifest)


def _entry(report: RepairReport) -> history.AuditEntry:
    kinds = ("missing", "mismatched", "rewritten", "outliers")
    found = {kind: sum(getattr(column, kind) for column in report.columns) for kind in kinds}
    found |= {"duplicates": report.duplicates, "unparsable rows": report.quarantined_rows}
    return history.AuditEntry(
        timestamp=report.timestamp,
        issue="data_quality",
        detection=", ".join(f"{count} {kind}" for kind, count in found.items() if count) or "nothing",
        action="repair_data",
        fixes=report.fixes,
        retry=0,
        time_to_resolution=report.seconds,
        path=report.output,
        report=report.log,
    )


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
