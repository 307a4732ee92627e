"""The rest of the faults on real processes, real disks and a network of its own, and the way back from each."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from config.model import Chaos, Config, HttpProbe, Link, ProcessPlatform, Service
from platforms.chaos.fault import FaultRefused, Ground, Plan
from platforms.chaos.proxy import serve
from platforms.chaos.registry import Faults
from platforms.process import ProcessPlatform as Processes
from scripts.demo import free_ports
from tests.fixtures.real_daemon import ROOT

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")
OPENING = """
import time
while True:
    try:
        open("/dev/null").close()
        print("ok", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
    time.sleep(0.02)
"""
OPENER = (sys.executable, "-c", OPENING)
SECRETIVE = (
    sys.executable, "-c",
    "import os, time; print(os.environ['API_TOKEN'], int(time.time()), flush=True); time.sleep(60)",
)  # fmt: skip


def service(name: str, folder: Path, *command: str, **more: Any) -> Service:
    env = more.pop("env", {})
    return Service(name=name, platform=ProcessPlatform(command=command, cwd=str(folder), env=env), **more)


def run(*command: str) -> None:
    subprocess.run(command, check=True)


class Rig:
    def __init__(self, folder: Path, services: list[Service], chaos: Chaos | None = None) -> None:
        self.folder = folder
        (folder / "chaos").mkdir()
        self.services = {each.name: each for each in services}
        self.processes = Processes(folder / "state", services)
        config = Config(services=tuple(services), chaos=chaos or Chaos())
        self.ground = Ground(
            self.processes, folder / "chaos", config=lambda: config, boots=self.processes.boots
        )
        self.faults = Faults(self.ground)

    async def make(self, fault: str, name: str, for_s: float = 10.0, **options: Any) -> Plan:
        plan = await self.faults.plan(fault, self.services[name], "0123456789abcdef", options, for_s)
        note = msgspec.json.encode(plan)
        (self.folder / "chaos" / f"{plan.id}.json").write_bytes(note)
        assert await self.faults.inject(plan)
        return self.faults.decode(note)

    async def unmake(self, plan: Plan) -> None:
        """By somebody who never planned it, and twice."""
        another = Faults(self.ground)
        await another.undo(plan)
        await until(lambda: another.verify(plan), wanted="")
        await another.undo(plan)

    def pid(self, name: str) -> int:
        life = self.processes.current(name)
        return life.pid if life else 0

    async def close(self) -> None:
        for name in self.services:
            await self.processes.stop(name, signal="KILL", grace_s=0)
        await self.processes.close()


async def until(look: Callable[[], Any], wanted: Any = None, within_s: float = 8.0) -> Any:
    async with asyncio.timeout(within_s):
        while True:
            found = look()
            found = await found if asyncio.iscoroutine(found) else found
            if found == wanted if wanted is not None else found:
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(
        tmp_path,
        [
            service("sleeper", tmp_path, *SLEEPER),
            service("opener", tmp_path, *OPENER),
            service("secretive", tmp_path, *SECRETIVE, env={"PLAIN": "1", "API_TOKEN": "right"}),
        ],
    )
    yield rig
    await rig.close()


# --- at start --------------------------------------------------------------------------------------------------------


async def test_each_start_ends_at_once_until_that_is_undone(rig: Rig) -> None:
    await rig.processes.start("sleeper", "m1")
    plan = await rig.make("crash_at_boot", "sleeper")
    await until(lambda: rig.pid("sleeper") == 0)
    await rig.processes.start("sleeper", "m2")
    await until(lambda: rig.pid("sleeper") == 0)
    assert "ended by a chaos experiment" in rig.processes.output("sleeper")
    await rig.unmake(plan)
    life = await rig.processes.start("sleeper", "m3")
    await asyncio.sleep(0.2)
    assert rig.pid("sleeper") == life.pid


async def test_a_slow_start_is_the_same_process_later(rig: Rig) -> None:
    await rig.processes.start("sleeper", "m1")
    plan = await rig.make("slow_start", "sleeper", delay_s="0.4")
    await until(lambda: rig.pid("sleeper") == 0)
    life = await rig.processes.start("sleeper", "m2")
    await asyncio.sleep(0.2)
    assert psutil.Process(life.pid).cmdline()[0] == "/bin/sh"
    await until(lambda: psutil.Process(life.pid).cmdline() == list(SLEEPER))
    assert rig.pid("sleeper") == life.pid
    await rig.unmake(plan)


async def test_a_wrong_secret_lasts_until_a_start_without_it(rig: Rig) -> None:
    await rig.processes.start("secretive", "m1")
    await until(lambda: "right " in rig.processes.output("secretive"))
    plan = await rig.make("wrong_secret", "secretive")
    await until(lambda: rig.pid("secretive") == 0)
    life = await rig.processes.start("secretive", "m2")
    await until(lambda: "wrong-by-a-chaos" in rig.processes.output("secretive"))
    assert "still changed" in await rig.faults.verify(plan)
    rig.processes.boots.clear("secretive")  # as a new daemon has it
    assert "still runs so" in await rig.faults.verify(plan)
    await rig.unmake(plan)
    await until(lambda: rig.pid("secretive") != life.pid)
    await rig.processes.start("secretive", "m3")
    await until(lambda: rig.processes.output("secretive").count("right ") == 2)


@pytest.mark.skipif(
    not list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), reason="no libfaketime here"
)
async def test_a_clock_jumps_for_one_process_alone(rig: Rig) -> None:
    await rig.processes.start("secretive", "m1")
    await until(lambda: "right " in rig.processes.output("secretive"))
    plan = await rig.make("clock_jump", "secretive", jump_s="7200")
    await until(lambda: rig.pid("secretive") == 0)
    await rig.processes.start("secretive", "m2")
    await until(lambda: rig.processes.output("secretive").count("right ") == 2)
    line = [text for text in rig.processes.output("secretive").splitlines() if text.startswith("right ")][-1]
    seen = int(line.split()[1])
    assert 7100 < seen - time.time() < 7300
    await rig.unmake(plan)
    await until(lambda: rig.pid("secretive") == 0)


async def test_what_is_not_declared_cannot_be_wrong(rig: Rig) -> None:
    await rig.processes.start("sleeper", "m1")
    with pytest.raises(FaultRefused, match="declares nothing that is called like a secret"):
        await rig.make("wrong_secret", "sleeper")
    with pytest.raises(FaultRefused, match=r"Expected `float`.*there are: delay_s"):
        await rig.make("slow_start", "sleeper", delay_s="soon")
    with pytest.raises(FaultRefused, match=r"unknown field `loud`.*there are: none"):
        await rig.make("freeze", "sleeper", loud="1")


# --- resources -------------------------------------------------------------------------------------------------------


async def test_a_process_opens_no_more_files_until_it_may_again(rig: Rig) -> None:
    life = await rig.processes.start("opener", "m1")
    await until(lambda: "ok" in rig.processes.output("opener"))
    before = psutil.Process(life.pid).rlimit(psutil.RLIMIT_NOFILE)
    plan = await rig.make("descriptors", "opener")
    await until(lambda: rig.processes.output("opener").rstrip().endswith("Too many open files"))
    await rig.unmake(plan)
    assert psutil.Process(life.pid).rlimit(psutil.RLIMIT_NOFILE) == before
    await until(lambda: rig.processes.output("opener").rstrip().endswith("ok"))


def hogs() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if "0123456789abcdef" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


async def test_a_neighbour_takes_processors_and_is_ended_with_all_its_helpers(rig: Rig) -> None:
    plan = await rig.make("cpu", "sleeper", processors=2)
    await until(lambda: len(hogs()) == 2)
    await rig.unmake(plan)
    assert hogs() == []


async def test_a_neighbour_takes_memory_and_ends_by_itself(rig: Rig) -> None:
    await rig.make("memory", "sleeper", for_s=-4.0, mib=40)  # five seconds are added, so that one is left
    await until(lambda: hogs() and hogs()[0].memory_info().rss > 40 << 20)
    await until(lambda: not hogs())
    await rig.make("memory", "sleeper", mib=40)
    await until(hogs)
    (
        rig.folder / "chaos" / "0123456789abcdef.json"
    ).unlink()  # whoever has undone it missed a helper that was just born
    await until(lambda: not hogs())
    with pytest.raises(FaultRefused, match="are too many"):
        await rig.make("memory", "sleeper", mib=10_000_000)


@pytest.mark.skipif(os.getuid() != 0, reason="a file system of one's own needs root")
async def test_a_full_disk_is_full_and_empty_again(rig: Rig, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    try:
        await asyncio.to_thread(run, "mount", "-t", "tmpfs", "-o", "size=4m", "none", str(small))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine permits no file system of one's own")
    try:
        rig.services["small"] = service("small", small, *SLEEPER)
        plan = await rig.make("disk", "small")
        with pytest.raises(OSError, match="No space left"):
            (small / "data").write_bytes(b"x" * 100_000)
        await rig.unmake(plan)
        (small / "data").write_bytes(b"x" * 100_000)
    finally:
        await asyncio.to_thread(run, "umount", str(small))


async def test_the_disk_of_our_own_state_is_not_filled(rig: Rig) -> None:
    with pytest.raises(FaultRefused, match="undoing needs that one"):
        await rig.make("disk", "sleeper")


# --- links -----------------------------------------------------------------------------------------------------------


async def test_a_toxic_is_put_on_the_declared_link_and_removed(tmp_path: Path) -> None:
    api, port = free_ports(2)
    links = (Link(service="shop", dependency="pricing", proxy=f"http://127.0.0.1:{api}/proxies/pricing"),)
    rig = Rig(tmp_path, [service("shop", tmp_path, *SLEEPER)], Chaos(links=links))
    with pytest.raises(FaultRefused, match="cannot be reached"):
        await rig.make("latency", "shop")
    runner = await serve(f"127.0.0.1:{api}", [("pricing", f"127.0.0.1:{port}", "127.0.0.1:1")])
    try:
        plan = await rig.make("latency", "shop", latency=70, stream="upstream")
        assert "still there" in await rig.faults.verify(plan)
        await rig.unmake(plan)
        plan = await rig.make("down", "shop")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await rig.unmake(plan)
        await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(FaultRefused, match="must be less than average_size"):
            await rig.make("slicer", "shop", average_size=4, size_variation=9)
        with pytest.raises(FaultRefused, match="no link of shop to worker"):
            await rig.make("latency", "shop", dependency="worker")
        plan = await rig.make("reset_peer", "shop")
    finally:
        await runner.cleanup()
    assert await rig.faults.undo(plan) == "the proxy is gone, and the toxic with it"
    assert await rig.faults.verify(plan) == ""


NETEM = """
import asyncio, sys, time
from pathlib import Path
from config.model import ProcessPlatform, Service
from platforms.chaos.fault import Ground
from platforms.chaos.registry import Faults

async def answers(port):
    try:
        async with asyncio.timeout(0.5):
            await asyncio.open_connection("127.0.0.1", port)
        return True
    except (TimeoutError, OSError):
        return False

async def main():
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 8001)
    other = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 8002)
    faults = Faults(Ground(None, Path(".")))
    service = Service(name="shop", platform=ProcessPlatform(command=("x",)))
    seen = [await answers(8001)]
    plan = await faults.plan("cut", service, "p1", {"port": 8001}, 5.0)
    await faults.inject(plan)
    seen += [await answers(8001), await answers(8002), bool(await faults.verify(plan))]
    await faults.undo(plan)
    seen += [await answers(8001), await faults.verify(plan) == ""]
    await faults.undo(plan)
    print(seen)

