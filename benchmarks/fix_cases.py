"""Reads a case of the public incident stories, as a folder or as the judge yields it, into what remedies are weighed by."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from analysis.remedy import Moved, Said, Trouble

GUARD = 3  # samples before the alarm that may belong to the incident already
LEAST_SPREAD = 0.02  # of the level


def opened(folder: Path) -> SimpleNamespace:
    """A case from its folder: what the judge gives, and the alert. Neither its name nor its cause is looked at."""
    meta = json.loads((folder / "meta.json").read_text())
    metrics = pd.read_parquet(folder / "metrics.parquet").astype(float)
    rows = int((metrics.index < meta["inject_time"]).sum())
    logs = folder / "logs.parquet"
    return SimpleNamespace(
        before=metrics.iloc[:rows],
        after=metrics.iloc[rows:],
        services=meta["entities"],
        graph=[tuple(edge) for edge in meta.get("graph", ())],
        logs=pd.read_parquet(logs) if logs.exists() else None,
        alert=meta.get("alert"),
    )


def trouble_of(case: Any) -> Trouble:
    """`case` has before, after, services, graph and logs as the judge says; an `alert` is read where there is one."""
    if isinstance(case, Mapping):
        case = SimpleNamespace(**case)
    services: Mapping[str, str] = getattr(case, "services", None) or {}
    graph = [
        (services.get(one, one), services.get(other, other))
        for one, other in getattr(case, "graph", None) or ()
    ]
    called = {callee for _, callee in graph}
    names = {*services.values(), *called, *(caller for caller, _ in graph)}
    alarm_at = float(case.after.index[0] if len(case.after) else case.before.index[-1])
    lines = (*_lines(getattr(case, "logs", None), alarm_at), *_alert(getattr(case, "alert", None)))
    return Trouble(
        lines=lines,
        moved=tuple(_moved(case.before, case.after, services)),
        services=frozenset(names),
        entries=frozenset(names - called) if graph else frozenset(),
        since=min((line.at for line in lines), default=0.0),
    )


def _lines(logs: pd.DataFrame | None, alarm_at: float) -> Iterator[Said]:
    if logs is None:
        return
    columns = (logs[name].tolist() for name in ("time", "service", "template", "count"))
    for at, service, template, count in zip(*columns, strict=True):
        yield Said(str(service), str(template).replace("||", " ", 1), float(at) - alarm_at, float(count))


def _alert(alert: Any) -> Iterator[Said]:
    if alert:
        alert = alert if isinstance(alert, Mapping) else vars(alert)
        yield Said(str(alert.get("service", "")), str(alert.get("summary", "")), 0.0)


def _moved(before: pd.DataFrame, after: pd.DataFrame, services: Mapping[str, str]) -> Iterator[Moved]:
    usual = before.iloc[:-GUARD] if len(before) > 2 * GUARD else before
    if usual.empty or after.empty:
        return
    for column in before.columns:
        values, late = usual[column].dropna().to_numpy(), after[column].dropna().to_numpy()
        if not len(values) or not len(late):
            continue
        level, now = float(np.median(values)), float(np.median(late))
        low, quarter, three_quarters, high = np.quantile(values, (0.01, 0.25, 0.75, 0.99))
        scale = max((high - low) / 4, (three_quarters - quarter) / 1.35, LEAST_SPREAD * abs(level), 1e-9)
        entity = max((name for name in services if str(column).startswith(f"{name}_")), key=len, default="")
        metric = str(column)[len(entity) + 1 :] if entity else str(column)
        yield Moved(services.get(entity, entity), metric, level, now, float((now - level) / scale))
