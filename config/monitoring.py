"""Which models are watched, on which data, and the limits of their monitoring; config/monitoring_config.json."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from config.problems import ConfigError, Problem, nearest
from config.reading import decode, oddities
from config.settings import load_settings
from config.typewalk import differences

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class ModelSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model: its table, its target, how it is trained and by which parts of its users it is judged."""

    name: Name
    task: Literal["regression", "classification"]
    data: str  # a CSV file, relative to the working directory
    target: str
    algorithm: Literal["xgboost", "linear", "forest"] = "xgboost"
    features: tuple[str, ...] = ()  # none: every column but target, ignored and time
    ignored: tuple[str, ...] = ()  # identifiers and the like
    time_column: str | None = None  # the newest rows are held out; none: a seeded random part
    positive: str = "1"  # the class whose probability is told
    slices: tuple[str, ...] = ()  # columns; no slice may get worse by a promotion
    held_out: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    keep_versions: Annotated[int, Meta(ge=2)] = 5


class Watch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often models are looked at; the environment's MONITORING_INTERVAL and MONITORING_LOOKBACK come first."""

    interval_s: Positive = 300.0
    lookback_h: Positive = 24.0
    full_report_h: Positive = 6.0


class Serving(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How models are served, and how long what they said is kept."""

    max_body_bytes: Annotated[int, Meta(ge=1024)] = 1_048_576
    poll_s: Annotated[float, Meta(ge=0.02, le=60)] = 0.15  # how soon a promotion or rollback is seen
    keep_days: Annotated[int, Meta(ge=31)] = 90  # of predictions and labels; labels may come 30 days late
    log_room: Count = 100_000  # lines that wait while the disk takes none; further ones are lost and counted
    shadow_room: Count = 10_000  # rows that wait for the challenger; further ones are not scored


class Drift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a window of predictions has drifted from the reference, and what is kept of looks."""

    false_alarms_per_month: Annotated[float, Meta(gt=0, le=1)] = 0.1  # over all features and looks of a model
    min_effect_sigmas: Positive = 0.1  # a smaller shift is no drift, however many rows show it
    detect_sigmas: Positive = (
        0.5  # "no drift" is said only where this would have been found nine times in ten
    )
    min_rows: Count = 30  # no drift is said of fewer
    labels_d: Positive = 31.0  # how late labels may come
    keep_results: Count = 500
    keep_reports: Count = 20  # four megabytes each


class Repair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a repair of tables may do by itself."""

    max_damage_share: Annotated[float, Meta(gt=0, le=1)] = 0.3  # a column with more is quarantined
    fence_iqr: Positive = 1.5  # numbers further from the quartiles, in interquartile ranges, are capped
    max_capped_share: Annotated[float, Meta(ge=0, le=1)] = 0.05  # with more that is the column's nature
    keep_backups: Count = 5  # of each table
    schema_rows: Annotated[int, Meta(ge=0)] = (
        50_000  # so many at most are checked against the schema; 0: none
    )


class MonitoringConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: tuple[ModelSpec, ...] = ()
    default_model: str | None = None  # of scripts that act on one; none: the first
    data: tuple[str, ...] = ()  # further tables that are kept in repair
    watch: Watch = Watch()
    serving: Serving = Serving()
    drift: Drift = Drift()
    repair: Repair = Repair()

    def model(self, name: str | None = None) -> ModelSpec:
        """The model of that name, or the default one; ConfigError where there is none."""
        wanted = name or self.default_model or (self.models[0].name if self.models else "")
        for spec in self.models:
            if spec.name == wanted:
                return spec
        known = ", ".join(spec.name for spec in self.models) or "none"
        raise ConfigError([f"no model named {wanted!r} is configured; known: {known}"])

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that is kept in repair, each once."""
        return tuple(dict.fromkeys([*(spec.data for spec in self.models), *self.data]))


_OWN_KEYS = MonitoringConfig.__struct_fields__


def load_monitoring(path: Path, environ: Mapping[str, str]) -> MonitoringConfig:
    """The configuration with the environment's overrides, or ConfigError with all its problems."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    return parse_monitoring(data, str(path), environ)


def parse_monitoring(data: bytes, source: str, environ: Mapping[str, str]) -> MonitoringConfig:
    """The same for what stands in a file already read."""
    raw = decode(data, source)
    problems = [*oddities(raw), *differences(raw, MonitoringConfig)]
    if not problems:
        problems = list(_problems(msgspec.convert(raw, MonitoringConfig)))
    if problems:
        raise ConfigError(problem.line(source) for problem in problems)
    return _with_environment(msgspec.convert(raw, MonitoringConfig), environ)


def is_of_models(raw: Any) -> bool:
    """Whether what was read is meant as this configuration and not as that of services."""
    return isinstance(raw, dict) and "services" not in raw and any(key in raw for key in _OWN_KEYS)


def _problems(config: MonitoringConfig) -> Iterator[Problem]:
    names = Counter(model.name for model in config.models)
    for index, model in enumerate(config.models):
        at = f"$.models[{index}]"
        if names[model.name] > 1:
            yield Problem(f"{at}.name", f"{model.name!r} is used twice")
        if not model.data.strip():
            yield Problem(f"{at}.data", "names no file")
        yield from _column_problems(model, at)
    if config.default_model is not None and config.default_model not in names:
        hint = nearest(config.default_model, names, otherwise="known: ")
        yield Problem("$.default_model", f"no model is named {config.default_model!r}{hint}")


def _column_problems(model: ModelSpec, at: str) -> Iterator[Problem]:
    for part in ("features", "ignored", "slices"):
        columns = getattr(model, part)
        for place, column in enumerate(columns):
            if column == model.target:
                yield Problem(f"{at}.{part}[{place}]", f"is the target {column!r}")
            elif column in columns[:place]:
                yield Problem(f"{at}.{part}[{place}]", f"{column!r} stands here twice")
            elif part == "features" and column in (*model.ignored, model.time_column):
                other = "time_column" if column == model.time_column else "ignored"
                yield Problem(f"{at}.{part}[{place}]", f"{column!r} is {other} too")
    if model.time_column == model.target:
        yield Problem(f"{at}.time_column", f"is the target {model.target!r}")


def _with_environment(config: MonitoringConfig, environ: Mapping[str, str]) -> MonitoringConfig:
    settings = load_settings(environ)
    watch = config.watch
    if re.search(r"\S", environ.get("MONITORING_INTERVAL", "")):
        watch = msgspec.structs.replace(watch, interval_s=settings.monitoring_interval)
    if re.search(r"\S", environ.get("MONITORING_LOOKBACK", "")):
        watch = msgspec.structs.replace(watch, lookback_h=settings.monitoring_lookback)
    return msgspec.structs.replace(config, watch=watch)
