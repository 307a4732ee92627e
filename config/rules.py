"""What types cannot say about a service: times that fit together, addresses, signals, names that are unique."""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.graph import cycles
from config.model import (
    ExecPlatform,
    ExecProbe,
    HeartbeatProbe,
    HttpPlatform,
    HttpProbe,
    PostgresProbe,
    Probe,
    ProcessPlatform,
    PrometheusMetrics,
    PromqlMetrics,
    Stop,
    TcpProbe,
)
from config.problems import Problem, member, nearest, shown

_SIGNALS = {item.name.removeprefix("SIG") for item in signal.Signals}


def signal_name(text: str) -> str:
    """The short form in capitals.

    >>> signal_name("sigterm")
    'TERM'
    """
    return text.upper().removeprefix("SIG")


def part_problems(part: Any, path: str, interval_s: float) -> Iterator[Problem]:
    """What is wrong inside one part of a service (its platform, probe, ...) whose types are right."""
    if isinstance(part, HttpProbe | TcpProbe | ExecProbe | HeartbeatProbe | PostgresProbe):
        yield from _probe_problems(part, path, part.interval_s or interval_s)
    if isinstance(part, HttpProbe | HttpPlatform | PrometheusMetrics | PromqlMetrics) and (
        reason := url_problem(part.url, ("http", "https"))
    ):
        yield Problem(f"{path}.url", reason)
    if isinstance(part, Stop) and signal_name(part.signal) not in _SIGNALS:
        hint = nearest(signal_name(part.signal), _SIGNALS)
        yield Problem(f"{path}.signal", f"no such signal: {shown(part.signal)}{hint}")
    if isinstance(part, ProcessPlatform | ExecProbe) and not part.command[0]:
        yield Problem(f"{path}.command[0]", "must not be empty")
    if isinstance(part, PromqlMetrics) and not part.queries:
        yield Problem(f"{path}.queries", 'needs at least one, as in {"latency_p95_s": "..."}')
    if isinstance(part, ExecPlatform):
        yield from _exec_problems(part, path)
    if isinstance(part, ProcessPlatform | ExecPlatform):
        for key in part.env:
            if not key or "=" in key:
                yield Problem(member(f"{path}.env", key), "not usable as an environment variable")


def database_problems(raw: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """A probe of a database that is not declared."""
    probe = raw.get("probe")
    if isinstance(probe, dict) and probe.get("type") == "postgres" and not raw.get("database"):
        yield Problem(f"{path}.probe", 'asks a database, but none is declared; add "database"')


def zone_problems(part: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """A time zone that this machine does not know."""
    try:
        ZoneInfo(part.get("timezone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        text = f'no such time zone here: {shown(part["timezone"])}; as in "Europe/Berlin"'
        yield Problem(f"{path}.timezone", text)


def maintenance_problems(windows: Sequence[Any], path: str) -> Iterator[Problem]:
    """Time zones that this machine does not know, and windows without any time."""
    for place, window in enumerate(windows):
        yield from zone_problems({"timezone": window.timezone}, f"{path}[{place}]")
        if window.start == window.end:
            yield Problem(f"{path}[{place}].end", f"the same as start ({window.start}): a window of no time")
        if not window.days:
            yield Problem(f"{path}[{place}].days", "must not be empty: on no day it is never open")


def _exec_problems(platform: ExecPlatform, path: str) -> Iterator[Problem]:
    named = ("start", "stop", "restart", "status", "identity", "output")
    declared = {name: command for name in named if (command := getattr(platform, name)) is not None}
    for name, command in declared.items():
        if not command[0]:
            yield Problem(f"{path}.{name}[0]", "must not be empty")
    if not declared.keys() & {"start", "stop", "restart", "status"}:
        why = (
            'declares no command to start, stop, restart or look at it; to watch it only, use "type": "http"'
        )
        yield Problem(path, why)
    if "identity" in declared and "status" not in declared:
        yield Problem(f"{path}.identity", "is asked after status, which is not declared")


def _probe_problems(probe: Probe, path: str, interval_s: float) -> Iterator[Problem]:
    if probe.timeout_s > interval_s:
        yield Problem(
            f"{path}.timeout_s",
            f"longer than interval_s ({probe.timeout_s:g} > {interval_s:g}); make it at most {interval_s:g}",
        )
    if isinstance(probe, TcpProbe) and (reason := url_problem(probe.url, ("tcp",), needs_port=True)):
        yield Problem(f"{path}.url", reason)


def cache_problems(caches: Sequence[str], cwd: str, path: str) -> Iterator[Problem]:
    """Only what lies inside `cwd` may be emptied, as the act itself holds again."""
    root = Path(cwd).resolve()
    for place, cache in enumerate(caches):
        folder = Path(os.path.normpath(root / cache))
        if folder == root or not folder.is_relative_to(root):
            yield Problem(f"{path}[{place}]", f"must be a folder inside of {root}, not {shown(cache)}")


def file_problems(files: Sequence[str], path: str) -> Iterator[Problem]:
    """One file has one check and one row of backups."""
    for place, file in enumerate(files):
        if file in files[:place]:
            yield Problem(f"{path}[{place}].path", f"{shown(file)} is listed twice")


def url_problem(url: str, schemes: Sequence[str], *, needs_port: bool = False) -> str:
    """Why this is no address that we can call; empty if it is one.

    >>> url_problem("localhost:80", ("http", "https"))
    'must start with http:// or https://, not "localhost:80"'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"not a usable URL: {shown(url)} ({error})"
    if parts.scheme not in schemes or not url.startswith(f"{parts.scheme}://"):
        return f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}, not {shown(url)}"
    if not parts.hostname or any(character.isspace() for character in url):
        return f"not a usable URL: {shown(url)} (no host, or a space in it)"
    if port == 0 or (needs_port and port is None):
        return f"needs a port from 1 to 65535: {shown(url)}"
    return ""


def name_problems(names: Mapping[int, str]) -> Iterator[Problem]:
    """Two services with one name, by position in the list. Case does not tell them apart, as in some file systems."""
    first: dict[str, int] = {}
    for position, name in names.items():
        earlier = first.setdefault(name.casefold(), position)
        if earlier != position:
            but = "" if names[earlier] == name else ", but for case"
            where = f"$.services[{position}].name"
            yield Problem(where, f"duplicate name {shown(name)}: $.services[{earlier}] has it too{but}")


def dependency_problems(names: Mapping[int, str], needs: Mapping[int, Sequence[str]]) -> Iterator[Problem]:
    """Dependencies that do not exist, are listed twice, or run in a circle."""
    known = set(names.values())
    for position, wanted in needs.items():
        for place, name in enumerate(wanted):
            path = f"$.services[{position}].depends_on[{place}]"
            if name not in known:
                yield Problem(
                    path, f"unknown dependency {shown(name)}: no service has this name{nearest(name, known)}"
                )
            elif Counter(wanted[: place + 1])[name] == 2:
                yield Problem(path, f"{shown(name)} is listed twice")
    positions = {name: position for position, name in names.items()}
    edges = {name: needs.get(position, ()) for name, position in positions.items()}
    for cycle in cycles(edges):
        ring = " -> ".join([*cycle, cycle[0]])
        yield Problem(
            f"$.services[{positions[cycle[0]]}].depends_on",
            f"dependency cycle: {ring}; nothing in it could be started first",
        )
