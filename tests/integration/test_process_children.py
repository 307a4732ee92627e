"""What the process platform owes real children: environment, words, adoption, output, promptness."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from config.secret import SECRET_NAMES
from platforms.platform import PlatformError
from platforms.process import ProcessPlatform
from platforms.processes.group import send
from platforms.processes.table import Process, ProcTable
from tests.fixtures.platform_conformance import exits_of, until
from tests.fixtures.real_rig import COMMANDS, RealRig, environ_of, service
from utils.state_lock import StateLock


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RealRig]:
    rig = RealRig(tmp_path, ProcTable())
    yield rig
    for process in rig.processes():
        process.kill()


async def printed(platform: ProcessPlatform, name: str) -> str:
    """What a short command printed, once it has ended."""
    exits = exits_of(platform)
    await platform.start(name, "m1")
    await until(lambda: bool(exits))
    return platform.output(name, limit=65_536)  # an environment may be long


def platform_for(
    rig: RealRig, *command: str, cwd: str = ".", env: dict[str, str] | None = None
) -> ProcessPlatform:
    return ProcessPlatform(rig.folder, [service("one", *command, cwd=cwd, env=env)])


async def test_a_child_gets_our_environment_without_our_secrets_and_its_own(
    rig: RealRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*SECRET_NAMES, "NIGHTWARDEN_ELSE", "COMMON", "COLOUR"):
        monkeypatch.setenv(name, "inherited")
    platform = platform_for(rig, "env", env={"COLOUR": "blue"})
    lines = dict(line.split("=", 1) for line in (await printed(platform, "one")).splitlines())
    assert (lines["COMMON"], lines["COLOUR"]) == ("inherited", "blue")
    assert (lines["NIGHTWARDEN_INCARNATION"], lines["NIGHTWARDEN_SERVICE"]) == ("m1", "one")
    assert not lines.keys() & {*SECRET_NAMES, "NIGHTWARDEN_ELSE"}


async def test_a_child_leads_a_session_of_its_own_in_its_folder_with_no_wrapper(
    rig: RealRig, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    platform = platform_for(rig, "sleep", "1000", cwd=str(tmp_path / "app"))
    life = await platform.start("one", "m1")
    child = psutil.Process(life.pid)
    assert os.getsid(life.pid) == life.pid
    assert (child.cwd(), child.ppid(), child.name()) == (str(tmp_path / "app"), os.getpid(), "sleep")
    await platform.close()


async def test_a_command_beside_its_service_is_found_from_its_folder(rig: RealRig, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    assert await printed(platform_for(rig, "./tool", cwd=str(tmp_path)), "one") == "found\n"


async def test_python_is_our_own_where_we_run_in_a_virtual_environment(rig: RealRig) -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("this test runs outside of a virtual environment")
    platform = platform_for(rig, "python", "-c", "import sys; print(sys.prefix)")
    assert (await printed(platform, "one")).strip() == sys.prefix


async def test_python_is_our_own_where_the_path_has_none(rig: RealRig, tmp_path: Path) -> None:
    platform = platform_for(rig, "python", "-c", "import sys; print(sys.prefix)", env={"PATH": str(tmp_path)})
    assert (await printed(platform, "one")).strip() == sys.prefix


@pytest.mark.parametrize(
    ("command", "cwd", "words"),
    [
        (("no-such-thing",), ".", "one: the command no-such-thing is not on the PATH"),
        (("./no-such-thing",), ".", "one: the command ./no-such-thing does not exist"),
        (("./plain",), "", "one: the command ./plain is not executable"),
        (("./garbage",), "", "one: the command ./garbage cannot be started: Exec format error"),
        (("sleep", "1"), "gone", "one: the working directory .*gone does not exist"),
        (("sleep", "\0"), ".", "one: the command sleep cannot be started"),
    ],
)
async def test_what_cannot_be_started_is_told_in_clear_words(
    rig: RealRig, tmp_path: Path, command: tuple[str, ...], cwd: str, words: str
) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "garbage").write_bytes(b"\x01\x02")
    (tmp_path / "garbage").chmod(0o755)
    folder = cwd if cwd == "." else str(tmp_path / cwd)
    with pytest.raises(PlatformError, match=words):
        await platform_for(rig, *command, cwd=folder).start("one", "m1")
    assert rig.living("one") == 0


async def test_another_state_folder_does_not_adopt_our_children(rig: RealRig, tmp_path: Path) -> None:
    life = await rig.daemon().start("steady", "m1")
    stranger = ProcessPlatform(tmp_path / "other", [service("steady", *COMMANDS["steady"])])
    assert await stranger.adopt() == []
    await stranger.stop("steady", signal="KILL", grace_s=0)
    assert psutil.pid_exists(life.pid)
    await until(lambda: rig.living("steady") == 1)


async def test_a_copied_state_folder_adopts_nobody_while_its_first_daemon_lives(
    rig: RealRig, tmp_path: Path
) -> None:
    first = rig.daemon()
    life = await first.start("steady", "m1")
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    shutil.copytree(tmp_path / "run", copy / "run")
    with StateLock(tmp_path):
        assert await ProcessPlatform(copy, [service("steady", *COMMANDS["steady"])], rig.table).adopt() == []
    moved = await ProcessPlatform(copy, [service("steady", *COMMANDS["steady"])], rig.table).adopt()
    assert [found.pid for found in moved] == [life.pid], "the folder was moved: its daemon is gone"


async def test_a_daemon_that_died_before_it_took_a_note_is_survived(rig: RealRig) -> None:
    life = await rig.daemon().start("steady", "m1")
    (rig.folder / "run" / "steady.json").unlink()
    await until(lambda: bool(environ_of(life.pid)))  # for an instant of its exec the kernel shows none
    [adopted] = await rig.daemon().adopt()
    assert (adopted.pid, adopted.mark) == (life.pid, "m1")


async def test_a_child_that_hides_its_environment_is_adopted_by_the_note(rig: RealRig) -> None:
    first = platform_for(rig, "env", "-i", "sleep", "1000")
    life = await first.start("one", "m1")
    await until(lambda: psutil.Process(life.pid).name() == "sleep")
    await first.close()
    second = platform_for(rig, "sleep", "1000")
    [adopted] = await second.adopt()
    assert adopted.pid == life.pid
    await second.stop("one", signal="TERM", grace_s=1)
    assert not alive(life.pid)


async def test_a_note_about_a_pid_that_is_somebody_elses_now_is_not_believed(rig: RealRig) -> None:
    first = rig.daemon()
    life = await first.start("steady", "m1")
    await first.stop("steady", signal="KILL", grace_s=0)
    note = {"service": "steady", "mark": "m1", "pid": os.getpid(), "started_at": life.started_at}
    (rig.folder / "run" / "steady.json").write_text(
        json.dumps({"incarnation": note, "boot": ProcTable().boot()})
    )
    second = rig.daemon()
    assert await second.adopt() == []
    await second.stop("steady", signal="KILL", grace_s=0)


async def test_workers_are_no_leaders_even_where_nothing_was_noted(rig: RealRig) -> None:
    life = await rig.daemon().start("crowd", "m1")
    await until(lambda: rig.living("crowd") == 3)
    (rig.folder / "run" / "crowd.json").unlink()
    os.kill(life.pid, 9)
    await until(lambda: rig.living("crowd") == 2)
    second = rig.daemon()
    assert await second.adopt() == []
    await second.stop("crowd", signal="KILL", grace_s=0)
    assert rig.living("crowd") == 0


async def test_a_pid_that_was_given_to_somebody_else_is_not_our_service(rig: RealRig) -> None:
    class Reborn(ProcTable):
        reborn = 0

        def read(self, pid: int) -> Process | None:
            found = super().read(pid)
            return msgspec.structs.replace(found, started_at=1.0) if found and pid == self.reborn else found

    table = Reborn()
    platform = ProcessPlatform(rig.folder, [service("steady", *COMMANDS["steady"])], table)
    life = await platform.start("steady", "m1")
    table.reborn = life.pid
    assert platform.sample("steady") is None
    os.kill(life.pid, 9)


async def test_a_detached_grandchild_is_no_leader_and_does_not_outlive_the_next_start(rig: RealRig) -> None:
    first = platform_for(rig, "sh", "-c", "setsid sleep 1000 & sleep 1000")
    life = await first.start("one", "m1")
    await until(lambda: rig.living("one") == 3)
    await first.close()
    os.kill(life.pid, 9)
    await until(lambda: rig.living("one") == 2)
    second = platform_for(rig, "sleep", "1000")
    assert await second.adopt() == []
    await second.start("one", "m2")
    await until(lambda: bool(rig.processes("one")))
    assert [environ_of(p.pid)["NIGHTWARDEN_INCARNATION"] for p in rig.processes("one")] == ["m2"]
    await second.close()


@pytest.mark.parametrize(
    "detach",
    [
        "setsid sh -c 'sleep 1000 & sleep 1000' &",  # given up when its leader dies
        "(setsid sh -c 'sleep 1000 & sleep 1000' &) &",  # given up while its leader lives
    ],
)
async def test_what_detached_itself_from_our_own_child_does_not_outlive_the_next_start(
    rig: RealRig, detach: str
) -> None:
    platform = platform_for(
        rig,
        "sh",
        "-c",
        f"[ -e second ] || {{ touch second; {detach} }}; exec sleep 1000",
        cwd=str(rig.folder),
    )
    life = await platform.start("one", "m1")
    await until(lambda: rig.living("one") == 4)
    os.kill(life.pid, 9)
    await until(lambda: platform.current("one") is None)
    assert rig.living("one") == 3
    await platform.start("one", "m2")
    await until(lambda: bool(rig.processes("one")))
    marks = [environ_of(p.pid)["NIGHTWARDEN_INCARNATION"] for p in rig.processes("one")]
    assert marks == ["m2"]
    await platform.stop("one", signal="KILL", grace_s=0)
    await platform.close()


async def test_a_daemon_killed_with_sigkill_leaves_children_that_the_next_one_finds(rig: RealRig) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from config.model import ProcessPlatform as Process, Service
from platforms.process import ProcessPlatform
from platforms.processes.group import send
async def main():
    platform = ProcessPlatform(Path(sys.argv[1]), [Service(name="steady", platform=Process(command=("sleep", "1000")))])
    print((await platform.start("steady", "m1")).pid, flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(rig.folder), stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout is not None
    pid = int(await daemon.stdout.readline())
    daemon.kill()
    await daemon.wait()
    second = rig.daemon()
    [adopted] = await second.adopt()
    assert (adopted.pid, adopted.mark) == (pid, "m1")
    await second.stop("steady", signal="TERM", grace_s=2)
    assert not alive(pid)


async def test_the_end_of_a_child_is_told_within_milliseconds(rig: RealRig) -> None:
    platform = rig.daemon()
    told = asyncio.Event()
    platform.on_exit(lambda _: told.set())
    delays_s = []
    for n in range(10):
        life = await platform.start("steady", f"m{n}")
        began_at = time.perf_counter()
        os.kill(life.pid, 9)
        await told.wait()
        delays_s.append(time.perf_counter() - began_at)
        told.clear()
    assert sorted(delays_s)[2] < 0.005  # 0.3 ms; a busy machine adds to most of them


async def test_processor_time_is_counted_from_the_last_sample(rig: RealRig) -> None:
    platform = platform_for(rig, sys.executable, "-c", "while True: pass")
    life = await platform.start("one", "m1")
    await asyncio.sleep(0.5)
    busy = platform.sample("one")
    os.kill(life.pid, 19)
    await until(lambda: psutil.Process(life.pid).status() == psutil.STATUS_STOPPED)
    platform.sample("one")
    await asyncio.sleep(0.3)
    frozen = platform.sample("one")
    assert busy is not None
    assert frozen is not None
    assert 20 < busy.cpu_percent < 120
    assert frozen.cpu_percent < 10
    await platform.stop("one", signal="KILL", grace_s=0)


async def test_a_cancelled_stop_does_not_make_a_later_end_wanted(rig: RealRig) -> None:
    platform = rig.daemon()
    exits = exits_of(platform)
    life = await platform.start("stubborn", "m1")
    await asyncio.sleep(0.1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await platform.stop("stubborn", signal="TERM", grace_s=5)
    os.kill(life.pid, 9)
    await until(lambda: bool(exits))
    assert not exits[0].wanted


def test_the_group_that_would_mean_everybody_is_never_signalled() -> None:
    for group in (-1, 0, 1):
        with pytest.raises(PlatformError, match="no process group of a service"):
            send(group, 0)


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
