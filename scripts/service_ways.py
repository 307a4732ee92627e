"""The ways to bring a service back from outside: its process, its container, or Render."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from msgspec import Struct

from mlops.errors import BadInputError
from platforms.processes.mark import public_environment

MARK = "NIGHTWARDEN_INCARNATION"  # in the environment of what a daemon of ours runs
GRACE_S = 5.0
LOOK_S = 0.05
DOCKER_S = 120.0


class WayFailedError(Exception):
    """This attempt could not be made; the text is one line for people."""


class Way(Struct, frozen=True, kw_only=True):
    """What a restart needs to know. `command` and `cwd` serve where nothing runs that could tell."""

    method: str
    url: str
    command: tuple[str, ...]
    cwd: Path
    container: str = ""
    service_id: str = ""

    def restart(self) -> str:
        """Restart it; what was done, in one line. Raises WayFailedError, BadInputError."""
        if self.method == "docker":
            return _restart_container(self.container)
        if self.method == "render":
            return _restart_on_render(self.service_id, os.environ)
        return _restart_process(port_of(self.url), self.command, self.cwd)


def port_of(url: str) -> int:
    """The port of an address on this machine or elsewhere. Raises BadInputError."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as error:
        raise BadInputError(
            str(error), where=f"--service-url {url}", do="as in http://127.0.0.1:8000"
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadInputError(
            "not an http address", where=f"--service-url {url}", do="as in http://127.0.0.1:8000"
        )
    return port


# --- process ---


def listener(port: int) -> psutil.Process | None:
    """Who listens on the port of this machine; None: nobody whom we may see."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            listens = (c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN)
            if any(connection.laddr.port == port for connection in listens):
                return process
    return None


def _restart_process(port: int, command: Sequence[str], cwd: Path) -> str:
    process = listener(port)
    if process is None:
        return _start(command, cwd, public_environment(os.environ, {}))
    try:
        words, folder, environ = process.cmdline(), Path(process.cwd()), process.environ()
        how = _end(process)
    except psutil.Error as error:
        raise WayFailedError(f"the process on port {port} does not let us: {error}") from error
    if MARK in environ:  # a daemon of ours runs it, and starts it again
        return f"{how}; the daemon that runs it starts it again"
    return f"{how}; {_start(words, folder, environ)}"


def _end(process: psutil.Process) -> str:
    """A frozen process never gets a SIGTERM: who does not end in time is killed."""
    process.terminate()
    if _is_gone(process):
        return f"ended process {process.pid}"
    process.kill()
    if not _is_gone(process):
        raise WayFailedError(f"process {process.pid} does not die")
    return f"killed process {process.pid}, which did not end by itself"


def _is_gone(process: psutil.Process) -> bool:
    """Within the grace; one that its parent has not buried yet is gone, too."""
    ends_at = time.monotonic() + GRACE_S
    while time.monotonic() < ends_at:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(LOOK_S)
    return False


def _start(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> str:
    if not command:
        raise BadInputError("nothing listens there, and no command is known", do="give --command")
    log = cwd / "monitoring" / "service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("ab") as output:
            started = subprocess.Popen(
                command, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise WayFailedError(f"{command[0]} cannot be started: {error.strerror}") from error
    return f"started process {started.pid}: {' '.join(command)}"


# --- container, Render ---


def _restart_container(container: str) -> str:
    if not container:
        raise BadInputError("--method docker needs a container", do="give --container NAME")
    if shutil.which("docker") is None:
        raise BadInputError("docker is not installed here", do="use --method process")
    words = ["docker", "restart", container]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=DOCKER_S, check=False)
    except subprocess.TimeoutExpired:
        raise WayFailedError(f"docker did not restart {container} within {DOCKER_S:g} s") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise WayFailedError(f"docker restart {container}: {said or f'exit code {done.returncode}'}")
    return f"restarted container {container}"


def _restart_on_render(service: str, environ: Mapping[str, str]) -> str:
    from config.settings import load_settings
    from platforms.render.failures import RenderError
    from scripts.on_render import OnRender

    settings = load_settings(environ)
    if not settings.render_api_key:
        raise BadInputError("--method render needs a key", do="set RENDER_API_KEY")
    if not service:
        raise BadInputError("--method render needs a service", do="give --service-id srv-...")
    if service == environ.get("RENDER_SERVICE_ID"):
        raise BadInputError("that is the service that this script runs in", where=f"--service-id {service}")

    async def restart() -> None:
        render = OnRender(settings, environ)
        await render.api.restart(service)

    try:
        asyncio.run(restart())
    except RenderError as error:
        raise WayFailedError(str(error)) from error
    return f"restarted {service} on Render"
