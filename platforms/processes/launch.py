"""Starts a command as its own session, quickly however large the daemon is, with clear words when it cannot."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from platforms.platform import PlatformError

_PYTHONS = ("python", "python3")


def resolve(command: tuple[str, ...], cwd: Path, environment: Mapping[str, str]) -> list[str]:
    """The command with its program as an absolute path. Raises PlatformError with what is missing."""
    if not command or not command[0]:
        raise PlatformError("the command is empty")
    if not cwd.is_dir():
        raise PlatformError(f"the working directory {cwd} does not exist")
    name = command[0]
    if "/" in name:
        program = (cwd / name).absolute()
        if not program.exists():
            raise PlatformError(f"the command {name} does not exist in {cwd}")
        if program.is_dir() or not os.access(program, os.X_OK):
            raise PlatformError(f"the command {name} is not executable")
        return [str(program), *command[1:]]
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None and name in _PYTHONS:
        found = sys.executable
    if not found:
        raise PlatformError(f"the command {name} is not on the PATH")
    return [str(Path(found).absolute()), *command[1:]]


def launch(command: tuple[str, ...], cwd: Path, environment: Mapping[str, str], output: int) -> int:
    """Start a command with both outputs on the descriptor `output`; returns its pid, which the caller must reap."""
    return spawn(command[0], resolve(command, cwd, environment), cwd, environment, output)


def spawn(name: str, argv: list[str], cwd: Path, environment: Mapping[str, str], output: int) -> int:
    """As `launch`, of a resolved command. The daemon's memory is never copied: with these arguments Popen uses vfork."""
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise PlatformError(f"the command {name} cannot be started: {why}") from error
    process.returncode = 0  # Popen is done: it may neither reap nor warn
    return process.pid


def reap(pid: int) -> tuple[int | None, int | None]:
    """Exit code and signal of our own ended child; never waits and touches no other child."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None, None
    if not found:
        return None, None
    code = os.waitstatus_to_exitcode(status)
    return (None, -code) if code < 0 else (code, None)
