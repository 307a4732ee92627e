"""Finds out which living processes lead our services, after a daemon before us was killed."""

from platforms.platform import Incarnation
from platforms.processes.group import carriers
from platforms.processes.mark import Mark
from platforms.processes.records import Record
from platforms.processes.table import Process, ProcessTable


def find_leaders(table: ProcessTable, state: str, records: list[Record]) -> list[Incarnation]:
    """Blocking. One leader per service at most: the recorded one, else the eldest session leader with our mark."""
    boot = table.boot()
    recorded = {record.incarnation.service: record for record in records if record.boot == boot}
    leaders = {
        service: record.incarnation
        for service, record in recorded.items()
        if _same(table.read(record.incarnation.pid), record.incarnation)
    }
    eldest: dict[str, tuple[Mark, Process]] = {}
    for mark, process in carriers(table, state):
        past = recorded.get(mark.service)
        if process.session != process.pid or mark.service in leaders:
            continue
        if past is not None and past.incarnation.mark == mark.mark:
            continue  # its leader is dead: this is a detached grandchild
        rival = eldest.get(mark.service)
        if rival is None or (process.started_at, process.pid) < (rival[1].started_at, rival[1].pid):
            eldest[mark.service] = mark, process
    for service, (mark, process) in eldest.items():
        leaders[service] = Incarnation(service, mark.mark, process.pid, process.started_at)
    return [
        Incarnation(life.service, life.mark, life.pid, life.started_at, adopted=True)
        for life in leaders.values()
    ]


def _same(process: Process | None, life: Incarnation) -> bool:
    return process is not None and process.alive and process.started_at == life.started_at
