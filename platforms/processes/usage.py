"""What a service's group uses: processor, memory, threads, open files."""

from platforms.platform import ProcessSample
from platforms.processes.group import tree
from platforms.processes.table import Process, ProcessTable


class Usage:
    """Measures one incarnation; processor time is counted from the last measurement."""

    def __init__(self, table: ProcessTable, leader: Process | None, now: float) -> None:
        self._table = table
        self._cpu_s = {p.pid: p.cpu_s for p in tree(table, leader)} if leader else {}
        self._at = now

    def measure(self, leader: Process, now: float) -> ProcessSample:
        members = tree(self._table, leader)
        used_s = sum(max(0.0, p.cpu_s - self._cpu_s.get(p.pid, 0.0)) for p in members)
        elapsed_s = now - self._at
        self._cpu_s = {p.pid: p.cpu_s for p in members}
        self._at = now
        return ProcessSample(
            cpu_percent=100 * used_s / elapsed_s if elapsed_s > 0 else 0.0,
            rss_mib=sum(p.rss_mib for p in members),
            threads=sum(p.threads for p in members),
            open_files=sum(self._table.open_files(p.pid) for p in members),
            state=leader.state,
        )
