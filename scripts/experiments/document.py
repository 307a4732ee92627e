"""An experiment as Chaos Toolkit writes it down, read and checked before anything runs."""

import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from scripts import chaos_toolkit
from scripts.experiments.tolerance import tolerance_problem
from utils.clock import rfc3339

EXTENSION = "scripts.chaos_toolkit"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_KNOWN = frozenset(
    {"version", "title", "description", "tags", "contributions", "configuration", "steady-state-hypothesis",
     "method", "rollbacks", "extensions", "runtime", "dry"}
)  # fmt: skip


class ExperimentError(Exception):
    """It cannot be run; one line for each reason."""


class Python(Struct, frozen=True, kw_only=True, tag="python", tag_field="type"):
    module: str
    func: str
    arguments: dict[str, Any] = {}


class Http(Struct, frozen=True, kw_only=True, tag="http", tag_field="type"):
    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    timeout: float | str | tuple[float, float] = 10.0
    expected_status: int | None = None
    arguments: Any = None  # sent as JSON, or as the query of a GET


class Process(Struct, frozen=True, kw_only=True, tag="process", tag_field="type"):
    path: str
    arguments: str | list[str] | dict[str, Any] = []
    timeout: float | str = 10.0


class Pauses(Struct, frozen=True):
    before: float | str = 0.0
    after: float | str = 0.0


class Activity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: Literal["probe", "action"]
    name: str
    provider: Python | Http | Process
    tolerance: Any = msgspec.UNSET
    pauses: Pauses = Pauses()
    background: bool = False


class Hypothesis(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    probes: tuple[Activity, ...] = ()


class Experiment(Struct, frozen=True, kw_only=True):
    title: str
    description: str
    method: tuple[Activity, ...]
    hypothesis: Hypothesis | None = field(name="steady-state-hypothesis", default=None)
    rollbacks: tuple[Activity, ...] = ()
    configuration: dict[str, Any] = {}

    def activities(self) -> Iterator[tuple[str, Activity]]:
        """Each with where it stands."""
        for place, activity in enumerate(self.hypothesis.probes if self.hypothesis else ()):
            yield f"$.steady-state-hypothesis.probes[{place}]", activity
        for place, activity in enumerate(self.method):
            yield f"$.method[{place}]", activity
        for place, activity in enumerate(self.rollbacks):
            yield f"$.rollbacks[{place}]", activity


def load(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Experiment, dict[str, Any]]:
    """The experiment, and its document as it stands. Raises ExperimentError with everything that is wrong."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ExperimentError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ExperimentError(f"{path}: this is no JSON: {error}") from error
    unknown = sorted(document.keys() - _KNOWN) if isinstance(document, dict) else []
    try:
        experiment = msgspec.convert(document, Experiment)
    except msgspec.ValidationError as error:
        raise ExperimentError(f"{path}: {error}") from error
    problems = [
        f"{path}: $.{key}: this cannot be run here; Chaos Toolkit's own command, chaos, may"
        for key in unknown
    ]
    problems += [f"{path}: {problem}" for problem in _problems(experiment, environ)]
    if problems:
        raise ExperimentError("\n".join(problems))
    return experiment, document


def configuration(experiment: Experiment, environ: Mapping[str, str]) -> dict[str, Any]:
    """With what comes from the environment filled in. Raises ExperimentError."""
    found: dict[str, Any] = {}
    for name, value in experiment.configuration.items():
        if not (isinstance(value, dict) and value.get("type") == "env"):
            found[name] = value
        elif (key := str(value.get("key", ""))) in environ:
            found[name] = _typed(environ[key], value.get("env_var_type"))
        elif "default" in value:
            found[name] = value["default"]
        else:
            raise ExperimentError(f"$.configuration.{name}: the environment has no {key}")
    return found


def substituted(value: Any, variables: Mapping[str, Any]) -> Any:
    """Every ${name} replaced; a text that is nothing else becomes the value itself.

    >>> substituted({"url": "${base}/price", "for_s": "${seconds}"}, {"base": "http://a", "seconds": 4})
    {'url': 'http://a/price', 'for_s': 4}
    """
    if isinstance(value, dict):
        return {key: substituted(each, variables) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [substituted(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    if (whole := _VARIABLE.fullmatch(value)) and whole[1] in variables:
        return variables[whole[1]]
    return _VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), value)


def now_text() -> str:
    return rfc3339(datetime.now(UTC))


def function(provider: Python) -> Any:
    """The probe or action of our extension."""
    return vars(chaos_toolkit)[provider.func]


def _problems(experiment: Experiment, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        configuration(experiment, environ)
    except ExperimentError as error:
        yield str(error)
    for where, activity in experiment.activities():
        if where.startswith("$.steady") and activity.tolerance is msgspec.UNSET:
            yield f"{where}: a probe of the hypothesis needs a tolerance"
        elif activity.tolerance is not msgspec.UNSET and (why := tolerance_problem(activity.tolerance)):
            yield f"{where}.tolerance: {why}"
        if isinstance(activity.provider, Python) and (why := _function_problem(activity.provider)):
            yield f"{where}.provider: {why}"


def _function_problem(provider: Python) -> str:
    if provider.module != EXTENSION:
        return f"functions of {provider.module} cannot be called here, only those of {EXTENSION}"
    known = sorted(
        name
        for name, value in vars(chaos_toolkit).items()
        if inspect.isfunction(value) and value.__module__ == EXTENSION and not name.startswith("_")
    )
    if provider.func not in known:
        return f"{EXTENSION} has no {provider.func!r}; there are: {', '.join(known)}"
    try:
        inspect.signature(function(provider)).bind(**provider.arguments)
    except TypeError as error:
        return f"{provider.func}: {error}"
    return ""


def _typed(text: str, kind: Any) -> Any:
    kinds: dict[Any, Any] = {"int": int, "float": float, "bool": lambda said: said.lower() in {"1", "true"}}
    return kinds.get(kind, str)(text)
