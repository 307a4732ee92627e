"""What the kernel says about processes, read straight from /proc because psutil is ten times dearer."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from msgspec import Struct

_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_THREADS_ASKED = 16  # children are listed per forking thread; past this many only the first is asked


class Process(Struct, frozen=True):
    """One process at one instant. (`pid`, `started_at`) names it for ever."""

    pid: int
    started_at: float
    state: str
    group: int
    session: int
    threads: int
    cpu_s: float
    rss_mib: float

    @property
    def alive(self) -> bool:
        """Not a zombie; a leader whose other threads still run looks like one and is none."""
        return self.state not in "ZX" or self.threads > 1


class ProcessTable(Protocol):
    def pids(self) -> Iterator[int]: ...
    def read(self, pid: int) -> Process | None: ...
    def environ(self, pid: int) -> bytes:
        """NUL-separated, empty where it cannot be read."""
        ...

    def children(self, process: Process) -> list[int]: ...
    def identity(self, pid: int) -> object:
        """As long as it is the same, so is the process; None where that cannot be told quickly."""
        ...

    def heirs(self) -> Iterator[int]:
        """All among whom the orphans of our own dead children are; more where that cannot be told quickly."""
        ...

    def open_files(self, pid: int) -> int: ...
    def boot(self) -> str:
        """Changes when the machine starts anew, so that no pid outlives a reboot."""
        ...


def process_table() -> ProcessTable:
    """The table of this machine."""
    if sys.platform == "linux":
        return ProcTable()
    from platforms.processes.table_psutil import PsutilTable

    return PsutilTable()


class ProcTable:
    """Linux. Calls os directly: this runs for every service and, at a start, for every process of the machine."""

    def __init__(self) -> None:
        self._ancestors: list[int] = []

    def pids(self) -> Iterator[int]:
        return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208

    def read(self, pid: int) -> Process | None:
        data = _slurp(f"/proc/{pid}/stat")
        if not data:
            return None
        fields = data[data.rindex(b")") + 2 :].split()  # a name may hold spaces and brackets
        return Process(
            pid=pid,
            started_at=float(fields[19]),
            state=chr(fields[0][0]),
            group=int(fields[2]),
            session=int(fields[3]),
            threads=int(fields[17]),
            cpu_s=(int(fields[11]) + int(fields[12])) * _TICK_S,
            rss_mib=int(fields[21]) * _PAGE_MIB,
        )

    def environ(self, pid: int) -> bytes:
        return _slurp(f"/proc/{pid}/environ")

    def children(self, process: Process) -> list[int]:
        pid = process.pid
        threads = [str(pid)]
        if 1 < process.threads <= _THREADS_ASKED:
            try:
                threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
            except OSError:
                return []
        return [int(child) for tid in threads for child in _slurp(f"/proc/{pid}/task/{tid}/children").split()]

    def identity(self, pid: int) -> object:
        try:
            seen = os.stat(f"/proc/{pid}")  # noqa: PTH116
        except OSError:
            return None
        return seen.st_ino, seen.st_ctime_ns  # made anew for every process

    def heirs(self) -> Iterator[int]:
        """The kernel gives orphans to us or to an ancestor of ours, and there to the first living thread."""
        pid = os.getpid()
        if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):  # noqa: PTH110 - a kernel without such lists
            yield from self.pids()
            return
        for ancestor in self._lineage():
            if children := _slurp(f"/proc/{ancestor}/task/{ancestor}/children"):
                yield from map(int, children.split())
            elif ancestor != pid and (process := self.read(ancestor)) is not None:
                yield from self.children(process)  # its first thread is dead, or another one started us

    def _lineage(self) -> list[int]:
        """Ourselves and all above, as of the first call: whoever inherits us later is one of them."""
        if not self._ancestors:
            pid = os.getpid()
            while pid > 0:
                self._ancestors.append(pid)
                pid = int(_slurp(f"/proc/{pid}/stat").rpartition(b")")[2].split(maxsplit=2)[1])
        return self._ancestors

    def open_files(self, pid: int) -> int:
        try:
            # Linux 6.2 and later count for us
            counted = os.stat(f"/proc/{pid}/fd").st_size  # noqa: PTH116
            return counted or len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
        except OSError:
            return 0

    def boot(self) -> str:
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""


def _slurp(path: str) -> bytes:
    """A whole file of /proc, or nothing if the process is gone or not ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        data = os.read(descriptor, 65536)
        while data and len(data) % 65536 == 0 and (more := os.read(descriptor, 65536)):
            data += more
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return data
