"""What a valid configuration leaves unsaid, and whether this machine lets the daemon start."""

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from config.child_path import child_path
from config.model import Config, ProcessPlatform, Service
from config.on_render import RenderPlatform

_UNSAID = (
    ("probe", "only exits are seen: a hang, a frozen process or failing answers are not"),
    ("metrics", "trends are judged on the process's own figures alone"),
    ("release", "a bad release is neither seen nor undone"),
    ("files", "damage to its state is neither seen nor repaired"),
)


def warnings(config: Config, source: str) -> list[str]:
    """One line for each thing that cannot be diagnosed for lack of a declaration."""
    if not config.services:
        return [
            f"{source}: $.services: no service is declared; nothing will be watched but what RENDER_MODE=true finds"
        ]
    lines: list[str] = []
    for position, service in enumerate(config.services):
        found = [*_unsaid(service), *_missing_on_disk(service), *_missing_key(service)]
        lines += [f"{source}: $.services[{position}].{key}: {service.name}: {text}" for key, text in found]
    return lines


def _unsaid(service: Service) -> Iterator[tuple[str, str]]:
    if service.is_model:
        return
    for key, consequence in _UNSAID:
        if not getattr(service, key):
            yield key, f"not declared, so {consequence}"
    if not service.is_child:
        return
    if service.limits.memory_mib is None:
        yield "limits.memory_mib", "not declared, so a memory leak is not announced before it hurts"
    if service.limits.open_files is None:
        yield "limits.open_files", "not declared, so a leak of descriptors is not announced before it hurts"
    if service.release and service.release.keep < 2:
        yield "release.keep", "keeps no earlier release, so there is nothing to go back to"
    if service.restart == "never":
        yield "restart", '"never", so an exit is told and not healed'


def _missing_on_disk(service: Service) -> Iterator[tuple[str, str]]:
    """No errors: a folder may be mounted, and a release laid out, after the daemon starts."""
    if not isinstance(service.platform, ProcessPlatform):
        return
    cwd = Path(service.platform.cwd)
    program = service.platform.command[0]
    if not cwd.is_dir():
        yield "platform.cwd", f"no such folder now: {cwd.absolute()}"
    elif os.sep in program and not os.access(cwd / program, os.X_OK):
        yield "platform.command[0]", f"no such program now: {cwd / program}"
    elif os.sep not in program and not shutil.which(
        program, path=service.platform.env.get("PATH", child_path(os.environ))
    ):
        yield "platform.command[0]", f"no such program on PATH now: {program}"


def _missing_key(service: Service) -> Iterator[tuple[str, str]]:
    if isinstance(service.platform, RenderPlatform) and not os.environ.get("RENDER_API_KEY"):
        yield (
            "platform",
            "runs on Render, and RENDER_API_KEY is not set here: only its own probe is seen, and nothing is done",
        )


def listen_problem(listen: str) -> str:
    """Why the daemon cannot serve its own page on HOST:PORT; empty if it can. Never asked about services' ports."""
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        return f"--listen {listen}: must be HOST:PORT with a port up to 65535"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does after a restart
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        return f"--listen {listen}: {reason}; choose another one or stop what uses it"
    return ""


def state_problem(folder: Path) -> str:
    """Why the state folder cannot be used; empty if a file can be written there. Makes the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable.") as trial:
            trial.write(b"x")
            trial.flush()
    except OSError as error:
        return f"--state {folder}: cannot be written: {error.strerror or error}"
    return ""
