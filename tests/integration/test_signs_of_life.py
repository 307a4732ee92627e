"""Signs of life for others: systemd's socket, a process that ends when its loop freezes, the heartbeat's address."""

import asyncio
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from config.secret import Secret
from scripts import heartbeat
from scripts.heartbeat import Heartbeat
from utils.freeze_guard import EXIT_CODE
from utils.systemd import Systemd


def test_a_process_whose_loop_freezes_ends_and_leaves_its_stacks(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import asyncio, sys, time
        from pathlib import Path
        from utils.freeze_guard import FreezeGuard

        async def main():
            guard = FreezeGuard(Path(sys.argv[1]), limit_s=1.5)
            guard.start()
            for _ in range(25):
                guard.beat()
                await asyncio.sleep(0.1)
            print("alive after 2.5 s", flush=True)
            time.sleep(60)

        asyncio.run(main())
    """)
    stacks = tmp_path / "frozen.txt"
    ended = subprocess.run(
        [sys.executable, "-c", program, str(stacks)], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.stdout == "alive after 2.5 s\n"
    assert ended.returncode == EXIT_CODE
    assert "in main" in stacks.read_text()


def test_systemd_is_told_over_its_socket_and_asked_how_often(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        systemd = Systemd({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"})
        assert systemd.watchdog_s == 30.0
        assert systemd.tell("READY=1", "STATUS=watching")
        assert server.recv(100) == b"READY=1\nSTATUS=watching"
    assert not systemd.tell("WATCHDOG=1"), "a socket that is gone harms nobody"


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "1000000"}, {"NOTIFY_SOCKET": "/x", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "5"}],
)
def test_without_a_socket_of_ours_there_is_no_watchdog(environ: dict[str, str]) -> None:
    assert Systemd(environ).watchdog_s == 0.0


class FixedGoodness:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def everything(self) -> list[str]:
        return self.problems


async def test_the_address_is_called_while_all_is_well_and_left_alone_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_S", 0.05)
    calls: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=500 if len(calls) == 2 else 200)

    app = web.Application()
    app.router.add_get("/{id}", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    goodness: Any = FixedGoodness()
    running = asyncio.create_task(Heartbeat(Secret(f"http://127.0.0.1:{port}/hush-hush"), goodness).run())
    try:
        await asyncio.sleep(0.4)
        heard = len(calls)
        assert heard >= 3, "an error of the listener does not end it"
        goodness.problems = ["the disk is full"]
        await asyncio.sleep(0.3)
        assert len(calls) <= heard + 1
        await runner.cleanup()
        goodness.problems = []
        await asyncio.sleep(0.2)
        assert not running.done(), "nobody listens, and that harms nobody"
    finally:
        running.cancel()
    assert "hush-hush" not in capsys.readouterr().err
