"""Reads the configuration file; everything that is wrong with it is told at once."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from config.model import Config, HttpPlatform, HttpProbe, Maintenance, Metrics, Platform, Probe, Service, Stop
from config.on_render import Render, RenderPlatform
from config.problems import ConfigError, Problem
from config.reading import decode, oddities
from config.rules import (
    cache_problems,
    database_problems,
    dependency_problems,
    file_problems,
    maintenance_problems,
    name_problems,
    part_problems,
    signal_name,
    zone_problems,
)
from config.settings import probe_interval_s
from config.typewalk import differences

_LONGEST_DEFAULT_TIMEOUT_S = 5.0
_PARTS: dict[str, Any] = {"platform": Platform, "probe": Probe, "metrics": Metrics, "stop": Stop}


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration with its defaults filled in, or ConfigError with all its problems."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    return parse(data, str(path), environ)


def parse(data: bytes, source: str, environ: Mapping[str, str]) -> Config:
    """As `load`, for bytes that came from `source`."""
    lines: list[str] = []
    try:
        interval_s = probe_interval_s(environ)
    except ConfigError as error:
        interval_s = math.inf  # so that no probe is blamed for it
        lines += error.problems
    raw = decode(data, source)
    problems = [*oddities(raw), *differences(raw, Config)]
    if isinstance(raw, dict) and isinstance(raw.get("services"), list):
        problems += list(_service_problems(raw["services"], problems, interval_s))
    if isinstance(raw, dict) and not any(problem.path.startswith("$.maintenance") for problem in problems):
        problems += _maintenance(raw.get("maintenance"), "$.maintenance")
    if isinstance(raw, dict) and not any(problem.path.startswith("$.notify") for problem in problems):
        problems += zone_problems(raw.get("notify") or {}, "$.notify")
    lines += dict.fromkeys(problem.line(source) for problem in sorted(problems, key=_place))
    if lines:
        raise ConfigError(lines)
    config: Config = _convert(raw, Config, source)
    own_id = environ.get("RENDER_SERVICE_ID", "")
    services = (of_render(_complete(s, interval_s), config.render, own_id) for s in config.services)
    return structs.replace(config, services=tuple(services))


def _service_problems(declared: list[Any], known: list[Problem], interval_s: float) -> Iterator[Problem]:
    """What is wrong with services beyond types; each part whose types are right is looked at by itself."""
    wrong = [problem.path for problem in known]
    services = {position: raw for position, raw in enumerate(declared) if isinstance(raw, dict)}
    for position, raw in services.items():
        where = f"$.services[{position}]"
        right = {
            key: raw[key] for key in raw if not any(place.startswith(f"{where}.{key}") for place in wrong)
        }
        for key, part_type in _PARTS.items():
            if right.get(key) is not None:
                part = _convert(right[key], part_type, f"{where}.{key}")
                yield from part_problems(part, f"{where}.{key}", interval_s)
        if "platform" in right:
            cwd = right["platform"].get("cwd", ".")
            yield from cache_problems(right.get("caches", ()), cwd, f"{where}.caches")
        yield from database_problems(right, where)
        yield from _maintenance(right.get("maintenance"), f"{where}.maintenance")
        yield from file_problems([file["path"] for file in right.get("files", ())], f"{where}.files")
    names = {position: raw["name"] for position, raw in services.items() if isinstance(raw.get("name"), str)}
    yield from name_problems(names)
    yield from dependency_problems(
        names, {place: _texts(services[place].get("depends_on")) for place in names}
    )


def _maintenance(raw: Any, path: str) -> list[Problem]:
    return list(maintenance_problems(_convert(raw or (), tuple[Maintenance, ...], path), path))


def _convert(raw: Any, wanted: Any, where: str) -> Any:
    try:
        return msgspec.convert(raw, wanted)
    except msgspec.ValidationError as error:  # a kind of type that the walk does not know yet
        raise ConfigError([f"{where}: {error}"]) from error


def _place(problem: Problem) -> int:
    """The service that a problem is about, so that its lines stand together."""
    found = re.match(r"\$\.services\[(\d+)\]", problem.path)
    return int(found[1]) if found else -1


def _texts(raw: Any) -> list[str]:
    return [item for item in raw if isinstance(item, str)] if isinstance(raw, list) else []


def _complete(service: Service, interval_s: float) -> Service:
    """Fill in what depends on the environment, and write signals in one way."""
    stop = structs.replace(service.stop, signal=signal_name(service.stop.signal))
    probe = service.probe or _default_probe(service)
    if probe:
        interval_s = probe.interval_s or interval_s
        timeout_s = probe.timeout_s or min(interval_s, _LONGEST_DEFAULT_TIMEOUT_S)
        probe = structs.replace(probe, interval_s=interval_s, timeout_s=timeout_s)
    return structs.replace(service, stop=stop, probe=probe)


def of_render(service: Service, render: Render, own_id: str) -> Service:
    """With the actions that are allowed at most; none on the service that we are ourselves."""
    platform = service.platform
    if not isinstance(platform, RenderPlatform):
        return service
    wanted = render.actions if platform.actions is None else platform.actions
    actions = tuple(action for action in wanted if action in render.actions)
    itself = bool(own_id) and platform.id == own_id
    return structs.replace(service, platform=structs.replace(platform, actions=() if itself else actions))


def _default_probe(service: Service) -> Probe | None:
    """What is only watched is watched at its address."""
    platform = service.platform
    return HttpProbe(url=platform.url) if isinstance(platform, HttpPlatform) else None
