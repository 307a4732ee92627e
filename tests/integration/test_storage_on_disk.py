"""The real disk, thread, lock and deaths: the same contract as the simulated ones."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.disk_conformance import DiskConformance, OffloadConformance
from tests.fixtures.journal_kit import Ended, Happened, add, positions, running
from utils import disk as storage
from utils.disk import OsDisk, ThreadOffload
from utils.in_hand import InHand
from utils.journal import Journal
from utils.snapshot_format import Header
from utils.snapshots import Snapshots
from utils.state_lock import FolderInUseError, StateLock


@pytest.fixture
def disk() -> OsDisk:
    return OsDisk()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def offload() -> Iterator[ThreadOffload]:
    offload = ThreadOffload()
    yield offload
    offload.close()


class TestOsDisk(DiskConformance):
    pass


class TestThreadOffload(OffloadConformance):
    async def test_an_idle_thread_has_taken_a_call_over_when_the_caller_goes_on(
        self, offload: ThreadOffload
    ) -> None:
        taken = 0
        for _ in range(50):
            seen: list[int] = []
            answer = offload(lambda seen=seen: seen.append(1))  # type: ignore[misc]
            taken += len(seen)
            await answer
        assert taken > 10, "of 50; the machine may be busy"

    async def test_a_busy_thread_holds_nobody_up(self, offload: ThreadOffload) -> None:
        first = offload(lambda: time.sleep(0.2))
        began = time.perf_counter()
        second = offload(lambda: 2)
        assert time.perf_counter() - began < 0.1
        assert not first.done()
        assert await second == 2

    async def test_a_call_that_nobody_waits_for_any_more_is_made_all_the_same(
        self, offload: ThreadOffload
    ) -> None:
        seen: list[int] = []
        offload(lambda: time.sleep(0.05))
        offload(lambda: seen.append(1)).cancel()
        assert await offload(lambda: 3) == 3
        assert seen == [1]

    async def test_closing_waits_for_what_was_asked_for(self) -> None:
        offload, seen = ThreadOffload(), list[int]()
        offload(lambda: time.sleep(0.05))
        offload(lambda: seen.append(1))
        offload.close()
        assert seen == [1]


class OldSystem:
    """Writes half of it, or cannot sync while it writes."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def __call__(self, descriptor: int, pieces: list[bytes], offset: int, flags: int) -> int:
        assert flags == os.RWF_DSYNC
        if self.number:
            raise OSError(self.number, os.strerror(self.number))
        return os.write(descriptor, pieces[0][: len(pieces[0]) // 2])


@pytest.mark.parametrize("system", [OldSystem(), OldSystem(errno.EOPNOTSUPP), OldSystem(errno.EINVAL)])
def test_where_one_call_is_not_enough_the_rest_is_written_and_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: OldSystem
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "pwritev", system)
    monkeypatch.setattr(storage, "_sync_data", synced.append)
    handle = OsDisk().create(tmp_path / "a")
    handle.append(b"0123456789")
    handle.close()
    assert (tmp_path / "a").read_bytes() == b"0123456789"
    assert len(synced) == 1


def test_a_write_that_fails_for_good_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwritev", OldSystem(errno.EIO))
    handle = OsDisk().create(tmp_path / "a")
    with pytest.raises(OSError) as raised:
        handle.append(b"x")
    assert raised.value.errno == errno.EIO
    handle.close()


def journal_in(folder: Path, offload: ThreadOffload) -> Journal:
    return Journal(OsDisk(), folder / "journal", Happened | Ended, offload, segment_bytes=20_000)


async def test_a_journal_is_written_rolled_forgotten_and_read_again(
    tmp_path: Path, offload: ThreadOffload
) -> None:
    async with running(journal_in(tmp_path, offload)) as journal:
        for _ in range(20):
            assert await journal.durable(add(journal, 50))
        assert positions(journal) == list(range(1, 1001))
        journal.forget(before=600)
        assert await journal.durable(add(journal))
        await asyncio.sleep(0.1)
    journal.close()
    again = journal_in(tmp_path, offload)
    assert again.damage == []
    assert (journal.first, 1001) == (again.first, again.position)
    assert positions(again, after=700) == list(range(701, 1002))


async def test_a_descriptor_that_fails_is_replaced_and_nothing_is_lost(
    tmp_path: Path, offload: ThreadOffload
) -> None:
    async with running(journal_in(tmp_path, offload)) as journal:
        assert await journal.durable(add(journal, 3))
        assert journal._writer._handle is not None
        journal._writer._handle.close()  # every call on it fails from now on
        assert not await journal.durable(add(journal, 3))
        await asyncio.sleep(1.2)
        assert await journal.durable(add(journal, 3))
    journal.close()
    assert positions(journal_in(tmp_path, offload)) == list(range(1, 10))


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.fixtures.journal_kit import Ended, Happened, add, running
from utils.disk import OsDisk, ThreadOffload
from utils.in_hand import InHand
from utils.journal import Journal
from utils.state_lock import StateLock

async def main():
    folder = Path(sys.argv[1])
    lock, page = StateLock(folder), InHand(folder / "in_hand")
    async with running(Journal(OsDisk(), folder / "journal", Happened | Ended, ThreadOffload())) as journal:
        while True:
            position = add(journal, 3)
            page.begin("agent", f"h{position}")
            await journal.durable(position)
            print(position, flush=True)

asyncio.run(main())
"""


def writer(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def test_a_process_that_is_killed_leaves_everything_it_acknowledged(
    tmp_path: Path, offload: ThreadOffload
) -> None:
    position = 0
    for life in range(4):
        with writer(tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.02 * life)
            process.send_signal(signal.SIGKILL)
            acknowledged = [int(line) for line in process.stdout if line.endswith("\n")]
        journal = journal_in(tmp_path, offload)
        assert journal.damage == []
        assert journal.position >= max(acknowledged, default=position + 3)
        assert positions(journal) == list(range(1, journal.position + 1))
        position = journal.position
    assert list(InHand(tmp_path / "in_hand").deaths.values()) == [1, 1, 1, 1]


def test_a_folder_in_use_names_the_process_and_is_free_after_its_death(tmp_path: Path) -> None:
    with writer(tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(FolderInUseError, match=f"pid {process.pid}"):
            StateLock(tmp_path)
        process.kill()
    with StateLock(tmp_path), pytest.raises(FolderInUseError, match=f"pid {os.getpid()}"):
        StateLock(tmp_path)


async def test_a_large_snapshot_never_holds_the_loop_for_long(tmp_path: Path, offload: ThreadOffload) -> None:
    from tests.unit.test_snapshots import State, Value

    async def durable(position: int) -> bool:
        return position > 0

    state = State(values={f"key{n:06d}": Value(n, "x" * 300) for n in range(60_000)})  # about 20 MB
    store = Snapshots(OsDisk(), tmp_path, offload, durable)
    saving = asyncio.create_task(store.save("rca", state, Header(position=1, read_to=1, since=1)))
    longest_s = 0.0
    while not saving.done():
        start = time.thread_time()
        await asyncio.sleep(0)
        longest_s = max(longest_s, time.thread_time() - start)
    await saving
    loaded = store.load("rca", State, 1)
    assert loaded is not None
    assert loaded.state == state
    assert longest_s < 0.02
