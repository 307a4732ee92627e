"""Small tools that several benchmarks share: medians, ports, one HTTP question, a process's own accounts."""

import json
import os
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
median = statistics.median


def p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def ask(port: int, path: str = "/health", timeout_s: float = 0.25) -> tuple[int, bytes] | None:
    """(status, body) over a fresh connection; None while there is no whole answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body
    except (OSError, ValueError, IndexError):
        return None


def pid_at(port: int, timeout_s: float = 0.25) -> int | None:
    """The pid of a service that is well."""
    answer = ask(port, timeout_s=timeout_s)
    return int(json.loads(answer[1])["pid"]) if answer is not None and answer[0] == 200 else None


def until_well(
    port: int, *, other_than: int = 0, not_before_s: float = 0.0, within_s: float = 60.0, ask_s: float = 0.25
) -> tuple[float, int]:
    """Seconds until a 200 from another pid, and that pid.

    Nobody is asked `not_before_s`: a client that asks all the time takes a core from those whom it measures.
    """
    began = time.perf_counter()
    time.sleep(not_before_s)
    while (waited := time.perf_counter() - began) < within_s:
        pid = pid_at(port, ask_s)
        if pid is not None and pid != other_than:
            return time.perf_counter() - began, pid
        time.sleep(0.0005)
    raise TimeoutError(f"nothing well at port {port} within {waited:.0f} s")


def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    end = time.perf_counter() + within_s
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError(f"not reached within {within_s:g} s")
        time.sleep(0.01)


def quiet(page_port: int) -> bool:
    """Whether the daemon has no open incident."""
    answer = ask(page_port, "/observability/incidents", timeout_s=2.0)
    ended = {"closed", "withdrawn", "escalated"}
    return answer is not None and all(item["status"] in ended for item in json.loads(answer[1])["items"])


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def fsync_s(folder: Path) -> float:
    """One small append made durable, as the journal does it."""
    descriptor = os.open(folder / "fsync.probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, b"x" * 500)
        began = time.perf_counter()
        os.fdatasync(descriptor)
        return time.perf_counter() - began
    finally:
        os.close(descriptor)
