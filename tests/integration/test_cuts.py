"""Wires that were cut on purpose reach nobody, and reach everybody again."""

from pathlib import Path

import pytest
from aiohttp import web

from platforms.chaos.cut_telegram import opened_cuttable
from platforms.chaos.cuts import Cuts, CuttableRender
from platforms.chaos.troubled_disk import TroubledDisk
from platforms.render.failures import LostError
from platforms.telegram.failures import FailureError
from scripts.demo import free_ports
from utils.disk import OsDisk


async def answer(_: web.Request) -> web.Response:
    return web.json_response(
        {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Night", "username": "warden"}}
    )


async def test_calls_fail_while_the_wire_is_cut() -> None:
    [port] = free_ports(1)
    app = web.Application()
    app.add_routes([web.route("*", "/{rest:.*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    cuts = Cuts()
    render = CuttableRender(f"http://127.0.0.1:{port}", "key", cuts)
    telegram = await opened_cuttable(cuts, "123:abc", f"http://127.0.0.1:{port}/bot")
    try:
        for _ in range(2):
            assert (await render.send("GET", "/services", (), None, 5.0)).status == 200
            assert await telegram.name()
            cuts.cut |= {"render", "telegram"}
            with pytest.raises(LostError, match="cut by a chaos experiment"):
                await render.send("GET", "/services", (), None, 5.0)
            with pytest.raises(FailureError, match="cut by a chaos experiment"):
                await telegram.name()
            cuts.cut.clear()
    finally:
        await render.close()
        await telegram.close()
        await runner.cleanup()
    assert cuts.known == {"render"}  # Telegram is known where it is configured


def test_a_troubled_disk_writes_nothing_and_reads_on(tmp_path: Path) -> None:
    disk = TroubledDisk(OsDisk())
    handle = disk.create(tmp_path / "a")
    handle.append(b"one")
    disk.problem = "full"
    for attempt in (
        lambda: handle.append(b"two"),
        lambda: handle.write(b"two"),
        handle.fsync,
        lambda: disk.create(tmp_path / "b"),
        lambda: disk.rename(tmp_path / "a", tmp_path / "c"),
    ):
        with pytest.raises(OSError, match="No space left on device, by a chaos experiment"):
            attempt()
    assert disk.read(tmp_path / "a") == b"one"
    disk.problem = ""
    handle.append(b"two")
    handle.close()
    assert disk.read(tmp_path / "a") == b"onetwo"
