"""The process table where there is no /proc (macOS): slower, same answers."""

import os
from collections.abc import Iterator

import psutil

from platforms.processes.table import Process

_LETTERS = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_DEAD: "X",
    psutil.STATUS_IDLE: "I",
}


class PsutilTable:
    def pids(self) -> Iterator[int]:
        return iter(psutil.pids())

    def read(self, pid: int) -> Process | None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                state = _LETTERS.get(process.status(), "S")
                started_at = process.create_time()
                group, session = os.getpgid(pid), os.getsid(pid)
                if state in "ZX":
                    return Process(pid, started_at, state, group, session, 1, 0.0, 0.0)
                times = process.cpu_times()
                return Process(
                    pid=pid,
                    started_at=started_at,
                    state=state,
                    group=group,
                    session=session,
                    threads=process.num_threads(),
                    cpu_s=times.user + times.system,
                    rss_mib=process.memory_info().rss / 2**20,
                )
        except (psutil.Error, OSError):
            return None

    def environ(self, pid: int) -> bytes:
        try:
            found = psutil.Process(pid).environ()
        except (psutil.Error, OSError):
            return b""
        return b"".join(f"{key}={value}\0".encode(errors="surrogateescape") for key, value in found.items())

    def children(self, process: Process) -> list[int]:
        try:
            return [child.pid for child in psutil.Process(process.pid).children()]
        except (psutil.Error, OSError):
            return []

    def identity(self, pid: int) -> object:  # noqa: ARG002 - nothing here is quicker than to ask again
        return None

    def heirs(self) -> Iterator[int]:
        return self.pids()

    def open_files(self, pid: int) -> int:
        try:
            return int(psutil.Process(pid).num_fds())
        except (psutil.Error, OSError):
            return 0

    def boot(self) -> str:
        return ""  # create_time is absolute here: no pid and time come twice
