"""Services that somebody else runs, reached by real commands: here by scripts over a pid file."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.model import ExecPlatform, Service
from platforms.exec import Units
from platforms.platform import Exit, PlatformError, Task

RUNNER = r"""#!/bin/sh
# A service manager of six lines: start, stop, status, identity, output.
cd "$(dirname "$0")" || exit 9
case "$1" in
start) sh -c 'echo serving; exec sleep 1000' & echo $! >pid; echo started >>log ;;
stop) kill "$(cat pid)"; rm -f pid ;;
status) kill -0 "$(cat pid)" 2>/dev/null || { echo "inactive (dead)"; exit 3; } ;;
identity) cat pid ;;
output) cat log ;;
fail) echo "no such unit" >&2; exit 5 ;;
slow) echo $$ >slow_pid; sleep 30 ;;
esac
"""


class Manager:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "manager"
        self.path.write_text(RUNNER)
        self.path.chmod(0o755)

    def service(self, **more: object) -> Service:
        def command(word: str) -> tuple[str, ...]:
            return (str(self.path), word)

        words = {
            "start": "start",
            "stop": "stop",
            "status": "status",
            "identity": "identity",
            "output": "output",
            **more,
        }
        commands = {key: command(word) for key, word in words.items() if isinstance(word, str)}
        return Service(name="shop", platform=ExecPlatform(**commands, interval_s=0.1, timeout_s=1.0))

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def kill(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.kill()


@contextlib.asynccontextmanager
async def watched(manager: Manager, service: Service) -> AsyncIterator[tuple[Units, list[Exit]]]:
    units, ends = Units(manager.folder / "state", [service]), list[Exit]()
    units.on_exit(ends.append)
    await units.adopt()
    looking = asyncio.create_task(units.run())
    try:
        yield units, ends
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def test_an_end_is_seen_by_two_looks_and_told_with_its_last_words(manager: Manager) -> None:
    async with watched(manager, manager.service()) as (units, ends):
        assert units.current("shop") is None
        await units.start("shop", "m1")
        life = units.current("shop")
        assert life is not None
        assert life.mark == str(manager.pid)
        manager.kill()
        async with asyncio.timeout(5):
            while not ends:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.02)
        assert ends[0].incarnation == life
        assert (ends[0].output, ends[0].wanted) == ("started\n", False)
        assert "inactive (dead)" in ends[0].reason
        assert units.current("shop") is None


async def test_a_restart_by_somebody_else_is_another_life_and_counts_as_done_for_our_act(
    manager: Manager,
) -> None:
    service = manager.service()
    async with watched(manager, service) as (units, _):
        await units.start("shop", "m1")
        before = units.current("shop")
        assert before is not None
        task = Task(service=service, mark="act", incarnation=before.mark)
        assert await units.done_since("restart", task) is None
        manager.kill()
        await (await asyncio.create_subprocess_exec(str(manager.path), "start")).wait()
        done = await units.done_since("restart", task)
        assert done is not None
        assert done.detail == "it was started since"


async def test_without_an_identity_the_act_that_started_it_names_the_life(manager: Manager) -> None:
    service = manager.service(identity=None)
    async with watched(manager, service) as (units, _):
        await units.carry_out("restart", Task(service=service, mark="act"))
        life = units.current("shop")
        assert life is not None
        assert life.mark == "act"
        assert await units.done_since("restart", Task(service=service, mark="act")) is not None


@pytest.mark.parametrize(
    ("word", "why"), [("fail", "exit code 5: no such unit"), ("slow", "did not end within 1 s")]
)
async def test_a_command_that_fails_or_hangs_is_told_in_one_sentence(
    manager: Manager, word: str, why: str
) -> None:
    service = manager.service(restart=word)
    async with watched(manager, service) as (units, _):
        with pytest.raises(PlatformError, match=why):
            await units.carry_out("restart", Task(service=service, mark="act"))


async def test_a_service_without_a_status_is_taken_to_run(manager: Manager) -> None:
    async with watched(manager, manager.service(status=None, identity=None)) as (units, ends):
        assert units.current("shop") is not None
        await asyncio.sleep(0.3)
        assert ends == []


async def test_what_a_start_command_leaves_running_lives_on_and_its_output_is_kept(manager: Manager) -> None:
    async with watched(manager, manager.service(output=None)) as (units, ends):
        await units.start("shop", "m1")
        await asyncio.sleep(0.5)
        assert units.current("shop") is not None
        assert ends == []
        assert "serving" in units.output("shop")


async def test_a_start_command_that_hangs_leaves_nothing_running(manager: Manager) -> None:
    async with watched(manager, manager.service(start="slow")) as (units, _):
        with pytest.raises(PlatformError, match="did not end within 1 s"):
            await units.start("shop", "m1")
    group = int((manager.folder / "slow_pid").read_text())
    async with asyncio.timeout(5):
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.killpg(group, 0)
                await asyncio.sleep(0.01)
