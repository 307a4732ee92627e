"""What services write: kept, rotated, read from the end, and never a reason to stay down."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from platforms.processes.output import OutputFiles
from platforms.processes.table import ProcTable
from tests.fixtures.platform_conformance import until
from tests.fixtures.real_rig import RealRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RealRig]:
    rig = RealRig(tmp_path, ProcTable())
    yield rig
    for process in rig.processes():
        process.kill()


async def test_full_output_is_rotated_and_the_tail_reads_on(rig: RealRig) -> None:
    outputs = OutputFiles(rig.folder / "logs", max_bytes=1000, keep=3)
    descriptor = outputs.open("one")
    for n in range(5):
        os.write(descriptor, f"{n}".encode() * 1500)
        assert outputs.is_full("one")
        outputs.rotate("one")
        assert not outputs.is_full("one")
    os.write(descriptor, b"after")
    os.close(descriptor)
    assert outputs.path("one").read_text() == "after"
    assert sorted(path.name for path in (rig.folder / "logs").iterdir()) == [
        f"one.log{n}" for n in ("", ".1", ".2", ".3")
    ]
    assert (rig.folder / "logs" / "one.log.1").read_text() == "4" * 1000
    assert outputs.tail("one", 8) == "444after"
    assert OutputFiles(rig.folder / "logs").tail("one", 8) == "444after", "rotated by the daemon before us"


async def test_what_was_silent_until_now_is_read_on_after_its_first_rotation(rig: RealRig) -> None:
    outputs = OutputFiles(rig.folder / "logs", max_bytes=10)
    descriptor = outputs.open("one")
    assert outputs.tail("one", 8) == ""
    os.write(descriptor, b"x" * 20)
    outputs.rotate("one")
    os.close(descriptor)
    assert outputs.tail("one", 8) == "x" * 8


async def test_a_sample_sets_the_rotation_of_full_output_going(rig: RealRig) -> None:
    platform = rig.daemon()
    await platform.start("steady", "m1")
    log = rig.folder / "logs" / "steady.log"
    log.write_bytes(b"x" * (11 * 2**20))
    platform.sample("steady")
    await until(lambda: log.stat().st_size == 0)
    assert log.with_name("steady.log.1").stat().st_size == 10 * 2**20
    await platform.close()


async def test_output_that_cannot_be_written_keeps_no_service_down(rig: RealRig) -> None:
    (rig.folder / "logs").touch()
    (rig.folder / "run").touch()
    platform = rig.daemon()
    await platform.start("steady", "m1")
    await until(lambda: rig.living("steady") == 1)
    assert platform.output("steady") == ""
    await platform.stop("steady", signal="KILL", grace_s=0)


async def test_the_tail_begins_with_a_whole_character(rig: RealRig) -> None:
    (rig.folder / "logs").mkdir()
    (rig.folder / "logs" / "steady.log").write_text("aäö")
    assert rig.daemon().output("steady", 3) == "ö"
