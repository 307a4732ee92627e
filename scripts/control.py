"""The local command line's way to the daemon: a socket that only its owner can open, named in the state folder.

One JSON line each way: {"command": NAME, "args": {...}} and {"ok": true, "data": ...} or {"ok": false, "error": ...}.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from utils.structured_logger import get_logger

log = get_logger("control")
Handler = Callable[..., Awaitable[Any]]
LINE_LIMIT = 1 << 20
SOCKET_PATH_LIMIT = 100  # a socket's path may have 107 bytes
NAME_FILE = "control"


class ControlError(Exception):
    """The daemon could not be reached, or it refused; the message says why."""


class CannotError(Exception):
    """A handler refuses; the message goes to the person who asked."""


def socket_path(state_dir: Path) -> Path:
    """In the state folder, or in the temporary folder where that path would be too long for a socket."""
    path = state_dir.resolve() / "control.sock"
    if len(str(path).encode()) <= SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"nightwarden-{os.getuid()}-{name}.sock"


class ControlServer:
    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self._state_dir = state_dir
        self._handlers = handlers

    async def run(self) -> None:
        """Answer until cancelled."""
        path = socket_path(self._state_dir)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._serve, path, limit=LINE_LIMIT)
        finally:
            os.umask(before)
        (self._state_dir / NAME_FILE).write_text(f"{path}\n")
        try:
            async with server:
                await server.serve_forever()
        finally:
            path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(line, type=dict[str, Any])
            handler = self._handlers.get(str(asked.get("command")))
            if handler is None:
                return {"ok": False, "error": f"unknown command {asked.get('command')!r}"}
            return {"ok": True, "data": await handler(**asked.get("args", {}))}
        except CannotError as error:
            return {"ok": False, "error": str(error)}
        except (msgspec.DecodeError, TypeError) as error:
            return {"ok": False, "error": f"not understood: {error}"}
        except Exception as error:
            log.exception("command_failed")
            return {"ok": False, "error": f"the daemon failed on this command: {error!r}"}


def ask(state_dir: Path, command: str, timeout_s: float = 30.0, **args: Any) -> Any:
    """One command to the daemon of this state folder. Raises ControlError."""
    try:
        path = (state_dir / NAME_FILE).read_text().strip()
    except OSError:
        raise ControlError(
            f"no daemon has used the state folder {state_dir}; start one with: nightwarden run, or name another folder with --state"
        ) from None
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(path)
            client.sendall(msgspec.json.encode({"command": command, "args": args}) + b"\n")
            with client.makefile("rb") as answers:
                line = answers.readline()
        except TimeoutError:
            raise ControlError(f"the daemon did not answer within {timeout_s:g} s") from None
        except OSError:
            raise ControlError(
                f"no daemon runs on the state folder {state_dir}; start one with: nightwarden run, or name another folder with --state"
            ) from None
    answer = msgspec.json.decode(line, type=dict[str, Any]) if line else {"error": "the daemon hung up"}
    if not answer.get("ok"):
        raise ControlError(str(answer.get("error")))
    return answer["data"]