asyncio.run(main())
"""


@pytest.mark.skipif(
    shutil.which("tc") is None or shutil.which("unshare") is None or os.getuid() != 0,
    reason="needs tc, unshare and root",
)
def test_packets_of_one_port_are_lost_and_all_others_pass() -> None:
    """In a network of its own: the one that others use is left alone."""
    inside = f'ip link set lo up && exec {sys.executable} -c "$SCRIPT"'
    ran = subprocess.run(
        ["unshare", "-n", "sh", "-c", inside],
        env={**os.environ, "SCRIPT": NETEM, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    if "Operation not permitted" in ran.stderr or "Specified qdisc kind is unknown" in ran.stderr:
        pytest.skip("this machine permits no network of one's own, or its kernel has no netem")
    assert ran.stdout.strip() == str([True, False, True, True, True, True]), ran.stderr


# --- data and models -------------------------------------------------------------------------------------------------


async def test_a_poisoned_table_is_put_back_unless_somebody_repaired_it(rig: Rig) -> None:
    table = rig.folder / "rows.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    plan = await rig.make("poisoned_data", "sleeper", path="rows.csv", every=2)
    assert table.read_text() == "a,b\n1,2\n,4\n"
    await rig.unmake(plan)
    assert table.read_text() == "a,b\n1,2\n3,4\n"
    plan = await rig.make("poisoned_data", "sleeper", path="rows.csv", every=1)
    table.write_text("a,b\n1,2\n3,5\n")
    await rig.unmake(plan)
    assert table.read_text() == "a,b\n1,2\n3,5\n"
    assert [path.name for path in (rig.folder / "chaos").glob("*.saved")] == []


async def test_a_wrong_model_is_read_by_a_new_process(rig: Rig) -> None:
    model = rig.folder / "model.json"
    model.write_text('{"bias": 2.5}')
    life = await rig.processes.start("sleeper", "m1")
    plan = await rig.make("wrong_model", "sleeper", path="model.json")
    assert model.read_text() == '{"bias": -2.5}'
    await until(lambda: rig.pid("sleeper") != life.pid)
    await rig.unmake(plan)
    assert model.read_text() == '{"bias": 2.5}'
    with pytest.raises(FaultRefused, match="name one with the option path"):
        await rig.make("wrong_model", "sleeper")


async def test_a_model_is_asked_with_nan_until_that_ends(rig: Rig) -> None:
    [port] = free_ports(1)
    heard: list[bytes] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"}"))
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", port)
    rig.services["model"] = service(
        "model", rig.folder, *SLEEPER, probe=HttpProbe(url=f"http://127.0.0.1:{port}/health")
    )
    plan = await rig.make("nan_inputs", "model", fields="cost,demand")
    await until(lambda: len(heard) > 3)
    assert heard[0].startswith(b"POST /predict ")
    assert heard[0].endswith(b'{"cost": NaN, "demand": NaN}')
    await rig.unmake(plan)
    server.close()
