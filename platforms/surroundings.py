"""What can be seen of a service in passing: its release link, the tails of its logs, how its process ended."""

import os
from pathlib import Path
from signal import Signals

from config.model import Service

_LOG_TAIL_BYTES = 2048
_SIGNALS = {int(number): number.name for number in Signals}


def resolve(service: Service, path: str) -> Path:
    """A declared path, seen from the service's working directory."""
    return Path(service.platform.cwd) / path


def current_release(service: Service) -> str:
    """The name of the version folder that the release link points to; empty where there is none, or none at this instant."""
    if service.release is None:
        return ""
    try:
        return resolve(service, service.release.current).readlink().name
    except OSError:
        return ""


def tail_text(text: str, limit_bytes: int) -> str:
    """The end of a text, at most so many bytes of UTF-8."""
    return text.encode(errors="replace")[-limit_bytes:].decode(errors="ignore") if limit_bytes > 0 else ""


class LogTails:
    """The ends of the declared logs, as far as they were written in the present life of the service."""

    def __init__(self) -> None:
        self._began: dict[tuple[str, str], int] = {}  # size of the log when the life began

    def begin(self, service: Service) -> None:
        for log in service.logs:
            self._began[service.name, log] = _size(resolve(service, log))

    def read(self, service: Service) -> str:
        return tail_text("\n".join(filter(None, (self._tail(service, log) for log in service.logs))), 2048)

    def _tail(self, service: Service, log: str) -> str:
        try:
            with resolve(service, log).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                began = self._began.get((service.name, log), 0)
                began = began if began <= size else 0  # it was truncated or rotated since
                file.seek(max(began, size - _LOG_TAIL_BYTES))
                return file.read(_LOG_TAIL_BYTES).decode(errors="replace").strip()
        except OSError:
            return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def evidence(*parts: str, limit_bytes: int = 4096) -> str:
    r"""What was seen, in one text; of parts that are too long the ends are kept, in fair shares.

    >>> evidence("body", "", "x" * 20, limit_bytes=13)
    'body\nxxxxxxxx'
    """
    left = sorted((part for part in parts if part), key=len)
    kept: dict[str, str] = {}
    for n, part in enumerate(left):
        kept[part] = tail_text(part, limit_bytes // (len(left) - n) - 1 if n < len(left) - 1 else limit_bytes)
        limit_bytes -= len(kept[part].encode()) + 1
    return "\n".join(kept[part] for part in parts if part)


def how_it_ended(exit_code: int | None, signal: int | None) -> str:
    """
    >>> how_it_ended(None, 9), how_it_ended(3, None), how_it_ended(None, None)
    ('was killed by SIGKILL', 'exited with code 3', 'ended; only its parent could have known how')
    """
    if signal is not None:
        return f"was killed by {_SIGNALS.get(signal, f'signal {signal}')}"
    if exit_code is not None:
        return f"exited with code {exit_code}"
    return "ended; only its parent could have known how"
