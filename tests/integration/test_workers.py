"""Worker processes: what their virtual twin does too, and what only real processes can show."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures import worker_jobs as jobs
from tests.fixtures.workers_conformance import ENOUGH_S, WorkersConformance
from utils.worker_process import LENGTH
from utils.workers import ProcessWorkers, WorkerDeadlineError, WorkerDiedError, packed

ROOT = Path(__file__).parent.parent.parent


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (a test looks from outside)
            await asyncio.sleep(0.01)


@pytest.fixture
def workers() -> ProcessWorkers:
    return ProcessWorkers()


class TestProcessWorkers(WorkersConformance):
    async def test_the_work_runs_at_low_priority_in_a_session_of_its_own(
        self, workers: ProcessWorkers
    ) -> None:
        found = await workers.run(jobs.surroundings, ENOUGH_S)
        assert found == {
            "nice": min(os.nice(0) + 15, 19),
            "threads": os.environ.get("OMP_NUM_THREADS", "1"),
            "session": True,
        }

    async def test_what_the_work_prints_is_no_answer(self, workers: ProcessWorkers) -> None:
        assert await workers.run(jobs.chatter, ENOUGH_S) == "answer"

    async def test_a_death_is_told_with_the_last_words(self, workers: ProcessWorkers) -> None:
        with pytest.raises(WorkerDiedError, match="last words"):
            await workers.run(jobs.die, ENOUGH_S)

    async def test_a_function_of_the_main_script_is_refused(
        self, workers: ProcessWorkers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs.add, "__module__", "__main__")
        with pytest.raises(ValueError, match="main script"):
            await workers.run(jobs.add, ENOUGH_S, 1, 1)

    async def test_a_deadline_leaves_nothing_of_the_work_alive(
        self, workers: ProcessWorkers, tmp_path: Path
    ) -> None:
        note = tmp_path / "pids"
        with pytest.raises(WorkerDeadlineError):
            await workers.run(jobs.nap_and_note, 3.0, note, 60.0)
        pids = [int(pid) for pid in note.read_text().split()]
        await until(lambda: not any(alive(pid) for pid in pids))
        assert workers.pids == set()

    async def test_a_cancellation_leaves_nothing_of_the_work_alive(
        self, workers: ProcessWorkers, tmp_path: Path
    ) -> None:
        note = tmp_path / "pids"
        work = asyncio.ensure_future(workers.run(jobs.nap_and_note, ENOUGH_S, note, 60.0))
        await until(note.exists)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        pids = [int(pid) for pid in note.read_text().split()]
        await until(lambda: not any(alive(pid) for pid in pids))

    @pytest.mark.parametrize("grip", ["thread", "native"])
    async def test_a_worker_dies_with_a_killed_daemon(self, tmp_path: Path, grip: str) -> None:
        note = tmp_path / "pids"
        daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(note), grip], cwd=ROOT)  # noqa: ASYNC220
        try:
            await until(note.exists)
            pid = int(note.read_text().split()[0])
            assert alive(pid)
        finally:
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
        await until(lambda: not alive(pid))

    async def test_a_worker_dies_when_its_daemon_lets_go_of_the_pipe(self) -> None:
        order = pickle.dumps((sys.path, 0, packed(jobs.nap, 60.0)))
        worker = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-P", "-m", "utils.worker_process"],
            stdin=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        assert worker.stdin is not None
        worker.stdin.write(LENGTH.pack(len(order)) + order)
        worker.stdin.flush()
        await asyncio.sleep(0.2)
        assert worker.poll() is None
        worker.stdin.close()
        await until(lambda: worker.poll() is not None)
        assert worker.returncode == -signal.SIGKILL


DAEMON = """
import asyncio, sys
from pathlib import Path
from tests.fixtures import worker_jobs as jobs
from utils.workers import ProcessWorkers
work = {"thread": jobs.nap_and_note, "native": jobs.hold_the_interpreter}[sys.argv[2]]
asyncio.run(ProcessWorkers().run(work, 90.0, Path(sys.argv[1]), 60.0))
"""
