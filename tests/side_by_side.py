"""Runs the suite with coverage in two processes side by side where there are two cores: `python -m tests.side_by_side`.

What lives in virtual time only computes; the others wait for real processes, sockets and disks in between. So each half
has a core of its own, most of the time, and the whole takes about as long as the longer one.
"""

import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from typing import IO

VIRTUAL = (
    "tests/unit",
    "tests/integration/daemon",
    "tests/integration/sweeps",
    "tests/integration/test_crash_sweep.py",
    # real, and here so that both halves take about as long
    "tests/integration/mlops/test_guide.py",
    "tests/integration/mlops/test_test_self_healing.py",
    "tests/integration/mlops/test_demo_mlops.py",
)
HALVES = (VIRTUAL, ("tests", *(f"--ignore={path}" for path in VIRTUAL), "-o", "cache_dir=.pytest_cache/real"))
WHOLE = (("tests",),)
COUNTS = re.compile(rb"(\d+) (failed|passed|skipped|errors?|xfailed|xpassed|warnings?)\b")
SUMMARY = re.compile(rb"^=*\s*(?:no tests ran|\d+ \w+.*) in [\d.]+s\b", re.MULTILINE)
NOTHING_TO_RUN = 5  # pytest's exit code
PIECE = 65_536
LAST_WORDS_S = 10.0


class Half:
    """One run of pytest. What it says is shown as it comes, or kept until the other has ended."""

    def __init__(self, arguments: Sequence[str], *, live: bool) -> None:
        command = (sys.executable, "-m", "coverage", "run", "-m", "pytest", *arguments)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._live = live
        self.said = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := os.read(self._process.stdout.fileno(), PIECE):
            self.said += piece
            if self._live:
                show(sys.stdout.buffer, piece)

    def end(self) -> int:
        """Its exit code, when it has ended and all that it said is shown."""
        code = self._process.wait()
        self._reader.join()
        if not self._live:
            show(sys.stdout.buffer, b"\n" + bytes(self.said))
        return code

    def abandon(self) -> None:
        """An interrupt reaches it too; it has a moment to clean up."""
        try:
            self._process.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()


def show(terminal: IO[bytes], text: bytes) -> None:
    terminal.write(text)
    terminal.flush()


def counts(said: bytes) -> Counter[str]:
    """Of the last summary line: other lines may look like one."""
    summaries = SUMMARY.findall(said)
    found = COUNTS.findall(summaries[-1]) if summaries else ()
    return Counter({word.decode().removesuffix("s"): int(number) for number, word in found})


def total(each: Sequence[bytes]) -> str:
    sums = sum(map(counts, each), Counter())
    return ", ".join(f"{number} {word}" for word, number in sums.items()) or "no tests ran"


def exit_code(codes: Sequence[int]) -> int:
    """Zero if every half went well, or had nothing to do beside one that did."""
    worked = [code for code in codes if code != NOTHING_TO_RUN]
    return next((code for code in worked if code), 0) if worked else NOTHING_TO_RUN


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(more: Sequence[str]) -> int:
    parts = HALVES if cores() >= len(HALVES) else WHOLE
    halves = [Half((*part, *more), live=n == 0) for n, part in enumerate(parts)]
    try:
        codes = [half.end() for half in halves]
    except BaseException:
        for half in halves:
            half.abandon()
        raise
    show(sys.stdout.buffer, f"\nin all: {total([bytes(half.said) for half in halves])}\n".encode())
    return exit_code(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
