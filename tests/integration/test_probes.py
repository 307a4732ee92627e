"""Probes against real sockets, commands and files."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from config.model import ExecProbe, HeartbeatProbe, HttpProbe, ProcessPlatform, Service, TcpProbe
from platforms.platform import ProbeResult
from platforms.probes import Probes
from platforms.probing.heartbeat import Heartbeats

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*pieces: bytes, pause_s: float = 0.0, keep_open: bool = False) -> Handler:
    """A server that sends the pieces to whoever asks."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause_s)
        if keep_open:
            await reader.read()
        writer.close()

    return handler


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """Ends with its conversations: one that outlived the loop would be found as garbage, by whichever test comes next."""
    others = asyncio.all_tasks()
    server = await asyncio.start_server(closing(handler), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        while left := asyncio.all_tasks() - others:
            for conversation in left:
                conversation.cancel()
            await asyncio.wait(left)


def closing(handler: Handler) -> Handler:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
            await writer.wait_closed()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked did not wait
        finally:
            writer.transport.abort()

    return conversation


def service(cwd: Path | str = ".", env: dict[str, str] | None = None) -> Service:
    platform = ProcessPlatform(command=("true",), cwd=str(cwd), env=env or {})
    return Service(name="shop", platform=platform)


async def http(port: int, timeout_s: float = 2.0, host: str = "127.0.0.1") -> ProbeResult:
    return await Probes().probe(service(), HttpProbe(url=f"http://{host}:{port}/health", timeout_s=timeout_s))


@pytest.mark.parametrize("status", [b"200 OK", b"204 No Content", b"302 Found"])
async def test_an_answer_of_2xx_or_3xx_is_well(status: bytes) -> None:
    async with serving(
        says(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n", keep_open=True)
    ) as port:
        result = await http(port)
    assert (result.ok, result.symptom, result.body) == (True, "", "")
    assert 0 < result.latency_s < 1


async def test_a_bad_status_comes_with_the_end_of_its_body() -> None:
    body = b"x" * 5000 + b"KeyError: 'price'"
    head = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with serving(says(head, body, keep_open=True)) as port:
        result = await http(port)
    assert (result.ok, result.symptom, result.status) == (False, "bad_status", 500)
    assert result.body.endswith("KeyError: 'price'")
    assert len(result.body) == 2048
    assert "500" in result.reason


async def test_a_body_in_chunks_is_put_together() -> None:
    pieces = (
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno da",
        b"\r\n6;x=y\r\ntabase\r",
        b"\n0\r\n\r\n",
    )
    async with serving(says(*pieces, pause_s=0.01, keep_open=True)) as port:
        result = await http(port)
    assert result.body == "no database"


async def test_an_interim_answer_is_not_the_answer() -> None:
    async with serving(says(b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\nbad")) as port:
        result = await http(port)
    assert (result.status, result.body) == (500, "bad")


async def test_silence_is_a_timeout() -> None:
    async with serving(says(keep_open=True)) as port:
        result = await http(port, timeout_s=0.1)
    assert (result.ok, result.symptom) == (False, "timeout")
    assert result.latency_s < 0.3


async def test_the_deadline_is_over_everything_so_that_a_trickle_is_a_timeout() -> None:
    trickle = says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 99, pause_s=0.05)
    async with serving(trickle) as port:
        result = await http(port, timeout_s=0.2)
    assert (result.symptom, result.latency_s < 0.4) == ("timeout", True)


async def test_a_port_where_nobody_listens_is_refused() -> None:
    async with serving(says()) as port:
        pass
    for host in ("127.0.0.1", "localhost"):
        result = await http(port, host=host)
        assert (result.ok, result.symptom) == (False, "refused")


async def test_the_name_localhost_finds_a_server() -> None:
    async with serving(says(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        assert (await http(port, host="localhost")).ok


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b""]
)
async def test_what_is_no_whole_answer_is_an_error(answer: bytes) -> None:
    async with serving(says(answer)) as port:
        result = await http(port)
    assert (result.ok, result.symptom) == (False, "error")


async def test_an_endless_body_is_read_up_to_a_bound() -> None:
    async with serving(says(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 100_000] * 20, keep_open=True)) as port:
        assert (await http(port)).ok


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning", "error::ResourceWarning")
async def test_a_probe_leaves_no_descriptor_behind() -> None:
    async with serving(says(b"HTTP/1.1 200 OK\r\n\r\n", keep_open=True)) as port:
        await http(port, timeout_s=0.05)
        await asyncio.sleep(0.05)
        before = psutil.Process().num_fds()
        for _ in range(20):
            await http(port, timeout_s=0.02)
        await asyncio.sleep(0.05)
        assert psutil.Process().num_fds() <= before


async def test_an_address_over_https_is_asked_too() -> None:
    async with serving(says(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        result = await Probes().probe(service(), HttpProbe(url=f"https://127.0.0.1:{port}/", timeout_s=0.3))
    assert result.symptom in ("error", "timeout")  # it speaks no TLS


async def test_a_tcp_probe_is_well_when_somebody_accepts() -> None:
    async with serving(says()) as port:
        probe = TcpProbe(url=f"tcp://127.0.0.1:{port}", timeout_s=1)
        assert (await Probes().probe(service(), probe)).ok
    assert (await Probes().probe(service(), probe)).symptom == "refused"


async def test_an_exec_probe_runs_in_the_folder_and_environment_of_its_service(tmp_path: Path) -> None:
    asked = service(tmp_path, {"COLOUR": "blue"})
    (tmp_path / "here").touch()
    well = ExecProbe(command=("sh", "-c", "test -e here && test $COLOUR = blue"), timeout_s=5)
    assert (await Probes().probe(asked, well)).ok


async def test_an_exec_probe_that_fails_says_how_and_what_it_printed() -> None:
    probe = ExecProbe(command=("sh", "-c", "echo queue is stuck >&2; exit 4"), timeout_s=5)
    result = await Probes().probe(service(), probe)
    assert (result.ok, result.symptom, result.body) == (False, "bad_status", "queue is stuck\n")
    assert "exit code 4" in result.reason


async def test_an_exec_probe_is_killed_at_its_deadline_with_all_that_it_started(tmp_path: Path) -> None:
    probe = ExecProbe(command=("sh", "-c", "echo begun; sleep 987 & echo $! > pid; wait"), timeout_s=0.3)
    result = await Probes().probe(service(tmp_path), probe)
    assert (result.symptom, result.body) == ("timeout", "begun\n")
    await ended(int((tmp_path / "pid").read_text()))


async def test_what_an_exec_probe_leaves_behind_is_killed(tmp_path: Path) -> None:
    probe = ExecProbe(command=("sh", "-c", "sleep 987 & echo $! > pid"), timeout_s=5)
    assert (await Probes().probe(service(tmp_path), probe)).ok
    await ended(int((tmp_path / "pid").read_text()))


async def ended(inner: int) -> None:
    for _ in range(100):
        if not psutil.pid_exists(inner) or psutil.Process(inner).status() == psutil.STATUS_ZOMBIE:
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the command's own child lives on")


async def test_an_exec_probe_that_does_not_exist_is_an_error() -> None:
    result = await Probes().probe(service(), ExecProbe(command=("no-such-thing",), timeout_s=1))
    assert (result.symptom, result.reason) == ("error", "the command no-such-thing is not on the PATH")


async def test_a_heartbeat_is_well_while_it_is_young(tmp_path: Path) -> None:
    probe = HeartbeatProbe(path="beat", max_age_s=30, timeout_s=1)
    probes = Probes()
    assert (await probes.probe(service(tmp_path), probe)).symptom == "stale_heartbeat"
    (tmp_path / "beat").touch()
    assert (await probes.probe(service(tmp_path), probe)).ok
    old = time.time() - 31
    os.utime(tmp_path / "beat", (old, old))
    assert (await Probes().probe(service(tmp_path), probe)).symptom == "stale_heartbeat"


def test_a_jump_of_the_wall_clock_ages_no_heartbeat(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    beat.touch()
    jump_s = 0.0
    heartbeats = Heartbeats(wall=lambda: beat.stat().st_mtime + 2 + jump_s)
    assert heartbeats.age_s(beat, now=100.0) == pytest.approx(2)
    jump_s = 3600.0
    assert heartbeats.age_s(beat, now=105.0) == pytest.approx(7)
    os.utime(beat)
    assert heartbeats.age_s(beat, now=106.0) <= 1
