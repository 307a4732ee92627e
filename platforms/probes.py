"""Asks services whether they are well: over HTTP, TCP, by a command, by the age of a file."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from config.model import ExecProbe, HeartbeatProbe, HttpProbe, PostgresProbe, Probe, Service, TcpProbe
from platforms.platform import PlatformError, ProbeResult
from platforms.probing.exec import run
from platforms.probing.heartbeat import Heartbeats
from platforms.probing.http_get import connect, get, is_our_own_fault, target
from platforms.processes.mark import public_environment
from platforms.processes.table import ProcessTable, process_table

_BODY_READ = 65_536
_BODY_KEPT = 2048


class _Verdict(Struct, frozen=True):
    symptom: str = ""  # empty: it is well
    reason: str = ""
    status: int | None = None
    body: str = ""


class Probes:
    """Implements `Prober`. Raises PlatformError only for troubles of our own, of which no service is to blame."""

    def __init__(self, table: ProcessTable | None = None, heartbeats: Heartbeats | None = None) -> None:
        self._table = table or process_table()
        self._heartbeats = heartbeats or Heartbeats()

    async def probe(self, service: Service, probe: Probe) -> ProbeResult:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        verdict = await self._ask(service, probe)
        return ProbeResult(
            ok=not verdict.symptom,
            latency_s=loop.time() - began_at,
            symptom=verdict.symptom,
            reason=verdict.reason,
            status=verdict.status,
            body=verdict.body,
        )

    async def _ask(self, service: Service, probe: Probe) -> _Verdict:
        match probe:
            case HttpProbe():
                return await _over_network(probe.url, probe.timeout_s, lambda: _http(probe.url))
            case TcpProbe():
                return await _over_network(probe.url, probe.timeout_s, lambda: _tcp(probe.url))
            case ExecProbe():
                return await self._exec(service, probe)
            case HeartbeatProbe():
                return self._heartbeat(service, probe)
            case PostgresProbe():
                from platforms.postgres.probe import ask

                return _Verdict(*await ask(service, probe, os.environ))

    async def _exec(self, service: Service, probe: ExecProbe) -> _Verdict:
        cwd = Path(service.platform.cwd)
        environment = public_environment(os.environ, service.platform.env)
        try:
            ended = await run(self._table, probe.command, cwd, environment, probe.timeout_s, _BODY_KEPT)
        except PlatformError as error:
            return _Verdict("error", str(error))
        if ended.exit_code == 0:
            return _Verdict()
        if ended.exit_code is None and ended.signal is None:
            reason = f"{probe.command[0]} did not end within {probe.timeout_s:g} s"
            return _Verdict("timeout", reason, body=ended.output)
        how = f"exit code {ended.exit_code}" if ended.signal is None else f"signal {ended.signal}"
        return _Verdict("bad_status", f"{probe.command[0]} ended with {how}", body=ended.output)

    def _heartbeat(self, service: Service, probe: HeartbeatProbe) -> _Verdict:
        path = Path(service.platform.cwd) / probe.path
        try:
            age_s = self._heartbeats.age_s(path, asyncio.get_running_loop().time())
        except FileNotFoundError:
            return _Verdict("stale_heartbeat", f"there is no {probe.path}")
        except OSError as error:
            return _Verdict("error", f"{probe.path} cannot be looked at: {error.strerror}")
        if age_s <= probe.max_age_s:
            return _Verdict()
        reason = f"{probe.path} was last touched {age_s:.0f} s ago, more than {probe.max_age_s:g} s"
        return _Verdict("stale_heartbeat", reason)


async def _over_network(url: str, timeout_s: float, ask: Callable[[], Awaitable[_Verdict]]) -> _Verdict:
    """One deadline over everything, and a symptom for every way to fail."""
    try:
        async with asyncio.timeout(timeout_s):
            return await ask()
    except TimeoutError:
        return _Verdict("timeout", f"no answer from {url} within {timeout_s:g} s")
    except ConnectionRefusedError:
        return _Verdict("refused", f"nobody listens at {url}")
    except OSError as error:
        if is_our_own_fault(error):
            raise PlatformError(f"cannot ask {url} for want of our own: {error.strerror}") from error
        if error.errno == errno.ETIMEDOUT:
            return _Verdict("timeout", f"{url} cannot be reached in time")
        return _Verdict("error", f"{url}: {error.strerror or error}")
    except ValueError as error:
        return _Verdict("error", f"{url}: {error}")


async def _http(url: str) -> _Verdict:
    answer = await get(target(url, "*/*"), _BODY_READ)
    if 200 <= answer.status < 400:
        return _Verdict()
    body = answer.body[-_BODY_KEPT:].decode(errors="ignore")
    return _Verdict("bad_status", f"{url} answered {answer.status}", answer.status, body)


async def _tcp(url: str) -> _Verdict:
    parts = urlsplit(url)
    if parts.scheme != "tcp" or not parts.hostname or not parts.port:
        raise ValueError("this is no address of the form tcp://HOST:PORT")
    connection = await connect(parts.hostname, parts.port)
    connection.close()
    return _Verdict()
