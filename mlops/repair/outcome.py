"""Puts together what a repair reports."""

from mlops.repair.report import RepairReport
from mlops.repair.task import Looked, Result, Task


def outcome(task: Task, looked: Looked, result: Result, timestamp: str) -> RepairReport:
    fixed = result.rewriter.fixed
    columns = looked.plan.reports
    for index, report in enumerate(columns):
        report.fixed = fixed[index]
        if report.ambiguous and not report.quarantined:
            report.quarantined = (
                f"{report.ambiguous} cells can be read in two ways, such as 1,5 or 5 %; they were left"
            )
    fixes = fixed.total()
    told = looked.scan.ragged or any(column.quarantined for column in columns)
    done = "would_repair" if task.dry_run else "repaired"
    return RepairReport(
        path=str(task.source),
        output=str(task.target),
        status="quarantined" if told else done if fixes else "clean",
        timestamp=timestamp,
        rows=looked.scan.spill.rows + looked.scan.ragged,
        columns=columns,
        duplicates=looked.kept.removed,
        quarantined_rows=looked.scan.ragged,
        quarantine_file=result.quarantine_file,
        fixes=fixes,
        changed=fixes > 0 and not task.dry_run,
        sha256_before=looked.scan.sha256,
        sha256_after=result.sha256,
        rows_after=looked.scan.spill.rows - looked.kept.removed,
        backup=result.backup,
        log=result.log,
        seconds=0.0,
    )
