"""Reads the configuration file; everything that is wrong with it is told at once."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from config.model import Config, Platform, Probe, PrometheusMetrics, Service, Stop
from config.problems import ConfigError, Problem, member, shown
from config.rules import dependency_problems, name_problems, part_problems, signal_name
from config.settings import probe_interval_s
from config.typewalk import differences

_LONGEST_DEFAULT_TIMEOUT_S = 5.0
_PARTS: dict[str, Any] = {"platform": Platform, "probe": Probe, "metrics": PrometheusMetrics, "stop": Stop}


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
    raw = _decode(data, source)
    problems = [*_repeated_keys(raw, "$"), *differences(raw, Config)]
    if isinstance(raw, dict) and isinstance(raw.get("services"), list):
        problems += list(_service_problems(raw["services"], problems, interval_s))
    lines += dict.fromkeys(problem.line(source) for problem in sorted(problems, key=_place))
    if lines:
        raise ConfigError(lines)
    config: Config = _convert(raw, Config, source)
    return structs.replace(config, services=tuple(_complete(s, interval_s) for s in config.services))


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys stood there more than once."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        found.repeated = tuple(key for key in found if keys.count(key) > 1)
    return found


def _decode(data: bytes, source: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise ConfigError([f"{source}: not UTF-8 text at byte {error.start}"]) from error
    except json.JSONDecodeError as error:
        raise ConfigError([f"{source}:{error.lineno}:{error.colno}: not JSON: {error.msg}"]) from error
    except RecursionError as error:
        raise ConfigError([f"{source}: nested too deeply"]) from error


def _repeated_keys(raw: Any, path: str) -> Iterator[Problem]:
    if isinstance(raw, _Object):
        for key in raw.repeated:
            yield Problem(member(path, key), f"the key {shown(key)} stands here more than once")
    items = [(member(path, key), item) for key, item in raw.items()] if isinstance(raw, dict) else []
    items += [(f"{path}[{place}]", item) for place, item in enumerate(raw)] if isinstance(raw, list) else []
    for inner, item in items:
        yield from _repeated_keys(item, inner)


def _service_problems(declared: list[Any], known: list[Problem], interval_s: float) -> Iterator[Problem]:
    """What is wrong with services beyond types; each part whose types are right is looked at by itself."""
    wrong = [problem.path for problem in known]
    services = {position: raw for position, raw in enumerate(declared) if isinstance(raw, dict)}
    for position, raw in services.items():
        for key, part_type in _PARTS.items():
            path = f"$.services[{position}].{key}"
            if raw.get(key) is not None and not any(place.startswith(path) for place in wrong):
                yield from part_problems(_convert(raw[key], part_type, path), path, interval_s)
    names = {position: raw["name"] for position, raw in services.items() if isinstance(raw.get("name"), str)}
    yield from name_problems(names)
    yield from dependency_problems(
        names, {place: _texts(services[place].get("depends_on")) for place in names}
    )


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
    probe = service.probe
    if probe:
        interval_s = probe.interval_s or interval_s
        timeout_s = probe.timeout_s or min(interval_s, _LONGEST_DEFAULT_TIMEOUT_S)
        probe = structs.replace(probe, interval_s=interval_s, timeout_s=timeout_s)
    return structs.replace(service, stop=stop, probe=probe)
